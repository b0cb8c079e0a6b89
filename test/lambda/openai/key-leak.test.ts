import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { apiKey, awsCredentials } from '../../support/curfew.ts';

const scenarios = fileURLToPath(new URL('../../support/leak-scenarios.ts', import.meta.url));
const partLength = 6;

test('whatever goes wrong, no output contains the key or a part of it', async () => {
  const env = { ...process.env, POWERTOOLS_LOG_LEVEL: 'DEBUG' };
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [scenarios], { env, maxBuffer: 1024 ** 3 });
  const output = stdout + stderr;
  assert.match(output, /Scenarios done/);
  for (const name of [
    'InvalidRequestError',
    'ApiKeyError',
    'AuthenticationError',
    'RateLimitError',
    'QuotaError',
    'StateError',
    'IncompleteError',
    'OpenAIError',
    '"outcome":"cancelled"',
    '(credential)',
  ]) {
    assert.ok(output.includes(name), `no scenario ends in ${name}`);
  }
  for (const secret of [awsCredentials.secretAccessKey, 'bedrock-api-key-', 'X-Amz-Signature']) {
    assert.ok(!output.includes(secret), `"${secret}" is in the output`);
  }
  // The prefix only says that it is a key; the rest is the secret.
  const secretPart = apiKey.slice('sk-proj-'.length);
  for (let start = 0; start + partLength <= secretPart.length; start += 1) {
    const part = secretPart.slice(start, start + partLength);
    assert.ok(!output.includes(part), `"${part}" is in the output`);
  }
});
