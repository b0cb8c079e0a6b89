import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { App } from 'aws-cdk-lib';
import cdkJson from '../../cdk.json' with { type: 'json' };
import { contextOf, defaults } from '../../infra/context.ts';

const contextWith = (given: Record<string, unknown>) =>
  contextOf(new App({ context: { ...cdkJson.context, ...given } }).node);

test('cdk.json shows the defaults', () => {
  assert.deepEqual(cdkJson.context, defaults);
  assert.deepEqual(contextWith({}), defaults);
});

test('the defaults hold without cdk.json', () => {
  assert.deepEqual(contextOf(new App().node), defaults);
});

test('values of -c key=value are text, and become what the setting is', () => {
  const context = contextWith({ timeBudgetMinutes: '90', dryRun: 'true', notifyEmail: 'ml@example.com' });
  assert.equal(context.timeBudgetMinutes, 90);
  assert.equal(context.dryRun, true);
  assert.equal(context.notifyEmail, 'ml@example.com');
});

describe('a wrong value fails with its key and what is allowed', () => {
  const cases: [key: string, value: unknown, allowed: RegExp][] = [
    ['timeBudgetMinutes', 'soon', /is "soon", but must be a whole number of minutes, 0 or more/],
    ['timeBudgetMinutes', -1, /a whole number of minutes, 0 or more/],
    ['timeBudgetMinutes', '1.5', /a whole number of minutes, 0 or more/],
    ['sweepEveryMinutes', 0, /a whole number of minutes, 1 to 1440/],
    ['sweepEveryMinutes', 1441, /a whole number of minutes, 1 to 1440/],
    ['sweepEveryMinutes', '', /a whole number of minutes, 1 to 1440/],
    ['logLevel', 'LOUD', /one of DEBUG, INFO, WARN, ERROR/],
    ['lookbackDays', '1 week', /a whole number of days, 0 or more/],
    ['openaiBaseUrl', 'http://api.openai.com/v1', /an https URL, or http on loopback/],
    ['dryRun', 'yes', /true or false/],
    ['secretName', '', /the name or ARN of a secret/],
    ['secretName', 'two words', /the name or ARN of a secret/],
    ['secretField', '', /the name of a field/],
    ['notifyEmail', 'nobody', /an e-mail address/],
  ];
  for (const [key, value, allowed] of cases) {
    test(`${key}=${value}`, () => {
      assert.throws(
        () => contextWith({ [key]: value }),
        (error: Error) => error.message.includes(`"${key}"`) && allowed.test(error.message),
      );
    });
  }

  test('two wrong values are both named', () => {
    assert.throws(() => contextWith({ dryRun: 'no', lookbackDays: 'all' }), /"lookbackDays"[\s\S]*"dryRun"/);
  });
});
