import { ErrorAnswer } from './answer.ts';
import type { WireAnswer } from './transport.ts';

const firstWaitMilliseconds = 300;
const longestWaitMilliseconds = 30_000;

/** 0.3, 0.6, 1.2 … up to 30 seconds, spread by a quarter so many callers do not come back together. */
export function backoffMilliseconds(failures: number): number {
  const wait = firstWaitMilliseconds * 2 ** Math.max(0, failures - 1);
  return Math.min(longestWaitMilliseconds, wait * (0.75 + Math.random() / 2));
}

/**
 * How long to wait before the same call is sent again, in milliseconds; undefined if it is not to be sent again.
 *
 * The vendor's own client documents the headers that decide: `x-should-retry`, `retry-after-ms` and the standard
 * `retry-after`. Without them network errors, time-outs, 408, 409 and 5xx are worth a retry, as that client has it.
 *
 * @param failure what the attempt ended in.
 * @param failures how often this call has failed, this time included.
 */
export function waitBeforeRetry(failure: unknown, failures: number): number | undefined {
  if (isConnectionFailure(failure) || failure instanceof AttemptTooLong) return backoffMilliseconds(failures);
  if (!(failure instanceof ErrorAnswer) || !isWorthRetrying(failure)) return undefined;
  return askedMilliseconds(failure.headers) ?? backoffMilliseconds(failures);
}

/** One attempt took too long. */
export class AttemptTooLong extends Error {
  override readonly name = 'AttemptTooLong';
}

/** The connection failed, before the answer or in its body: such errors of Node have a code. */
export function isConnectionFailure(failure: unknown): failure is Error & { code: string } {
  return failure instanceof Error && 'code' in failure && typeof failure.code === 'string';
}

/** Whether a refusal may go away by waiting. */
function isWorthRetrying({ status, headers, isAboutQuota }: ErrorAnswer): boolean {
  if (isAboutQuota) return false;
  const told = headers['x-should-retry'];
  if (told === 'true' || told === 'false') return told === 'true';
  return status === 408 || status === 409 || status === 429 || status >= 500;
}

/** The wait that the server asks for, in milliseconds: given as milliseconds, seconds, or a date. */
export function askedMilliseconds(headers: WireAnswer['headers']): number | undefined {
  const milliseconds = Number.parseFloat(headers['retry-after-ms'] ?? '');
  if (milliseconds >= 0) return milliseconds;
  const after = headers['retry-after'] ?? '';
  const seconds = Number.parseFloat(after);
  if (seconds >= 0) return seconds * 1000;
  const until = Date.parse(after) - Date.now();
  return Number.isNaN(until) ? undefined : Math.max(0, until);
}
