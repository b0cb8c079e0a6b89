import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { App } from 'aws-cdk-lib';
import cdkJson from '../../../cdk.json' with { type: 'json' };
import { contextOf } from '../../../infra/settings/context.ts';
import { defaults } from '../../../infra/settings/settings.ts';

const contextWith = (context: Record<string, unknown>) => contextOf(new App({ context }).node);

test('cdk.json shows the defaults, which apply without it too', () => {
  assert.deepEqual(cdkJson.context, defaults);
  for (const context of [cdkJson.context, {}]) assert.deepEqual(contextWith(context), { ...defaults, projects: {} });
});

test('values of -c key=value are text, and get the type of the setting', () => {
  const given = { timeBudgetMinutes: '0', dryRun: 'true', cancelLimit: 'none', logRetentionDays: '7' };
  const expected = { timeBudgetMinutes: 0, dryRun: true, cancelLimit: 'none', logRetentionDays: 7 };
  assert.partialDeepStrictEqual(contextWith(given), expected);
});

test('the region may be in any partition', () => {
  for (const region of ['ap-southeast-5', 'cn-northwest-1', 'us-gov-west-1', 'us-isob-east-1', 'eusc-de-east-1']) {
    assert.equal(contextWith({ region }).region, region);
  }
});

test('projects may be an object or text', () => {
  const projects = { a: { timeBudgetMinutes: 90, dryRun: true }, b: { provider: 'bedrock', region: 'us-west-2' } };
  for (const given of [projects, JSON.stringify(projects)]) {
    assert.deepEqual(contextWith({ projects: given }).projects, projects);
  }
});

describe('a wrong value fails with its key and what is allowed, without what may be a credential', () => {
  const cases: [context: Record<string, unknown>, expected: RegExp][] = [
    [{ timeBudgetMinutes: 'soon' }, /key "timeBudgetMinutes" is "soon", but must be a whole number of minutes, 0/],
    [{ timeBudgetMinutes: '0' }, /key "timeBudgetMinutes" is 0,.* allowed only with "dryRun" true/],
    [{ queueLimitMinutes: '' }, /key "queueLimitMinutes" .* a whole number of minutes, 1 or more, or "none"/],
    [{ sweepEveryMinutes: 1441 }, /key "sweepEveryMinutes" .* a whole number of minutes, 1 to 1440/],
    [{ logLevel: 'LOUD' }, /key "logLevel" .* one of DEBUG, INFO, WARN, ERROR/],
    [{ logRetentionDays: 42 }, /key "logRetentionDays" .* one of 1, 3, 5, 7, 14, 30,/],
    [{ logRetentionDays: 9999 }, /key "logRetentionDays" .* one of 1, 3, 5, 7, 14, 30,/],
    ...['us-east', 'US-EAST-1', 'us-east-1.evil.example', '*', ''].map((region): (typeof cases)[number] => [
      { region },
      /key "region" .* an AWS region, such as us-east-1/,
    ]),
    [{ enabled: 'no' }, /key "enabled" .* true or false/],
    [{ notifyEmail: 'nobody' }, /key "notifyEmail" .* an e-mail address/],
    [{ notifyTopicArn: 'alerts' }, /key "notifyTopicArn" .* the ARN of an SNS topic/],
    [{ dryRun: 'no', lookbackDays: 'all' }, /"lookbackDays"[\s\S]*"dryRun"/],
    [{ openaiBaseUrl: 'https://me:SECRET@example.com/v1' }, /key "openaiBaseUrl" must be/],
    [{ projects: '{' }, /key "projects" must be an object/],
    [{ projects: [] }, /key "projects" must be an object/],
    [{ projects: { a: 90 } }, /project "a".* must be an object/],
    [{ projects: { 'a b': {} } }, /"a b" must be 1 to 64 letters, digits/],
    [{ projects: { a: { secretName: '*' } } }, /"secretName" of project "a"/],
    [{ projects: { a: { dryrun: true } } }, /"dryrun" of project "a".*not a setting of projects/],
    [{ projects: '{"a": {"timeBudgetMinutes": "soon"}}' }, /"timeBudgetMinutes" of project "a".* a whole number/],
    [{ projects: { a: { apiKey: 'SECRET' } } }, /"apiKey" of project "a"/],
  ];
  for (const [context, expected] of cases) {
    test(JSON.stringify(context), () => {
      assert.throws(
        () => contextWith(context),
        ({ message }: Error) => expected.test(message) && !message.includes('SECRET'),
      );
    });
  }
});

describe('a key that is misspelt or cut short', () => {
  const misspelt = {
    dry_run: 'dryRun',
    timeBudgetMinute: 'timeBudgetMinutes',
    project: 'projects',
    notifyEMail: 'notifyEmail',
    timeBudget: 'timeBudgetMinutes',
  };
  for (const [key, meant] of Object.entries(misspelt)) {
    test(`${key} is an error that names ${meant}`, () => {
      assert.throws(() => contextWith({ [key]: 'true' }), new RegExp(`"${key}".*did you mean "${meant}"`));
    });
  }

  test('is not confused with what CDK or others keep in the context', () => {
    const others = {
      '@aws-cdk/core:newStyleStackSynthesis': true,
      'aws:cdk:enable-path-metadata': true,
      'aws:cdk:bundling-stacks': ['**'],
      'availability-zones:account=111122223333:region=eu-west-1': ['eu-west-1a'],
      'hosted-zone:account=111122223333:domainName=example.com:region=eu-west-1': { Id: 'Z1' },
      'cli-telemetry': false,
      stage: 'production',
      owner: 'ml',
    };
    assert.deepEqual(contextWith(others), { ...defaults, projects: {} });
  });
});
