import type { Fault } from '../../infra/local/fine-tuning-simulator.ts';
import { simulatedJob } from '../../infra/local/simulated-job.ts';
import { answers, reset, resetInBody, says } from './wire-faults.ts';

/** One attempt and three retries. */
const mostAttempts = 4;

/** A fault, and what it must come to if it stays. */
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

const quota =
  (code: string): Fault =>
  () => ({
    status: 429,
    body: { error: { message: 'You exceeded your current quota', type: 'requests', param: null, code } },
  });

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
    quota('insufficient_quota'),
    'QuotaError',
    /answered 429 \(insufficient_quota\)/,
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
  '403': final(answers(403), 'AuthenticationError', /answered 403/),
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
