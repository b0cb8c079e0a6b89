import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as v from 'valibot';
import { environmentFor, settingsFrom, wholeNumberSetting } from '../../lambda/settings.ts';

const settings = {
  secretName: 'openai/api-key',
  secretField: 'apiKey',
  timeBudgetMinutes: 360,
  lookbackDays: 30,
  openaiBaseUrl: 'https://api.openai.com/v1',
  dryRun: true,
};

test('what the stack writes into the environment is what the function reads', () => {
  assert.deepEqual(settingsFrom(environmentFor(settings)), { ...settings, stopAllTopics: new Set() });
});

test('an environment without settings is an error', () => {
  assert.throws(() => settingsFrom({}), { name: 'ValiError' });
});

test('a setting that is a list of topics leaves out what is empty', () => {
  const environment = { ...environmentFor(settings), STOP_ALL_TOPIC_ARNS: 'arn:a,,arn:b' };
  assert.deepEqual(settingsFrom(environment).stopAllTopics, new Set(['arn:a', 'arn:b']));
});

describe('a setting is checked', () => {
  const secretName = 'the name or ARN of a secret in Secrets Manager';
  const secretField = 'the name of a field in the secret, without spaces';
  const minutes = 'a whole number of minutes, 0 or more';
  const url = 'an https URL, or http on loopback, without user, query or fragment';
  const refused: [name: string, text: string, allowed: string][] = [
    ['SECRET_NAME', '', secretName],
    ['SECRET_NAME', 'openai api key', secretName],
    ['SECRET_NAME', '\nopenai', secretName],
    ['SECRET_NAME', 's'.repeat(513), secretName],
    ['SECRET_FIELD', '', secretField],
    ['SECRET_FIELD', 'api key', secretField],
    ['SECRET_FIELD', ' apiKey', secretField],
    ['SECRET_FIELD', 'k'.repeat(129), secretField],
    ['TIME_BUDGET_MINUTES', '', minutes],
    ['TIME_BUDGET_MINUTES', '-1', minutes],
    ['TIME_BUDGET_MINUTES', '1.5', minutes],
    ['TIME_BUDGET_MINUTES', '360 minutes', minutes],
    ['TIME_BUDGET_MINUTES', '1'.repeat(10), minutes],
    ['LOOKBACK_DAYS', 'all', 'a whole number of days, 0 or more'],
    ['OPENAI_BASE_URL', 'api.openai.com', url],
    ['DRY_RUN', 'yes', 'true or false'],
  ];
  for (const [name, text, allowed] of refused) {
    test(`${name} is no ${JSON.stringify(text.slice(0, 20))}`, () => {
      const environment = { ...environmentFor(settings), [name]: text };
      assert.throws(() => settingsFrom(environment), { name: 'ValiError', message: allowed });
    });
  }

  const allowed: [name: string, text: string][] = [
    ['SECRET_NAME', 'arn:aws:secretsmanager:us-east-1:123456789012:secret:openai/api_key+=.@-AbCdEf'],
    ['SECRET_NAME', 's'.repeat(512)],
    ['SECRET_FIELD', 'openai.api-key'],
    ['SECRET_FIELD', 'k'.repeat(128)],
    ['TIME_BUDGET_MINUTES', '0'],
    ['TIME_BUDGET_MINUTES', '999999999'],
    ['LOOKBACK_DAYS', '0'],
    ['DRY_RUN', 'false'],
  ];
  for (const [name, text] of allowed) {
    test(`${name} may be "${text.slice(0, 20)}"`, () => {
      const environment = { ...environmentFor(settings), [name]: text };
      const { stopAllTopics: _, ...read } = settingsFrom(environment);
      assert.equal(environmentFor(read)[name], text);
    });
  }
});

test('a whole number may have an upper limit', () => {
  const setting = wholeNumberSetting(1, 'minutes', 1440);
  const allowed = 'a whole number of minutes, 1 to 1440';
  assert.equal(v.parse(setting, '1440'), 1440);
  assert.throws(() => v.parse(setting, '1441'), { message: allowed });
  assert.throws(() => v.parse(setting, '0'), { message: allowed });
});

describe('the base URL carries the key', () => {
  const allowed: Record<string, string> = {
    'https://proxy.example.com/openai/v1': 'https://proxy.example.com/openai/v1',
    'https://api.openai.com/v1/': 'https://api.openai.com/v1',
    'http://127.0.0.1:8080/v1': 'http://127.0.0.1:8080/v1',
    'http://127.10.20.30/v1': 'http://127.10.20.30/v1',
    'http://localhost/v1': 'http://localhost/v1',
    'https://api.openai.com/v1///': 'https://api.openai.com/v1',
    'http://[::1]:9/v1': 'http://[::1]:9/v1',
  };
  for (const [openaiBaseUrl, expected] of Object.entries(allowed)) {
    test(`so ${openaiBaseUrl} is allowed`, () => {
      const environment = environmentFor({ ...settings, openaiBaseUrl });
      assert.equal(settingsFrom(environment).openaiBaseUrl, expected);
    });
  }

  const refused = [
    'http://api.openai.com/v1',
    'http://localhost.example.com/v1',
    'http://127.0.0.1.example.com/v1',
    'http://example.com.localhost/v1',
    'http://1.127.0.0.1.example.com/v1',
    'ftp://127.0.0.1/v1',
    'https://user@api.openai.com/v1',
    'https://:password@api.openai.com/v1',
    'https://user:password@api.openai.com/v1',
    'https://api.openai.com/v1?x=1',
    'https://api.openai.com/v1#x',
    'api.openai.com',
    '',
  ];
  for (const openaiBaseUrl of refused) {
    test(`so "${openaiBaseUrl}" is refused`, () => {
      const environment = environmentFor({ ...settings, openaiBaseUrl });
      assert.throws(() => settingsFrom(environment), { name: 'ValiError', message: /an https URL/ });
    });
  }
});
