import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Match, type Template } from 'aws-cdk-lib/assertions';
import { synthesize, templateWith } from '../synthesize.ts';
import { resourcesOf, settingsIn } from '../template.ts';

const { template } = synthesize('defaults');
const daily = 'cron(17 3 * * ? *)';

const aliasOf = (from: Template) => Object.keys(from.findResources('AWS::Lambda::Alias'))[0];

describe('the rules', () => {
  const requests: [schedule: string, request: object][] = [
    ['rate(5 minutes)', { sweep: {}, requestedBy: 'rule' }],
    [daily, { sweep: { lookbackDays: 0 }, requestedBy: 'rule' }],
  ];
  for (const [ScheduleExpression, request] of requests) {
    test(`${ScheduleExpression} sends ${JSON.stringify(request)} once, without a dead letter: the next sweep comes`, () => {
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

  test('may call the alias, each of them, and nothing else of the function', () => {
    const permissions = Object.values(resourcesOf(template, 'AWS::Lambda::Permission'));
    assert.equal(permissions.length, 2);
    for (const { FunctionName, Principal } of permissions) {
      assert.deepEqual(FunctionName, { Ref: aliasOf(template) });
      assert.equal(Principal, 'events.amazonaws.com');
    }
  });

  const schedules: [minutes: number, schedule: string][] = [
    [1, 'rate(1 minute)'],
    [90, 'rate(90 minutes)'],
    [1440, 'rate(1 day)'],
  ];
  for (const [sweepEveryMinutes, ScheduleExpression] of schedules) {
    test(`every ${sweepEveryMinutes} minutes are ${ScheduleExpression}`, () => {
      templateWith({ sweepEveryMinutes }).hasResourceProperties('AWS::Events::Rule', { ScheduleExpression });
    });
  }
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

  const ages: [sweepEveryMinutes: number, hours: number][] = [
    [1, 1],
    [120, 2],
    [1440, 6],
  ];
  for (const [sweepEveryMinutes, hours] of ages) {
    test(`keeps a sweep for ${hours} h, if one is due every ${sweepEveryMinutes} minutes: an hour for the daily one, six at most`, () => {
      templateWith({ sweepEveryMinutes }).hasResourceProperties('AWS::Lambda::EventInvokeConfig', {
        MaximumRetryAttempts: 0,
        MaximumEventAgeInSeconds: hours * 60 * 60,
      });
    });
  }

  test('is of the function as it is now, so a changed setting reaches the rules', () => {
    for (const timeBudgetMinutes of [360, 90]) {
      const changed = templateWith({ timeBudgetMinutes });
      const [id] = Object.keys(changed.findResources('AWS::Lambda::Function'));
      changed.resourceCountIs('AWS::Lambda::Version', 0);
      changed.hasResourceProperties('AWS::Lambda::Alias', {
        Name: 'sweeps',
        FunctionName: { Ref: id },
        FunctionVersion: '$LATEST',
        RoutingConfig: Match.absent(),
      });
      assert.equal(settingsIn(changed)['timeBudgetMinutes'], timeBudgetMinutes);
    }
  });
});

describe('switched off', () => {
  const { template: disabled } = synthesize('disabled');

  test('both rules are there, disabled', () => {
    const rules = Object.values(resourcesOf(disabled, 'AWS::Events::Rule')).filter(
      (rule) => rule['ScheduleExpression'],
    );
    assert.deepEqual(
      rules.map(({ State }) => State),
      ['DISABLED', 'DISABLED'],
    );
  });

  test('no alarm misses the sweeps, and everything else is there', () => {
    const { template: enabled } = synthesize('mail');
    const names = (from: Template) =>
      Object.values(resourcesOf(from, 'AWS::CloudWatch::Alarm')).map(({ AlarmName }) => AlarmName);
    const noSweep = 'fine-tuning-curfew-NoSweep';
    assert.ok(names(enabled).includes(noSweep));
    assert.deepEqual(
      names(disabled),
      names(enabled).filter((name) => name !== noSweep),
    );
    const countOf = (from: Template) => Object.keys(from.toJSON()['Resources']).length;
    assert.equal(countOf(disabled), countOf(enabled) - 1);
  });
});
