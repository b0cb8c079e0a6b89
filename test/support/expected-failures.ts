import { simulatedJob } from '../../infra/local/providers/simulated-job.ts';
import type { Fault } from '../../infra/local/providers/simulator.ts';
import { apiKey } from './curfew.ts';
import { answers, refuses, reset, resetInBody, says } from './wire-faults.ts';

/** A fault, how many attempts are made if it stays, and the expected error. */
export type ExpectedFailure = [fault: Fault, attempts: 1 | 4 | 'as time allows', error: string, message: RegExp];

const final = { 'x-should-retry': 'false' };
const anHour = { 'retry-after': '3600' };
const quoted = { location: `http://127.0.0.1:2/?key=${apiKey}`, 'x-request-id': apiKey, 'retry-after': apiKey };
const wrongTypes = { ...simulatedJob({ status: 'running' }), status: 7, data: 7 };
const lacks = /lacks .*(status|data|body)/;

/** Every fault that any endpoint can have. */
export const expectedFailures: Record<string, ExpectedFailure> = {
  '429': [answers(429), 'as time allows', 'RateLimitError', /answered 429/],
  '429 after ms': [answers(429, { 'retry-after-ms': '20' }), 'as time allows', 'RateLimitError', /answered 429/],
  '429 after s': [answers(429, { 'retry-after': '0.02' }), 'as time allows', 'RateLimitError', /answered 429/],
  '429 after an hour': [answers(429, anHour), 1, 'RateLimitError', /answered 429/],
  '429, no retry': [answers(429, final), 1, 'RateLimitError', /answered 429/],
  '429, spent': [refuses(429, { code: 'insufficient_quota' }), 1, 'QuotaError', /answered 429 \(insufficient_quota\)/],
  '402': [answers(402), 1, 'QuotaError', /answered 402/],
  '408': [answers(408), 4, 'OpenAIError', /answered 408/],
  '409': [answers(409), 4, 'OpenAIError', /answered 409/],
  '500': [answers(500), 4, 'OpenAIError', /answered 500/],
  '503': [answers(503), 4, 'OpenAIError', /answered 503/],
  '529': [answers(529), 4, 'OpenAIError', /answered 529/],
  '503, no retry': [answers(503, final), 1, 'OpenAIError', /answered 503/],
  '503 after an hour': [answers(503, anHour), 1, 'OpenAIError', /answered 503/],
  '400': [answers(400), 1, 'OpenAIError', /answered 400/],
  '400, retry': [answers(400, { 'x-should-retry': 'true' }), 4, 'OpenAIError', /answered 400/],
  '401': [answers(401), 1, 'AuthenticationError', /answered 401/],
  '403': [answers(403), 1, 'AuthenticationError', /answered 403/],
  'a redirect that quotes the key': [answers(307, quoted), 1, 'OpenAIError', /307.*Redirects are not followed/],
  'a reset connection': [reset, 4, 'OpenAIError', /connection failed \(ECONNRESET\)/],
  'a body that breaks off': [resetInBody, 4, 'OpenAIError', /connection failed \(ECONNRESET\)/],
  HTML: [says('<!doctype html>', { 'content-type': 'text/html' }), 1, 'OpenAIError', /not JSON/],
  'truncated JSON': [says('{"id": "ftjob-abc123", "sta'), 1, 'OpenAIError', /not JSON/],
  'JSON without the fields': [says({ object: 'fine_tuning.job' }), 1, 'OpenAIError', lacks],
  'JSON of the wrong types': [says(wrongTypes), 1, 'OpenAIError', lacks],
};
