import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as v from 'valibot';
import {
  defaultSettings,
  environmentFor,
  projectNamePattern,
  projectSchema,
  type Settings,
  settingsFrom,
  wholeNumberSetting,
} from '../../lambda/settings.ts';

const settings: Settings = { ...defaultSettings, dryRun: true };
/** What the stack and Lambda itself add to the settings. */
const surroundings = { TABLE_NAME: 'table', AWS_REGION: 'eu-central-1' };
const environment = { ...environmentFor(settings), ...surroundings };
const unnamed = { provider: undefined, openaiProject: undefined };

test('what the stack writes into the environment is what the function reads', () => {
  assert.deepEqual(settingsFrom(environment), {
    ...settings,
    ...unnamed,
    tableName: 'table',
    region: 'eu-central-1',
    eventBusName: 'default',
    stopAllTopics: new Set(),
    projectsPath: undefined,
  });
});

test('every setting survives the environment, but for the KMS key, which only the stack needs', () => {
  const all = {
    name: 'research-curfew',
    provider: 'azure',
    openaiBaseUrl: 'https://research.openai.azure.com/openai/v1',
    openaiProject: 'proj_1',
    secretName: 'azure/key',
    secretField: 'research',
    timeBudgetMinutes: 90,
    lookbackDays: 0,
    cancelLimit: 'none',
    warnBeforeMinutes: 0,
    dryRun: false,
  } as const;
  const secretKmsKeyArn = 'arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab';
  const { tableName, region, eventBusName, stopAllTopics, projectsPath, ...read } = settingsFrom({
    ...environmentFor({ ...all, secretKmsKeyArn }),
    ...surroundings,
  });
  assert.deepEqual(read, all);
});

test('settings that are not made write no variable', () => {
  assert.deepEqual(Object.keys(environmentFor(settings)).toSorted(), [
    'CANCEL_LIMIT',
    'CURFEW_NAME',
    'DRY_RUN',
    'LOOKBACK_DAYS',
    'OPENAI_BASE_URL',
    'SECRET_FIELD',
    'SECRET_NAME',
    'TIME_BUDGET_MINUTES',
    'WARN_BEFORE_MINUTES',
  ]);
});

test('an environment without settings, table or region is an error', () => {
  for (const missing of ['CURFEW_NAME', 'SECRET_NAME', 'CANCEL_LIMIT', 'TABLE_NAME', 'AWS_REGION']) {
    assert.throws(
      () => settingsFrom({ ...environment, [missing]: undefined }),
      { name: 'ValiError' },
      missing,
    );
  }
});

test('a setting that is a list of topics leaves out what is empty', () => {
  const { stopAllTopics } = settingsFrom({ ...environment, STOP_ALL_TOPIC_ARNS: 'arn:a,,arn:b' });
  assert.deepEqual(stopAllTopics, new Set(['arn:a', 'arn:b']));
});

