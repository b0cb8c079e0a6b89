import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { environmentFor, settingsFrom } from '../../lambda/settings.ts';

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

describe('the base URL carries the key', () => {
  const allowed: Record<string, string> = {
    'https://proxy.example.com/openai/v1': 'https://proxy.example.com/openai/v1',
    'https://api.openai.com/v1/': 'https://api.openai.com/v1',
    'http://127.0.0.1:8080/v1': 'http://127.0.0.1:8080/v1',
    'http://localhost/v1': 'http://localhost/v1',
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
    'ftp://127.0.0.1/v1',
    'https://user:password@api.openai.com/v1',
    'https://api.openai.com/v1?x=1',
    'https://api.openai.com/v1#x',
    'api.openai.com',
    '',
  ];
  for (const openaiBaseUrl of refused) {
    test(`so "${openaiBaseUrl}" is refused`, () => {
      assert.throws(() => settingsFrom(environmentFor({ ...settings, openaiBaseUrl })), {
        name: 'ValiError',
      });
    });
  }
});
