import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as v from 'valibot';
import {
  bedrockRegionOf,
  type Provider,
  parseSettings,
  projectNamePattern,
  projectSchema,
  providerOf,
  settingsVariable,
  wholeNumber,
} from '../../lambda/settings.ts';

/** Parses the environment: the variable that the stack writes, and the region that Lambda adds. */
const parsed = (settings: object) =>
  parseSettings({
    [settingsVariable]: JSON.stringify({ tableName: 'table', ...settings }),
    AWS_REGION: 'eu-central-1',
  });

const defaults = {
  name: 'fine-tuning-curfew',
  secretName: 'openai/api-key',
  secretField: 'apiKey',
  timeBudgetMinutes: 360,
  lookbackDays: 30,
  cancelLimit: 20,
  warnBeforeMinutes: 30,
  openaiBaseUrl: 'https://api.openai.com/v1',
  dryRun: false,
  stopAllTopics: [],
  tableName: 'table',
  eventBusName: 'default',
  functionRegion: 'eu-central-1',
};
const all = {
  name: 'research-curfew',
  provider: 'azure',
  openaiBaseUrl: 'https://research.openai.azure.com/openai/v1',
  openaiProject: 'proj_1',
  secretName: 'azure/key',
  secretField: 'research',
  secretKmsKeyArn: 'arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab',
  timeBudgetMinutes: 90,
  queueLimitMinutes: 600,
  lookbackDays: 0,
  cancelLimit: 'none',
  warnBeforeMinutes: 0,
  dryRun: true,
  stopAllTopics: ['arn:aws:sns:eu-central-1:123456789012:over-budget'],
  projectList: { path: '/research-curfew/projects/0123', parts: 2 },
  eventBusName: 'arn:aws:events:eu-central-1:123456789012:event-bus/ours',
};

test('settings that are left out have their defaults', () => assert.deepEqual(parsed({}), defaults));

test('an empty text stands for none, as in a parameter of the template', () => {
  assert.deepEqual(parsed({ provider: '', queueLimitMinutes: '', openaiBaseUrl: '' }), defaults);
});

test('everything can be set', () => assert.deepEqual(parsed(all), { ...defaults, ...all }));

test('numbers and booleans may be text, because resolved tokens arrive as text', () => {
  const text = {
    timeBudgetMinutes: '90',
    queueLimitMinutes: '600',
    lookbackDays: '0',
    cancelLimit: '7',
    warnBeforeMinutes: '0',
    dryRun: 'true',
  };
  const { timeBudgetMinutes, queueLimitMinutes, lookbackDays, warnBeforeMinutes, dryRun } = all;
  const numbers = { timeBudgetMinutes, queueLimitMinutes, lookbackDays, cancelLimit: 7, warnBeforeMinutes, dryRun };
  assert.deepEqual(parsed(text), { ...defaults, ...numbers });
  assert.equal(parsed({ dryRun: 'false' }).dryRun, false);
});

test('an environment not written by the stack is an error', () => {
  const settings = { [settingsVariable]: '{"tableName": "table"}' };
  const region = { AWS_REGION: 'eu-central-1' };
  for (const environment of [settings, region, { ...region, [settingsVariable]: 'table' }]) {
    assert.throws(() => parseSettings(environment), /.+/, JSON.stringify(environment));
  }
});

