import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { HTTPError, NetworkError, SchemaValidationError } from 'ky';
import { ApiKeyError } from '../../../lambda/errors.ts';
import {
  AnswerTooLongError,
  AttemptTimeoutError,
  CredentialChangedError,
  readRefusal,
  toFailedCancel,
  toNamedFailure,
} from '../../../lambda/openai/failure.ts';
import { apiKey } from '../../support/curfew.ts';

const request = new Request('http://127.0.0.1/v1/fine_tuning/jobs');
const options = {} as ConstructorParameters<typeof HTTPError>[2];
const quota = { code: 'insufficient_quota' };

/** An error answer, as ky throws it. */
const answered = (status: number, error: unknown = null, headers: Record<string, string> = {}) =>
  Object.assign(new HTTPError(new Response(null, { status, headers }), request, options), {
    data: JSON.stringify({ error }),
  });
/** A failed connection, as ky throws it. */
const broken = (cause: Error) => new NetworkError(request, { cause: new TypeError('fetch failed', { cause }) });
const refusedConnection = Object.assign(new Error(`to ${apiKey}`), { code: 'ECONNREFUSED' });
const denied = readRefusal({ status: 401, headers: new Headers(), body: '' });
const missing = new SchemaValidationError([{ message: apiKey, path: ['data', { key: 'id' }] }, { message: apiKey }]);

describe('a failed call is an error that says what failed, why, and what to do', () => {
  const credential = 'Check that the credential is active and may read and cancel fine-tuning jobs.';
  const spent = 'Waiting does not help: check the billing, the spend limits and the account.';
  const pace = 'Wait, then try again; check the rate limits of the project.';
  const redirect = 'Redirects are not followed: set openaiBaseUrl to where the API is.';
  const job = 'Check openaiBaseUrl and the job itself.';
  const later = "Try again; see the provider's status page.";
  const network = "Check openaiBaseUrl and the function's network.";
  const url = 'Check that openaiBaseUrl is an OpenAI API.';
  const bug = 'in this function. Try again; if it persists, report it as a bug.';
  const cases: [thrown: unknown, name: string, message: string][] = [
    [answered(401), 'AuthenticationError', `the provider answered 401. ${credential}`],
    [answered(403), 'AuthenticationError', `the provider answered 403. ${credential}`],
    [answered(429), 'RateLimitError', `the provider answered 429. ${pace}`],
    [new CredentialChangedError(denied), 'AuthenticationError', `the provider answered 401. ${credential}`],
    [answered(402), 'QuotaError', `the provider answered 402. ${spent}`],
    [answered(403, quota), 'QuotaError', `the provider answered 403 (insufficient_quota). ${spent}`],
    [answered(307), 'OpenAIError', `the provider answered 307. ${redirect}`],
    [answered(400), 'OpenAIError', `the provider answered 400. ${job}`],
    [answered(404), 'OpenAIError', `the provider answered 404. ${job}`],
    [answered(499), 'OpenAIError', `the provider answered 499. ${job}`],
    [answered(500), 'OpenAIError', `the provider answered 500. ${later}`],
    [broken(new AttemptTimeoutError()), 'OpenAIError', `the provider did not answer in time. ${later}`],
    [broken(refusedConnection), 'OpenAIError', `the connection failed (ECONNREFUSED). ${network}`],
    [
      broken(Object.assign(new RangeError(), { code: 7 })),
      'OpenAIError',
      `the connection failed (RangeError). ${network}`,
    ],
    [broken(new RangeError(apiKey)), 'OpenAIError', `the connection failed (RangeError). ${network}`],
    [new AnswerTooLongError(), 'OpenAIError', `the answer is longer than any answer of the API. ${url}`],
    [new SyntaxError(apiKey), 'OpenAIError', `the answer is not JSON. ${url}`],
    [missing, 'OpenAIError', `the answer lacks what the API promises (data.id, the whole body). ${url}`],
    [new DOMException(apiKey, 'TimeoutError'), 'OpenAIError', 'time ran out before the provider answered. Try again.'],
    [new DOMException(apiKey, 'AbortError'), 'OpenAIError', 'time ran out before the provider answered. Try again.'],
    [new RangeError(apiKey), 'OpenAIError', `unexpected RangeError ${bug}`],
    [apiKey, 'OpenAIError', `unexpected Error ${bug}`],
  ];
  for (const [thrown, name, message] of cases) {
    test(`${name}: ${message}`, () => {
      const failure = toNamedFailure(thrown, 'cancel the job "ftjob-1"');
      assert.equal(failure.name, name);
      assert.equal(failure.message, `Could not cancel the job "ftjob-1": ${message}`);
      assert.equal(failure.cause, undefined, 'it could hold the key');
    });
  }

  test('one that is already named stays as it is', () => {
    const error = new ApiKeyError('The secret is empty.');
    assert.equal(toNamedFailure(error, 'list the jobs'), error);
  });
});

test('only a code and a request id are quoted from an answer, and only if they cannot contain a key', () => {
  const cases: [error: unknown, requestId: string, quoted: string][] = [
    [{ code: 'invalid_model', type: 'server_error' }, '', ' (invalid_model)'],
    [{ code: null, type: 'requests' }, '', ' (requests)'],
    [{ code: apiKey, type: 'requests' }, '', ' (requests)'],
    [{ code: '7_days', type: 'requests' }, '', ' (requests)'],
    [{ code: 'a_b' }, 'req_0aZ9', ' (a_b, request id req_0aZ9)'],
    [null, 'req_1', ' (request id req_1)'],
    [{ message: apiKey, code: apiKey, type: `x ${apiKey}` }, apiKey, ''],
    [apiKey, `${apiKey} req_1`, ''],
    [[apiKey], `req_1 ${apiKey}`, ''],
  ];
  for (const [error, requestId, quoted] of cases) {
    const { message } = toNamedFailure(answered(400, error, { 'x-request-id': requestId }), 'list the jobs');
    assert.ok(message.startsWith(`Could not list the jobs: the provider answered 400${quoted}. Check`), message);
  }
});

test('a failed cancel says whether the provider refused it, and whether the attempt counts', () => {
  const { signal } = new AbortController();
  const time = { signal, listingSignal: signal, endsAt: performance.now() + 30_000 };
  const failed = (thrown: Error) => toFailedCancel(thrown, 'cancel the job', time, false);
  for (const status of [400, 404, 409, 422]) assert.equal(failed(answered(status)).isRefusal, true, `${status}`);
  for (const status of [307, 401, 402, 403, 408, 429, 500]) {
    assert.equal(failed(answered(status)).isRefusal, false, `${status}`);
  }
  for (const free of [answered(429), new CredentialChangedError(denied)]) assert.equal(failed(free).isUncounted, true);
  for (const counted of [answered(429, quota), answered(500), broken(refusedConnection)]) {
    assert.equal(failed(counted).isUncounted, false);
  }
  for (const impersonal of [broken(refusedConnection), new SyntaxError()]) {
    assert.equal(failed(impersonal).isRefusal, false);
  }
});
