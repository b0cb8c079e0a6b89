import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { App } from 'aws-cdk-lib';
import cdkJson from '../../../cdk.json' with { type: 'json' };
import { contextOf } from '../../../infra/settings/context.ts';
import { defaults } from '../../../infra/settings/settings.ts';

const contextWith = (given: Record<string, unknown>) =>
  contextOf(new App({ context: { ...cdkJson.context, ...given } }).node);

test('cdk.json shows the defaults', () => {
  assert.deepEqual(cdkJson.context, defaults);
  assert.deepEqual(contextWith({}), { ...defaults, projects: {} });
});

test('the defaults hold without cdk.json', () => {
  assert.deepEqual(contextOf(new App().node), { ...defaults, projects: {} });
});

test('values of -c key=value are text, and become what the setting is', () => {
  const context = contextWith({
    timeBudgetMinutes: '90',
    dryRun: 'true',
    cancelLimit: 'none',
    queueLimitMinutes: '600',
    region: 'us-gov-west-1',
    logRetentionDays: '7',
    notifyEmail: 'ml@example.com',
  });
  assert.partialDeepStrictEqual(context, {
    timeBudgetMinutes: 90,
    dryRun: true,
    cancelLimit: 'none',
    queueLimitMinutes: 600,
    region: 'us-gov-west-1',
    logRetentionDays: 7,
    notifyEmail: 'ml@example.com',
  });
});

describe('the region may be of any partition', () => {
  for (const region of ['ap-southeast-5', 'cn-northwest-1', 'us-gov-west-1', 'us-isob-east-1', 'eusc-de-east-1']) {
    test(region, () => assert.equal(contextWith({ region }).region, region));
  }
});

test('projects are the same as an object and as text', () => {
  const projects = {
    a: { timeBudgetMinutes: 90, queueLimitMinutes: 'none', dryRun: true },
    b: { provider: 'bedrock', region: 'us-west-2' },
  };
  assert.deepEqual(contextWith({ projects }).projects, projects);
  assert.deepEqual(contextWith({ projects: JSON.stringify(projects) }).projects, projects);
});

describe('a wrong value fails with its key and what is allowed', () => {
  const cases: [key: string, value: unknown, allowed: RegExp][] = [
    ['timeBudgetMinutes', 'soon', /is "soon", but must be a whole number of minutes, 0 or more/],
    ['timeBudgetMinutes', 0, /allowed only with "dryRun" true/],
    ['timeBudgetMinutes', '0', /allowed only with "dryRun" true/],
    ['sweepEveryMinutes', 0, /a whole number of minutes, 1 to 1440/],
    ['sweepEveryMinutes', 1441, /a whole number of minutes, 1 to 1440/],
    ['sweepEveryMinutes', '', /a whole number of minutes, 1 to 1440/],
    ['queueLimitMinutes', 'soon', /is "soon", but must be a whole number of minutes, 1 or more, or "none"/],
    ['queueLimitMinutes', '', /a whole number of minutes, 1 or more, or "none"/],
    ['logLevel', 'LOUD', /one of DEBUG, INFO, WARN, ERROR/],
    ['logRetentionDays', 42, /one of 1, 3, 5, 7, 14, 30,/],
    ['logRetentionDays', 9999, /one of 1, 3, 5, 7, 14, 30,/],
    ['region', 'us-east', /a region of AWS, such as us-east-1/],
    ['region', 'US-EAST-1', /a region of AWS, such as us-east-1/],
    ['region', 'us-east-1.evil.example', /a region of AWS, such as us-east-1/],
    ['region', '*', /a region of AWS, such as us-east-1/],
    ['region', '', /a region of AWS, such as us-east-1/],
    ['enabled', 'no', /true or false/],
    ['secretName', '', /the name or ARN of a secret/],
    ['secretField', '', /the name of a field/],
    ['notifyEmail', 'nobody', /an e-mail address/],
    ['notifyTopicArn', 'alerts', /the ARN of a topic/],
    ['projects', '{', /an object/],
    ['projects', [], /an object/],
  ];
  for (const [key, value, allowed] of cases) {
    test(`${key}=${JSON.stringify(value)}`, () => {
      assert.throws(
        () => contextWith({ [key]: value }),
        (error: Error) => error.message.includes(`context key "${key}"`) && allowed.test(error.message),
      );
    });
  }

  test('two wrong values are both named', () => {
    assert.throws(() => contextWith({ dryRun: 'no', lookbackDays: 'all' }), /"lookbackDays"[\s\S]*"dryRun"/);
  });

  test('a password in a URL is not repeated', () => {
    assert.throws(
      () => contextWith({ openaiBaseUrl: 'https://me:hunter2@example.com/v1' }),
      ({ message }: Error) => message.includes('"openaiBaseUrl"') && !message.includes('hunter2'),
    );
  });

  test('a time budget of 0 is fine in a dry run', () => {
    assert.equal(contextWith({ timeBudgetMinutes: '0', dryRun: 'true' }).timeBudgetMinutes, 0);
  });
});

describe('a wrong project fails with its name and key', () => {
  const cases: [projects: object, expected: RegExp][] = [
    [{ a: { timeBudgetMinutes: 'soon' } }, /"timeBudgetMinutes" of project "a".* a whole number of minutes/],
    [{ a: { secretName: '*' } }, /"secretName" of project "a"/],
    [{ a: { sweepEveryMinutes: 5 } }, /"sweepEveryMinutes" of project "a".*not a setting of projects/],
    [{ a: { dryrun: true } }, /"dryrun" of project "a".*not a setting of projects/],
    [{ 'a b': {} }, /"a b" must be 1 to 64 letters, digits/],
    [{ a: 90 }, /project "a".* must be an object/],
  ];
  for (const [projects, expected] of cases) {
    test(JSON.stringify(projects), () => {
      assert.throws(() => contextWith({ projects }), expected);
      assert.throws(() => contextWith({ projects: JSON.stringify(projects) }), expected);
    });
  }

  test('without the value of an unknown key, which may be a credential', () => {
    assert.throws(
      () => contextWith({ projects: { a: { apiKey: 'sk-proj-1' } } }),
      ({ message }: Error) => message.includes('"apiKey"') && !message.includes('sk-proj-1'),
    );
  });
});

describe('a key that is misspelt or cut short', () => {
  const misspelt: [key: string, meant: string][] = [
    ['dryrun', 'dryRun'],
    ['dry_run', 'dryRun'],
    ['timeBudgetMinute', 'timeBudgetMinutes'],
    ['project', 'projects'],
    ['notifyEMail', 'notifyEmail'],
    ['timeBudget', 'timeBudgetMinutes'],
    ['notify', 'notifyEmail'],
  ];
  for (const [key, meant] of misspelt) {
    test(`${key} is an error that names ${meant}`, () => {
      assert.throws(() => contextWith({ [key]: 'true' }), new RegExp(`"${key}".*did you mean "${meant}"`));
    });
  }

  test('is nothing that CDK or somebody else keeps in the context', () => {
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
