import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ErrorAnswer, UnreadableAnswer } from '../../../lambda/openai/answer.ts';
import { AttemptTooLong } from '../../../lambda/openai/backoff.ts';
import { namedFailure, TimeUp } from '../../../lambda/openai/failures.ts';

const answer = (status: number, body: unknown = null, headers: Record<string, string> = {}) =>
  new ErrorAnswer({ status, headers }, body);
const connectionError = (code: string) => Object.assign(new Error('no'), { code });

describe('a failed call is an error that says what failed, why, and what to do', () => {
  const checkCredential = 'Check that the credential is active and may read and cancel fine-tuning jobs.';
  const checkUrl = 'Check that openaiBaseUrl is an OpenAI API.';
  const checkNetwork = "Check openaiBaseUrl and the function's network.";
  const quota = { error: { code: 'insufficient_quota' } };
  const cases: [failure: string, error: () => unknown, name: string, message: string][] = [
    ['401', () => answer(401), 'AuthenticationError', `the provider answered 401. ${checkCredential}`],
    ['403', () => answer(403), 'AuthenticationError', `the provider answered 403. ${checkCredential}`],
    [
      '404',
      () => answer(404),
      'JobNotFoundError',
      "the provider answered 404. Check the job id, and that the key belongs to the job's project.",
    ],
    [
      '429',
      () => answer(429),
      'RateLimitError',
      'the provider answered 429. Wait, then try again; check the rate limits of the project.',
    ],
    [
      '429 for a spent quota',
      () => answer(429, quota),
      'QuotaError',
      'the provider answered 429 (insufficient_quota). Waiting does not help: check the billing and the spend limits.',
    ],
    [
      'the code of a spent quota with another status',
      () => answer(400, quota),
      'OpenAIError',
      'the provider answered 400 (insufficient_quota). Check openaiBaseUrl and the job itself.',
    ],
    [
      'a redirect',
      () => answer(307),
      'OpenAIError',
      'the provider answered 307. Redirects are not followed: set openaiBaseUrl to where the API is.',
    ],
    [
      '400',
      () => answer(400),
      'OpenAIError',
      'the provider answered 400. Check openaiBaseUrl and the job itself.',
    ],
    [
      '499',
      () => answer(499),
      'OpenAIError',
      'the provider answered 499. Check openaiBaseUrl and the job itself.',
    ],
    [
      '500',
      () => answer(500),
      'OpenAIError',
      "the provider answered 500. Try again; see the provider's status page.",
    ],
    [
      'a time-out',
      () => new AttemptTooLong(),
      'OpenAIError',
      "the provider did not answer in time. Try again; see the provider's status page.",
    ],
    [
      'a connection that failed',
      () => connectionError('ECONNREFUSED'),
      'OpenAIError',
      `the connection failed (ECONNREFUSED). ${checkNetwork}`,
    ],
    [
      'a body that broke off',
      () => connectionError('ECONNRESET'),
      'OpenAIError',
      `the connection failed (ECONNRESET). ${checkNetwork}`,
    ],
    [
      'an error with a number for a code',
      () => new DOMException('no', 'DataError'),
      'OpenAIError',
      'unexpected DataError in this function. Try again; if it persists, report it as a bug.',
    ],
    [
      'an answer that cannot be read',
      () => new UnreadableAnswer('is not JSON'),
      'OpenAIError',
      `the answer is not JSON. ${checkUrl}`,
    ],
    [
      'time that is up',
      () => new TimeUp(),
      'OpenAIError',
      'time ran out before the provider answered. Try again.',
    ],
    [
      'any other error',
      () => new RangeError('no'),
      'OpenAIError',
      'unexpected RangeError in this function. Try again; if it persists, report it as a bug.',
    ],
    [
      'what is no error',
      () => 'no',
      'OpenAIError',
      'unexpected Error in this function. Try again; if it persists, report it as a bug.',
    ],
  ];
  for (const [failure, error, name, message] of cases) {
    test(failure, async () => {
      const named = namedFailure(await error(), { purpose: 'cancel the job', jobId: 'ftjob-1' });
      assert.equal(named.name, name);
      assert.equal(named.message, `Could not cancel the job "ftjob-1": ${message}`);
      // The failure holds the request, and with it the key.
      assert.equal(named.cause, undefined);
    });
  }

  test('404 for what is about no job', () => {
    const named = namedFailure(answer(404), { purpose: 'list the jobs' });
    assert.equal(named.name, 'OpenAIError');
    assert.match(named.message, /^Could not list the jobs: the provider answered 404\. Check openaiBaseUrl/);
  });
});

describe('of the answer only what can hold no key is quoted', () => {
  const withError = (error: unknown, requestId?: string) =>
    answer(400, { error }, requestId === undefined ? {} : { 'x-request-id': requestId });
  const key = 'sk-proj-4nXq7TzLw2VbYc9RkDm5';
  const cases: [name: string, error: () => ErrorAnswer, quoted: string][] = [
    ['its code', () => withError({ code: 'invalid_model', type: 'server_error' }), ' (invalid_model)'],
    ['its type, if it has no code', () => withError({ code: null, type: 'requests' }), ' (requests)'],
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
    test(name, () => {
      const { message } = namedFailure(error(), { purpose: 'cancel the job' });
      assert.equal(
        message,
        `Could not cancel the job: the provider answered 400${quoted}. Check openaiBaseUrl and the job itself.`,
      );
    });
  }
});
