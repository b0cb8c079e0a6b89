import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { startAwsStub } from '../../../infra/local/aws/stub/server.ts';
import { createAwsClients } from '../../../lambda/aws/clients.ts';
import { createApiKeys } from '../../../lambda/aws/credentials.ts';
import { apiKey, awsCredentials } from '../../support/curfew.ts';
import { unusableSecrets } from '../../support/unusable-secrets.ts';

const aws = await startAwsStub();
after(() => aws[Symbol.asyncDispose]());
const createClients = (endpoint = aws.url) =>
  createAwsClients({ endpoint, region: 'us-east-1', credentials: awsCredentials });

const inTime = new AbortController().signal;
const place = { secretName: 'openai/api-key', secretField: 'apiKey' };

/** A warm function, its secrets, and the names of those it read. */
function warmFunction(secrets: Record<string, string>) {
  const start = aws.secretReads.length;
  const { secrets: provider } = createClients();
  const put = (name: string, SecretString: string) => aws.secrets.set(name, { SecretString });
  for (const [name, secret] of Object.entries(secrets)) put(name, secret);
  return {
    put,
    reads: () => aws.secretReads.slice(start),
    invoke: (signal = inTime) => createApiKeys(provider, signal),
  };
}

describe('a key is found in its secret', () => {
  const secrets: Record<string, string> = {
    'as text': apiKey,
    'as text with whitespace around it': `\n  ${apiKey}\r\n`,
    'as a field of a JSON object': JSON.stringify({ apiKey, other: 1 }),
    'as a field with whitespace around it': `\n ${JSON.stringify({ apiKey: ` ${apiKey}\n` }, null, 2)}\n`,
    'even if it ends like base64': `${apiKey}==`,
  };
  for (const [name, secret] of Object.entries(secrets)) {
    test(name, async () => {
      const key = await warmFunction({ 'openai/api-key': secret }).invoke()(place).current();
      assert.equal(key.replace(/=+$/, ''), apiKey);
    });
  }

  test('even if quotes or words of a shell are inside it', async () => {
    const key = `sk-export-a"b'c=d`;
    assert.equal(await warmFunction({ 'openai/api-key': key }).invoke()(place).current(), key);
  });
});

describe('a secret without a usable key is an ApiKeyError that says what is wrong, without quoting it', () => {
  for (const [name, { secret, message }] of Object.entries(unusableSecrets)) {
    test(`${name}; once it is fixed, the next invocation succeeds`, async () => {
      const { secrets: provider } = createClients();
      const current = () => createApiKeys(provider, inTime)(place).current();
      aws.secrets.set('openai/api-key', secret);
      await assert.rejects(current(), (error: Error) => {
        assert.equal(error.name, 'ApiKeyError');
        assert.match(error.message, message);
        assert.ok(!error.message.includes(apiKey.slice(0, 8)));
        return true;
      });
      aws.secrets.set('openai/api-key', { SecretString: apiKey });
      assert.equal(await current(), apiKey);
    });
  }

  test('and shows how to fix it', async () => {
    await assert.rejects(warmFunction({ 'openai/api-key': ' ' }).invoke()(place).current(), {
      message:
        'The secret "openai/api-key" is empty. Put the API key into it, as plain text or as {"apiKey": "…"}: ' +
        'aws secretsmanager put-secret-value --secret-id openai/api-key --secret-string …',
    });
  });

  test('also if Secrets Manager cannot be reached', async () => {
    const key = createApiKeys(createClients('http://127.0.0.1:2').secrets, inTime)(place);
    await assert.rejects(key.current(), {
      name: 'ApiKeyError',
      message: /^Secrets Manager did not return the secret "openai\/api-key" \(.*Error\)\. Try again/,
    });
  });

  test('also if Secrets Manager does not answer in time', async () => {
    // Its own stub, because the client asks again later.
    await using silent = await startAwsStub({ secret: 'silence' });
    const keys = createApiKeys(createClients(silent.url).secrets, AbortSignal.timeout(10));
    await assert.rejects(keys(place).current(), {
      name: 'ApiKeyError',
      message: 'Secrets Manager did not return the secret "openai/api-key" in time. Try again.',
    });
  });
});