describe('a setting is checked', () => {
  const secretName = 'the name or ARN of a secret in Secrets Manager';
  const secretField = 'the name of a field in the secret, without spaces';
  const minutes = 'a whole number of minutes, 0 or more';
  const limit = 'a whole number of jobs, 1 or more, or "none"';
  const queueLimit = 'a whole number of minutes, 1 or more, or "none"';
  const name = 'a letter, then up to 39 letters, digits or "-"';
  const openaiProject = 'the id of a project at the provider';
  const kmsKey = 'the ARN of a KMS key, not of an alias';
  const key = 'arn:aws:kms:eu-central-1:123456789012:key';
  const refused: [name: string, value: unknown, allowed: string][] = [
    ['secretName', 'openai api key', secretName],
    ['secretName', '\nopenai', secretName],
    ['secretName', 's'.repeat(513), secretName],
    ['secretName', '*', secretName],
    ['secretField', ' apiKey', secretField],
    ['secretField', 'k'.repeat(129), secretField],
    ['secretKmsKeyArn', '1234abcd-12ab', kmsKey],
    ['secretKmsKeyArn', `${key.replace(':key', ':alias')}/mine`, kmsKey],
    ['secretKmsKeyArn', `${key}/*`, kmsKey],
    ['secretKmsKeyArn', `${key}/1234 `, kmsKey],
    ['timeBudgetMinutes', -1, minutes],
    ['timeBudgetMinutes', '1.5', minutes],
    ['timeBudgetMinutes', 1.5, minutes],
    ['timeBudgetMinutes', '360 minutes', minutes],
    ['timeBudgetMinutes', '1'.repeat(10), minutes],
    ['timeBudgetMinutes', null, minutes],
    ['queueLimitMinutes', 0, queueLimit],
    ['queueLimitMinutes', 'None', queueLimit],
    ['lookbackDays', 'all', 'a whole number of days, 0 or more'],
    ['warnBeforeMinutes', -1, minutes],
    ['cancelLimit', 0, limit],
    ['cancelLimit', '1.5', limit],
    ['name', '1st', name],
    ['name', 'my_curfew', name],
    ['name', 'c'.repeat(41), name],
    ['provider', 'anthropic', 'one of openai, azure, bedrock, bedrock-customization'],
    ['openaiProject', 'proj 1', openaiProject],
    ['dryRun', 'yes', 'true or false'],
    ['dryRun', 1, 'true or false'],
  ];
  for (const [setting, value, allowed] of refused) {
    test(`${setting} is not ${JSON.stringify(value)?.slice(0, 60)}`, () => {
      assert.throws(() => parsed({ [setting]: value }), { name: 'ValiError', message: allowed });
    });
  }

  const allowed: [name: string, value: unknown][] = [
    ['secretName', 'arn:aws:secretsmanager:us-east-1:123456789012:secret:openai/api_key+=.@-AbCdEf'],
    ['secretName', 's'.repeat(512)],
    ['secretField', 'openai.api-key'],
    ['secretField', 'k'.repeat(128)],
    ['secretKmsKeyArn', `${key.replace('aws', 'aws-cn')}/mrk-1234abcd`],
    ['timeBudgetMinutes', 0],
    ['timeBudgetMinutes', 999_999_999],
    ['queueLimitMinutes', 1],
    ['queueLimitMinutes', 'none'],
    ['cancelLimit', 1],
    ['name', 'C'],
    ['name', `c${'-'.repeat(39)}`],
    ['provider', 'bedrock'],
  ];
  for (const [setting, value] of allowed) {
    test(`${setting} may be ${JSON.stringify(value)?.slice(0, 60)}`, () => {
      assert.partialDeepStrictEqual(parsed({ [setting]: value }), { [setting]: value });
    });
  }

  test('a whole number may have an upper limit', () => {
    const schema = wholeNumber(1, 'minutes', 1440);
    const message = 'a whole number of minutes, 1 to 1440';
    assert.equal(v.parse(schema, '1440'), 1440);
    assert.throws(() => v.parse(schema, '1441'), { message });
    assert.throws(() => v.parse(schema, 0), { message });
  });
});

