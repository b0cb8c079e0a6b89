import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SchemaValidationError } from 'ky';
import { namedOpenAIError } from '../../lambda/openai-failures.ts';
import { kyErrorFor, kyTimeoutError } from '../support/ky-errors.ts';

const answer = (status: number, body: unknown = null, headers: Record<string, string> = {}) =>
  kyErrorFor(Response.json(body, { status, headers }));
const refusedConnection = () =>
  new TypeError('fetch failed', {
    cause: new AggregateError([], 'all failed', {
      cause: Object.assign(new Error('no'), { code: 'ECONNREFUSED' }),
    }),
  });

describe('a failed call is an error that says what failed, why, and what to do', () => {
  const checkKey = 'Check that the key in Secrets Manager is active and may read and write fine-tuning jobs.';
  const checkUrl = 'Check that openaiBaseUrl is an OpenAI API.';
  const checkNetwork = "Check openaiBaseUrl and the function's network.";
  const cases: [failure: string, error: () => unknown, name: string, told: string][] = [
    ['401', () => answer(401), 'AuthenticationError', `OpenAI answered 401. ${checkKey}`],
    ['403', () => answer(403), 'AuthenticationError', `OpenAI answered 403. ${checkKey}`],
    [
      '404',
      () => answer(404),
      'JobNotFoundError',
      "OpenAI answered 404. Check the job id, and that the key belongs to the job's project.",
    ],
    [
      '429',
      () => answer(429),
      'RateLimitError',
      'OpenAI answered 429. Wait, then try again; check the rate limits and quota of the project.',
    ],
    [
      'a redirect',
      () => answer(307),
      'OpenAIError',
      'OpenAI answered 307. Redirects are not followed: set openaiBaseUrl to where the API is.',
    ],
    ['400', () => answer(400), 'OpenAIError', 'OpenAI answered 400. Check openaiBaseUrl and the job itself.'],
    ['499', () => answer(499), 'OpenAIError', 'OpenAI answered 499. Check openaiBaseUrl and the job itself.'],
    ['500', () => answer(500), 'OpenAIError', 'OpenAI answered 500. Try again; see status.openai.com.'],
    [
      'a time-out',
      kyTimeoutError,
      'OpenAIError',
      'OpenAI did not answer in time. Try again; see status.openai.com.',
    ],
    [
      'a connection that failed',
      () => kyErrorFor(refusedConnection()),
      'OpenAIError',
      `the connection failed (ECONNREFUSED). ${checkNetwork}`,
    ],
    [
      'a connection that failed with a number',
      () => kyErrorFor(new TypeError('fetch failed', { cause: new DOMException('', 'NetworkError') })),
      'OpenAIError',
      `the connection failed (no code). ${checkNetwork}`,
    ],
    [
      'a body that broke off',
      () => new TypeError('terminated'),
      'OpenAIError',
      `the connection failed (no code). ${checkNetwork}`,
    ],
    [
      'a field of the wrong type',
      () => kyErrorFor(Response.json({ id: 7 })),
      'OpenAIError',
      `the answer lacks what the API promises (id). ${checkUrl}`,
    ],
    [
      'no body',
      () => kyErrorFor(new Response(null)),
      'OpenAIError',
      `the answer lacks what the API promises (no body). ${checkUrl}`,
    ],
    ['HTML', () => kyErrorFor(new Response('<html>')), 'OpenAIError', `the answer is not JSON. ${checkUrl}`],
    [
      'time that is up',
      () => AbortSignal.abort().reason,
      'OpenAIError',
      'the time was up before OpenAI answered. Try again.',
    ],
    ['any other error', () => new RangeError('no'), 'OpenAIError', 'RangeError in the client.'],
    ['what is no error', () => 'no', 'OpenAIError', 'Error in the client.'],
  ];
  for (const [failure, error, name, told] of cases) {
    test(failure, async () => {
      const named = namedOpenAIError(await error(), { purpose: 'cancel the job', jobId: 'ftjob-1' });
      assert.equal(named.name, name);
      assert.equal(named.message, `Could not cancel the job "ftjob-1": ${told}`);
      // ky's errors hold the request, and with it the key.
      assert.equal(named.cause, undefined);
    });
  }

  test('fields of the wrong type, three of them by their paths', () => {
    const message = 'wrong';
    const error = new SchemaValidationError([
      { message, path: [{ key: 'data' }, { key: 0 }, { key: 'id' }] },
      { message, path: ['data', 0, 'status'] },
      { message },
      { message, path: ['has_more'] },
    ]);
    assert.match(
      namedOpenAIError(error, { purpose: 'list the jobs' }).message,
      /promises \(data\.0\.id, data\.0\.status, \)\./,
    );
  });

  test('404 for what is about no job', async () => {
    const named = namedOpenAIError(await answer(404), { purpose: 'list the jobs' });
    assert.equal(named.name, 'OpenAIError');
    assert.match(named.message, /^Could not list the jobs: OpenAI answered 404\. Check openaiBaseUrl/);
  });
});

describe('of the answer only what can hold no key is quoted', () => {
  const withError = (error: unknown, requestId?: string) =>
    answer(400, { error }, requestId === undefined ? {} : { 'x-request-id': requestId });
  const key = 'sk-proj-4nXq7TzLw2VbYc9RkDm5';
  const cases: [name: string, error: () => Promise<unknown>, quoted: string][] = [
    ['its code', () => withError({ code: 'invalid_model', type: 'server_error' }), ' (invalid_model)'],
    ['its type, where it has no code', () => withError({ code: null, type: 'requests' }), ' (requests)'],
    ['a type alone', () => withError({ type: 'requests' }), ' (requests)'],
    ['its request id', () => withError(null, 'req_0aZ9'), ' (request id req_0aZ9)'],
    ['both', () => withError({ code: 'a_b' }, 'req_1'), ' (a_b, request id req_1)'],
    ['no message', () => withError({ message: key }), ''],
    ['no code that may be a key', () => withError({ code: key, type: `x ${key}` }), ''],
    ['no code that is too long', () => withError({ code: 'a'.repeat(65) }), ''],
    ['no code that is none', () => withError({ code: '', type: 7 }), ''],
    ['no request id that may be a key', () => withError(null, key), ''],
    ['no request id with something before it', () => withError(null, `${key} req_1`), ''],
    ['no request id with something behind it', () => withError(null, `req_1 ${key}`), ''],
    ['no error that is a text', () => withError(key), ''],
    ['no body that is a text', () => answer(400, key), ''],
    ['no body that is a list', () => answer(400, [key]), ''],
    ['nothing', () => answer(400, null), ''],
  ];
  for (const [name, error, quoted] of cases) {
    test(name, async () => {
      const { message } = namedOpenAIError(await error(), { purpose: 'cancel the job' });
      assert.equal(
        message,
        `Could not cancel the job: OpenAI answered 400${quoted}. Check openaiBaseUrl and the job itself.`,
      );
    });
  }
});