test('a secret is cached for five minutes', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
  const { invoke, reads } = warmFunction({ 'openai/api-key': apiKey });
  const readsAfter = async (ms: number) => {
    t.mock.timers.tick(ms);
    const before = reads().length;
    assert.equal(await invoke()(place).current(), apiKey);
    return reads().length - before;
  };
  assert.deepEqual([await readsAfter(0), await readsAfter(299_000), await readsAfter(2_000)], [1, 0, 1]);
});

describe('a refused key is refreshed', () => {
  test('once, however many calls were refused, and used by all later calls', async () => {
    const { put, reads, invoke } = warmFunction({ 'openai/api-key': 'sk-old' });
    const key = invoke()(place);
    const used = await key.current();
    put('openai/api-key', 'sk-new');
    assert.deepEqual(await Promise.all([key.refresh(used), key.refresh(used), key.refresh(used)]), [true, true, true]);
    assert.equal(await key.current(), 'sk-new');
    assert.equal(await key.refresh(used), true, 'a call that was under way for long');
    assert.deepEqual(reads(), ['openai/api-key', 'openai/api-key']);
  });

  test('in vain if it has not changed', async () => {
    const { reads, invoke } = warmFunction({ 'openai/api-key': 'sk-old' });
    const key = invoke()(place);
    assert.deepEqual([await key.refresh('sk-old'), await key.refresh('sk-old')], [false, false]);
    assert.equal(reads().length, 2);
  });

  test('in vain if the new one is refused too', async () => {
    const { put, invoke } = warmFunction({ 'openai/api-key': 'sk-old' });
    const key = invoke()(place);
    await key.current();
    put('openai/api-key', 'sk-new');
    assert.deepEqual([await key.refresh('sk-old'), await key.refresh('sk-new')], [true, false]);
  });

  test('with an ApiKeyError if the secret has become unusable, which affects no other call', async () => {
    const { put, invoke } = warmFunction({ 'openai/api-key': '{"research": "sk-1", "production": "sk-2"}' });
    const keyIn = invoke();
    const [research, production] = ['research', 'production'].map((secretField) => keyIn({ ...place, secretField }));
    await research?.current();
    put('openai/api-key', '{');
    await assert.rejects(research?.refresh('sk-1') ?? Promise.resolve(), { name: 'ApiKeyError' });
    assert.equal(await production?.current(), 'sk-2');
  });
});

describe('projects', () => {
  test('share one read of a secret, whichever field they use', async () => {
    const { reads, invoke } = warmFunction({ shared: '{"a": "sk-a", "b": "sk-b"}', other: 'sk-c' });
    const keyIn = invoke();
    const places = [
      { secretName: 'shared', secretField: 'a' },
      { secretName: 'shared', secretField: 'b' },
      { secretName: 'other', secretField: 'a' },
    ];
    assert.deepEqual(await Promise.all(places.map((one) => keyIn(one).current())), ['sk-a', 'sk-b', 'sk-c']);
    assert.deepEqual(reads(), ['shared', 'other']);
  });

  test('with a malformed secret have only that one read again, at each invocation', async () => {
    const { put, reads, invoke } = warmFunction({ good: 'sk-good', bad: '"sk-bad"' });
    const currentIn = (secretName: string, keyIn = invoke()) => keyIn({ ...place, secretName }).current();
    await currentIn('good');
    await assert.rejects(currentIn('bad'));
    put('bad', 'sk-mended');
    await currentIn('good');
    assert.equal(await currentIn('bad'), 'sk-mended');
    await currentIn('bad');
    assert.deepEqual(reads(), ['good', 'bad', 'bad', 'bad']);
  });
});