describe('the key is sent to the base URL', () => {
  const allowed: Record<string, string> = {
    'https://proxy.example.com/openai/v1': 'https://proxy.example.com/openai/v1',
    'https://api.openai.com': 'https://api.openai.com',
    'https://api.openai.com/v1///': 'https://api.openai.com/v1',
    'http://127.0.0.1:8080/v1/': 'http://127.0.0.1:8080/v1',
    'http://127.10.20.30/v1': 'http://127.10.20.30/v1',
    'http://localhost/v1': 'http://localhost/v1',
    'http://[::1]:9/v1': 'http://[::1]:9/v1',
  };
  for (const [openaiBaseUrl, expected] of Object.entries(allowed)) {
    test(`so ${openaiBaseUrl} is allowed`, () => assert.equal(parsed({ openaiBaseUrl }).openaiBaseUrl, expected));
  }

  const refused = [
    'http://api.openai.com/v1',
    'http://localhost.example.com/v1',
    'http://my-localhost/v1',
    'http://128.0.0.1/v1',
    'http://[::2]/v1',
    'http://127.0.0.1.example.com/v1',
    'http://example.com.localhost/v1',
    'ftp://127.0.0.1/v1',
    'https://user@api.openai.com/v1',
    'https://user:password@api.openai.com/v1',
    'https://api.openai.com/v1?',
    'https://api.openai.com/v1?x=1',
    'https://api.openai.com/#',
    'https://api.openai.com/v 1',
    // The same host, written so that nobody would recognise it.
    'https://api.openai.com./v1',
    'https:///v1',
    'https:/api.openai.com/v1',
    'https:\\\\api.openai.com\\v1',
    ' https://api.openai.com/v1',
    'api.openai.com',
  ];
  for (const openaiBaseUrl of refused) {
    test(`so "${openaiBaseUrl}" is refused`, () => {
      assert.throws(() => parsed({ openaiBaseUrl }), {
        name: 'ValiError',
        message: /^an https URL, or http on loopback/,
      });
    });
  }
});

describe('the host implies the provider', () => {
  const hosts: [host: string, provider: Provider, region?: string][] = [
    ['api.openai.com', 'openai'],
    ['team.openai.azure.com', 'azure'],
    ['team.services.ai.azure.com', 'azure'],
    ['team.openai.azure.us', 'azure'],
    ['team.openai.azure.cn', 'azure'],
    ['westeurope.api.cognitive.microsoft.com', 'azure'],
    ['TEAM.OpenAI.Azure.com', 'azure'],
    ['team.openai.azure.com.example.com', 'openai'],
    ['team.notazure.com', 'openai'],
    ['bedrock-mantle.eu-west-1.api.aws', 'bedrock', 'eu-west-1'],
    ['bedrock-mantle.eu-west-1.api.aws.example.com', 'openai'],
    ['my-bedrock-mantle.eu-west-1.api.aws', 'openai'],
    ['bedrock-mantle.api.aws', 'openai'],
    ['bedrock-mantle.a.b.api.aws', 'openai'],
    ['127.0.0.1:8080', 'openai'],
  ];
  for (const [host, provider, region] of hosts) {
    test(`${host}: ${provider}${region === undefined ? '' : ` in ${region}`}`, () => {
      const url = `https://${host}/v1`;
      assert.deepEqual([providerOf(url), bedrockRegionOf(url)], [provider, region]);
    });
  }

  test('a token, not yet resolved: openai', () => {
    assert.deepEqual([providerOf('a token'), bedrockRegionOf('a token')], ['openai', undefined]);
  });
});

test('a project has a name of letters, digits, "_" and "-", 64 at most', () => {
  for (const name of ['a', 'Team_1-b', 't'.repeat(64)]) assert.match(name, projectNamePattern);
  for (const name of ['', 'team 1', 'team/1', 'a\n', 't'.repeat(65)]) assert.doesNotMatch(name, projectNamePattern);
});

test('a project cannot set what concerns the whole deployment', () => {
  for (const key of ['name', 'warnBeforeMinutes', 'notifyEmail', 'timebudgetminutes']) {
    assert.ok(!v.is(projectSchema, { [key]: '1' }), key);
  }
  assert.ok(v.is(projectSchema, { timeBudgetMinutes: '1' }));
});
