import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Match, type Template } from 'aws-cdk-lib/assertions';
import { synthesize, templateWith } from '../synthesize.ts';
import { resourcesOf } from '../template.ts';

const { template } = synthesize('defaults');
const daily = 'cron(17 3 * * ? *)';

const aliasOf = (from: Template) => Object.keys(from.findResources('AWS::Lambda::Alias'))[0];

describe('the rules', () => {
  const requests: [schedule: string, request: object][] = [
    ['rate(5 minutes)', { sweep: {}, requestedBy: 'rule' }],
    [daily, { sweep: { lookbackDays: 0 }, requestedBy: 'rule' }],
  ];
  for (const [ScheduleExpression, request] of requests) {
    test(`${ScheduleExpression} sends ${JSON.stringify(request)} once, without a dead letter`, () => {
      template.hasResourceProperties('AWS::Events::Rule', {
        ScheduleExpression,
        State: 'ENABLED',
        Targets: [
          Match.objectLike({
            Arn: { Ref: aliasOf(template) },
            Input: JSON.stringify(request),
            DeadLetterConfig: Match.absent(),
            RetryPolicy: { MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 3_600 },
          }),
        ],
      });
    });
  }

  test('may each call the alias, and nothing else of the function', () => {
    const permissions = Object.values(resourcesOf(template, 'AWS::Lambda::Permission'));
    assert.equal(permissions.length, 2);
    for (const { FunctionName, Principal } of permissions) {
      assert.deepEqual(FunctionName, { Ref: aliasOf(template) });
      assert.equal(Principal, 'events.amazonaws.com');
    }
  });
});

describe('the alias of the rules', () => {
  test('has no retries and no dead letters', () => {
    template.resourceCountIs('AWS::Lambda::EventInvokeConfig', 2);
    template.hasResourceProperties('AWS::Lambda::EventInvokeConfig', {
      Qualifier: { 'Fn::Select': [7, { 'Fn::Split': [':', { Ref: aliasOf(template) }] }] },
      MaximumRetryAttempts: 0,
      MaximumEventAgeInSeconds: 3_600,
      DestinationConfig: Match.absent(),
    });
  });

  const schedules: [sweepEveryMinutes: number, schedule: string, hours: number][] = [
    [1, 'rate(1 minute)', 1],
    [90, 'rate(90 minutes)', 1.5],
    [1440, 'rate(1 day)', 6],
  ];
  for (const [sweepEveryMinutes, ScheduleExpression, hours] of schedules) {
    test(`called every ${sweepEveryMinutes} minutes keeps a sweep for ${hours} h: at least one for the daily one, at most six`, () => {
      const given = templateWith({ sweepEveryMinutes });
      given.hasResourceProperties('AWS::Events::Rule', { ScheduleExpression });
      given.hasResourceProperties('AWS::Lambda::EventInvokeConfig', {
        MaximumRetryAttempts: 0,
        MaximumEventAgeInSeconds: hours * 60 * 60,
      });
    });
  }

  test('points to $LATEST, so a changed setting reaches the rules', () => {
    template.resourceCountIs('AWS::Lambda::Version', 0);
    template.hasResourceProperties('AWS::Lambda::Alias', {
      Name: 'sweeps',
      FunctionName: { Ref: Object.keys(template.findResources('AWS::Lambda::Function'))[0] },
      FunctionVersion: '$LATEST',
      RoutingConfig: Match.absent(),
    });
  });
});

test('switched off, both rules are disabled, no alarm waits for sweeps, and everything else is there', () => {
  const idsIn = (from: Template) => Object.keys(from.toJSON()['Resources']);
  const { template: disabled } = synthesize('disabled');
  const rules = Object.values(resourcesOf(disabled, 'AWS::Events::Rule')).filter((rule) => rule['ScheduleExpression']);
  assert.deepEqual(
    rules.map(({ State }) => State),
    ['DISABLED', 'DISABLED'],
  );
  const missing = idsIn(synthesize('mail').template).filter((id) => !idsIn(disabled).includes(id));
  assert.match(missing.join(), /^CurfewAlarmsNoSweep[^,]*$/);
});
