import { simulatedJob } from '../../infra/local/providers/simulated-job.ts';
import type { Fault } from '../../infra/local/providers/simulator.ts';
import { apiKey } from './curfew.ts';
import { answers, refuses, reset, resetInBody, says } from './wire-faults.ts';

/** One attempt and three retries. */
const mostAttempts = 4;

/** A fault, and what it must come to if it persists. */
export interface ExpectedFailure {
  fault: Fault;
  error: string;
  message: RegExp;
  /** How many attempts are made. */
  attempts: number | 'as time allows';
}

const html = '<!doctype html><title>Bad gateway</title>';

const failure =
  (attempts: ExpectedFailure['attempts']) =>
  (fault: Fault, error: string, message: RegExp): ExpectedFailure => ({ fault, error, message, attempts });
const untilTimeIsUp = failure('as time allows');
const retried = failure(mostAttempts);
const final = failure(1);

/** Every fault that any endpoint can have, and what it must come to. */
export const expectedFailures: Record<string, ExpectedFailure> = {
  '429': untilTimeIsUp(answers(429), 'RateLimitError', /answered 429/),
  '429 with retry-after-ms': untilTimeIsUp(
    answers(429, { 'retry-after-ms': '20' }),
    'RateLimitError',
    /answered 429/,
  ),
  '429 with retry-after': untilTimeIsUp(
    answers(429, { 'retry-after': '0.02' }),
    'RateLimitError',
    /answered 429/,
  ),
  '429 with a retry-after that is too long': final(
    answers(429, { 'retry-after': '3600' }),
    'RateLimitError',
    /answered 429/,
  ),
  '429 for a spent quota': final(
    refuses(429, { code: 'insufficient_quota', type: 'requests' }),
    'QuotaError',
    /answered 429 \(insufficient_quota\)/,
  ),
  '429 for a spent quota, by its type': final(
    refuses(429, { code: null, type: 'insufficient_quota' }),
    'QuotaError',
    /answered 429 \(insufficient_quota\)/,
  ),
  '429 with x-should-retry: false': final(
    answers(429, { 'x-should-retry': 'false' }),
    'RateLimitError',
    /answered 429/,
  ),
  '408': retried(answers(408), 'OpenAIError', /answered 408/),
  '500': retried(answers(500), 'OpenAIError', /answered 500/),
  '502': retried(answers(502), 'OpenAIError', /answered 502/),
  '503': retried(answers(503), 'OpenAIError', /answered 503/),
  '504': retried(answers(504), 'OpenAIError', /answered 504/),
  '503 with x-should-retry: false': final(
    answers(503, { 'x-should-retry': 'false' }),
    'OpenAIError',
    /answered 503/,
  ),
  '409': retried(answers(409), 'OpenAIError', /answered 409/),
  '409 with x-should-retry: false': final(
    answers(409, { 'x-should-retry': 'false' }),
    'OpenAIError',
    /answered 409/,
  ),
  '400': final(answers(400), 'OpenAIError', /answered 400/),
  '400 with x-should-retry: true': retried(
    answers(400, { 'x-should-retry': 'true' }),
    'OpenAIError',
    /answered 400/,
  ),
  '401': final(answers(401), 'AuthenticationError', /answered 401/),
  '403': final(answers(403), 'AuthenticationError', /answered 403/),
  'a redirect whose headers quote the key': final(
    answers(307, {
      location: `http://127.0.0.1:2/?key=${apiKey}`,
      'x-request-id': apiKey,
      'retry-after': apiKey,
    }),
    'OpenAIError',
    /answered 307 .*Redirects are not followed/,
  ),
  'a connection that is reset': retried(reset, 'OpenAIError', /connection failed/),
  'a connection that is reset in the body': retried(resetInBody, 'OpenAIError', /connection failed/),
  HTML: final(says(html, { 'content-type': 'text/html' }), 'OpenAIError', /not JSON/),
  'truncated JSON': final(says('{"id": "ftjob-abc123", "sta'), 'OpenAIError', /not JSON/),
  'an empty body': final(says(''), 'OpenAIError', /is empty/),
  'JSON without the fields': final(
    says({ object: 'fine_tuning.job' }),
    'OpenAIError',
    /lacks .*(status|data)/,
  ),
  'JSON with a wrong type': final(
    says({ ...simulatedJob({ status: 'running' }), status: 7, data: 7 }),
    'OpenAIError',
    /lacks .*(status|data)/,
  ),
};
