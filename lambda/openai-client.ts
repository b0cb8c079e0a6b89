import { setTimeout as sleep } from 'node:timers/promises';
import ky, { isHTTPError, type ShouldRetryState } from 'ky';
import type * as v from 'valibot';
import type { ApiKeySource } from './api-key.ts';
import { AuthenticationError } from './errors.ts';
import { namedOpenAIError } from './openai-failures.ts';

/** One call: the method and path, the shape of its answer, and, for error messages, what it is for. */
export interface OpenAICall<Schema extends v.GenericSchema> {
  method: 'get' | 'post';
  path: string;
  searchParams?: Record<string, string | number>;
  schema: Schema;
  purpose: string;
  jobId?: string;
  /** Ends the call before the client's own signal does. */
  signal?: AbortSignal | undefined;
}

export type OpenAIClient = <Schema extends v.GenericSchema>(
  call: OpenAICall<Schema>,
) => Promise<v.InferOutput<Schema>>;

const retries = 3;
const longestRetryAfterMilliseconds = 30_000;

/**
 * A client for an OpenAI-compatible API: bearer key, retries, one key refresh, errors by name.
 *
 * Network errors, time-outs, 408, 429 and 5xx are retried. The vendor's own client documents the headers that
 * override this: `x-should-retry`, `retry-after-ms` and the standard `retry-after`.
 *
 * @param baseUrl such as `https://api.openai.com/v1`.
 * @param apiKey where the key comes from, and comes from anew once OpenAI refuses it.
 * @param stop ends every call when the time is up.
 * @param attemptTimeoutMilliseconds the longest wait for one answer, its body included.
 * @returns a function that makes one call and throws the errors that errors.ts names.
 */
export function createOpenAIClient(
  baseUrl: string,
  apiKey: ApiKeySource,
  stop: AbortSignal,
  attemptTimeoutMilliseconds: number,
): OpenAIClient {
  // At most one refresh for each invocation, however many calls are refused at once.
  let refresh: Promise<string> | undefined;

  const attempt = async <Schema extends v.GenericSchema>(call: OpenAICall<Schema>, key: string) => {
    const signal = call.signal ? AbortSignal.any([stop, call.signal]) : stop;
    try {
      return await ky(call.path, {
        prefix: baseUrl,
        method: call.method,
        headers: { authorization: `Bearer ${key}` },
        ...(call.searchParams && { searchParams: call.searchParams }),
        fetch: fetchWhole,
        // Another host must never see the key, and the API has no redirects.
        redirect: 'manual',
        timeout: attemptTimeoutMilliseconds,
        retry: {
          limit: retries,
          methods: ['get', 'post'],
          delay: () => 0,
          shouldRetry: (state) => waitBeforeRetry(state, signal),
        },
        signal,
      }).json(call.schema);
    } catch (error) {
      throw namedOpenAIError(error, call);
    }
  };

  return async (call) => {
    const key = await apiKey.current(stop);
    try {
      return await attempt(call, key);
    } catch (error) {
      if (!(error instanceof AuthenticationError)) throw error;
      refresh ??= apiKey.refreshed(stop);
      const freshKey = await refresh;
      if (freshKey === key) throw error;
      return await attempt(call, freshKey);
    }
  };
}

/** Reads the body as part of the attempt, so that an answer that breaks off or stalls is retried as well. */
async function fetchWhole(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  const response = await fetch(input, init);
  const body = await response.arrayBuffer();
  return new Response(body.byteLength > 0 ? body : null, response);
}

/** Decides on a retry and waits for it; ky then retries at once. A wait that the time left forbids is no retry. */
async function waitBeforeRetry(
  { error, retryCount }: ShouldRetryState,
  signal: AbortSignal,
): Promise<boolean> {
  if (signal.aborted || !isWorthRetrying(error)) return false;
  const milliseconds = retryAfterMilliseconds(error) ?? backoffMilliseconds(retryCount);
  if (milliseconds > longestRetryAfterMilliseconds) return false;
  return sleep(milliseconds, true, { signal }).catch(() => false);
}

function isWorthRetrying(error: Error): boolean {
  if (!isHTTPError(error)) return true;
  const { status, headers } = error.response;
  const told = headers.get('x-should-retry');
  if (told === 'true' || told === 'false') return told === 'true';
  return status === 408 || status === 429 || status >= 500;
}

/** The wait that the server asks for: milliseconds, seconds, or a date. */
function retryAfterMilliseconds(error: Error): number | undefined {
  if (!isHTTPError(error)) return undefined;
  const { headers } = error.response;
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
function backoffMilliseconds(retryCount: number): number {
  return 300 * 2 ** (retryCount - 1) * (0.75 + Math.random() / 2);
}
