import { type Answer, AttemptTimeout, ConnectionFailure } from './attempt.ts';
import { Refusal } from './openai-failures.ts';

const longestWaitMilliseconds = 30_000;

/**
 * How long to wait before the same is sent again, in milliseconds; `undefined` where it is not to be sent again.
 *
 * The vendor's own client documents the headers that decide: `x-should-retry`, `retry-after-ms` and the standard
 * `retry-after`. Without them network errors, time-outs, 408, 429 and 5xx are worth a retry.
 *
 * @param failure what the attempt threw.
 * @param failures how often this call has failed, this time included.
 */
export function waitBeforeRetry(failure: unknown, failures: number): number | undefined {
  if (failure instanceof AttemptTimeout || failure instanceof ConnectionFailure) {
    return backoffMilliseconds(failures);
  }
  if (!(failure instanceof Refusal) || !isWorthRetrying(failure.answer)) return undefined;
  const milliseconds = retryAfterMilliseconds(failure.answer) ?? backoffMilliseconds(failures);
  return milliseconds > longestWaitMilliseconds ? undefined : milliseconds;
}

function isWorthRetrying({ status, headers }: Answer): boolean {
  const told = headers.get('x-should-retry');
  if (told === 'true' || told === 'false') return told === 'true';
  return status === 408 || status === 429 || status >= 500;
}

/** The wait that the server asks for: milliseconds, seconds, or a date. */
function retryAfterMilliseconds({ headers }: Answer): number | undefined {
  const milliseconds = headers.get('retry-after-ms');
  if (milliseconds !== null && Number.parseFloat(milliseconds) >= 0) return Number.parseFloat(milliseconds);
  const after = headers.get('retry-after');
  if (after === null) return undefined;
  const seconds = Number.parseFloat(after);
  if (seconds >= 0) return seconds * 1000;
  const until = Date.parse(after) - Date.now();
  return Number.isNaN(until) ? undefined : Math.max(0, until);
}

/** 0.3, 0.6, 1.2 seconds, spread so that many callers do not come back together. */
function backoffMilliseconds(failures: number): number {
  return 300 * 2 ** (failures - 1) * (0.75 + Math.random() / 2);
}