describe('a setting is checked', () => {
  const secretName = 'the name or ARN of a secret in Secrets Manager';
  const secretField = 'the name of a field in the secret, without spaces';
  const minutes = 'a whole number of minutes, 0 or more';
  const limit = 'a whole number of jobs, 1 or more, or "none"';
  const name = 'a letter, then up to 39 letters, digits or "-"';
  const openaiProject = "the id of a project at the provider's";
  const url = 'an https URL, or http on loopback, without user, query or fragment';
  const refused: [name: string, text: string, allowed: string][] = [
    ['SECRET_NAME', '', secretName],
    ['SECRET_NAME', 'openai api key', secretName],
    ['SECRET_NAME', '\nopenai', secretName],
    ['SECRET_NAME', 's'.repeat(513), secretName],
    ['SECRET_NAME', '*', secretName],
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
    ['WARN_BEFORE_MINUTES', '-1', minutes],
    ['CANCEL_LIMIT', '0', limit],
    ['CANCEL_LIMIT', '1.5', limit],
    ['CANCEL_LIMIT', 'None', limit],
    ['CANCEL_LIMIT', '', limit],
    ['CURFEW_NAME', '', name],
    ['CURFEW_NAME', '1st', name],
    ['CURFEW_NAME', 'my_curfew', name],
    ['CURFEW_NAME', 'c'.repeat(41), name],
    ['PROVIDER', 'anthropic', 'one of openai, azure, bedrock'],
    ['OPENAI_PROJECT', '', openaiProject],
    ['OPENAI_PROJECT', 'proj 1', openaiProject],
    ['OPENAI_BASE_URL', 'api.openai.com', url],
    ['DRY_RUN', 'yes', 'true or false'],
  ];
  for (const [name, text, allowed] of refused) {
    test(`${name} is not ${JSON.stringify(text.slice(0, 20))}`, () => {
      const wrong = { ...environment, [name]: text };
      assert.throws(() => settingsFrom(wrong), { name: 'ValiError', message: allowed });
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
    ['WARN_BEFORE_MINUTES', '0'],
    ['CANCEL_LIMIT', '1'],
    ['CANCEL_LIMIT', 'none'],
    ['CURFEW_NAME', 'C'],
    ['CURFEW_NAME', `c${'-'.repeat(39)}`],
    ['PROVIDER', 'bedrock'],
    ['OPENAI_PROJECT', 'proj_1'],
    ['DRY_RUN', 'false'],
  ];
  for (const [name, text] of allowed) {
    test(`${name} may be "${text.slice(0, 20)}"`, () => {
      const read = settingsFrom({ ...environment, [name]: text });
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
    'https://api.openai.com': 'https://api.openai.com',
    'https://api.openai.com/v1/': 'https://api.openai.com/v1',
    'http://127.0.0.1:8080/v1': 'http://127.0.0.1:8080/v1',
    'http://127.10.20.30/v1': 'http://127.10.20.30/v1',
    'http://localhost/v1': 'http://localhost/v1',
    'https://api.openai.com/v1///': 'https://api.openai.com/v1',
    'http://[::1]:9/v1': 'http://[::1]:9/v1',
  };
  for (const [openaiBaseUrl, expected] of Object.entries(allowed)) {
    test(`so ${openaiBaseUrl} is allowed`, () => {
      assert.equal(settingsFrom({ ...environment, OPENAI_BASE_URL: openaiBaseUrl }).openaiBaseUrl, expected);
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
    'https://api.openai.com/v1?',
    'https://api.openai.com/#',
    'https://api.openai.com/v 1',
    'https:///v1',
    'https:/api.openai.com/v1',
    'https:\\\\api.openai.com\\v1',
    ' https://api.openai.com/v1',
    'api.openai.com',
    '',
  ];
  for (const openaiBaseUrl of refused) {
    test(`so "${openaiBaseUrl}" is refused`, () => {
      const wrong = { ...environment, OPENAI_BASE_URL: openaiBaseUrl };
      assert.throws(() => settingsFrom(wrong), { name: 'ValiError', message: /an https URL/ });
    });
  }
});

describe('the KMS key of a secret is named by the ARN of the key', () => {
  const key = 'arn:aws:kms:eu-central-1:123456789012:key';
  const ofProject = (secretKmsKeyArn: string) => v.is(projectSchema, { secretKmsKeyArn });
  for (const arn of [`${key}/1234abcd-12ab`, `${key.replace('aws', 'aws-cn')}/mrk-1234abcd`]) {
    test(`so ${arn} is allowed`, () => assert.ok(ofProject(arn)));
  }
  for (const arn of [
    '',
    '1234abcd-12ab',
    `${key.replace(':key', ':alias')}/mine`,
    `${key}/*`,
    `my ${key}/1234`,
    `${key}/1234 `,
  ]) {
    test(`so "${arn}" is refused`, () => assert.ok(!ofProject(arn)));
  }
});

describe('the name of a project is made of 1 to 64 letters, digits, "-" and "_"', () => {
  for (const [name, isOne] of Object.entries({
    a: true,
    'Team_1-x': true,
    [`n${'a'.repeat(63)}`]: true,
    '': false,
    ['a'.repeat(65)]: false,
    'team 1': false,
    'team/1': false,
    'a\n': false,
  })) {
    test(`${JSON.stringify(name)}: ${isOne}`, () => assert.equal(projectNamePattern.test(name), isOne));
  }
});

test('a project sets nothing that concerns the whole deployment', () => {
  for (const key of ['name', 'warnBeforeMinutes', 'notifyEmail', 'timebudgetminutes']) {
    assert.ok(!v.is(projectSchema, { [key]: '1' }), key);
  }
  assert.ok(v.is(projectSchema, { timeBudgetMinutes: '1' }));
});
