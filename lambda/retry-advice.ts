import { isHTTPError, isTimeoutError } from 'ky';
import { isConnectionFailure } from './openai-failures.ts';

const longestWaitMilliseconds = 30_000;

/**
 * How long to wait before the same is sent again, in milliseconds; `undefined` where it is not to be sent again.
 *
 * The vendor's own client documents the headers that decide: `x-should-retry`, `retry-after-ms` and the standard
 * `retry-after`. Without them network errors, time-outs, 408, 429 and 5xx are worth a retry.
 *
 * @param error what the attempt ended in.
 * @param failures how often this call has failed, this time included.
 */
export function waitBeforeRetry(error: unknown, failures: number): number | undefined {
  if (isConnectionFailure(error) || isTimeoutError(error)) return backoffMilliseconds(failures);
  if (!isHTTPError(error)) return undefined;
  const { status, headers } = error.response;
  if (!isWorthRetrying(status, headers)) return undefined;
  const milliseconds = retryAfterMilliseconds(headers) ?? backoffMilliseconds(failures);
  return milliseconds > longestWaitMilliseconds ? undefined : milliseconds;
}

function isWorthRetrying(status: number, headers: Headers): boolean {
  const told = headers.get('x-should-retry');
  if (told === 'true' || told === 'false') return told === 'true';
  return status === 408 || status === 429 || status >= 500;
}

/** The wait that the server asks for: milliseconds, seconds, or a date. */
function retryAfterMilliseconds(headers: Headers): number | undefined {
  const milliseconds = Number.parseFloat(headers.get('retry-after-ms') ?? '');
  if (milliseconds >= 0) return milliseconds;
  const after = headers.get('retry-after') ?? '';
  const seconds = Number.parseFloat(after);
  if (seconds >= 0) return seconds * 1000;
  const until = Date.parse(after) - Date.now();
  return Number.isNaN(until) ? undefined : Math.max(0, until);
}

/** 0.3, 0.6, 1.2 seconds, spread so that many callers do not come back together. */
function backoffMilliseconds(failures: number): number {
  return 300 * 2 ** (failures - 1) * (0.75 + Math.random() / 2);
}
