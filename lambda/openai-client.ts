import { setTimeout as sleep } from 'node:timers/promises';
import ky, { isHTTPError } from 'ky';
import type * as v from 'valibot';
import type { ApiKeySource } from './api-key.ts';
import type { Deadline } from './deadline.ts';
import { AuthenticationError } from './errors.ts';
import { namedOpenAIError } from './openai-failures.ts';
import { createRateLimitGate } from './rate-limit-gate.ts';
import { waitBeforeRetry } from './retry-advice.ts';

/** One call: the method and path, the shape of its answer, and, for error messages, what it is for. */
export interface OpenAICall<Schema extends v.GenericSchema> {
  method: 'get' | 'post';
  path: string;
  searchParams?: Record<string, string | number>;
  schema: Schema;
  purpose: string;
  jobId?: string;
  /** Ends the call before the client's own deadline does. */
  signal?: AbortSignal | undefined;
}

export type OpenAIClient = <Schema extends v.GenericSchema>(
  call: OpenAICall<Schema>,
) => Promise<v.InferOutput<Schema>>;

const retries = 3;

/**
 * A client for an OpenAI-compatible API: bearer key, retries, rate limit, one key refresh, errors by name.
 *
 * @param baseUrl such as `https://api.openai.com/v1`.
 * @param apiKey where the key comes from, and comes from anew once OpenAI refuses it.
 * @param deadline ends every call when the time is up, and every attempt that takes too long.
 * @returns a function that makes one call and throws the errors that errors.ts names.
 */
export function createOpenAIClient(baseUrl: string, apiKey: ApiKeySource, deadline: Deadline): OpenAIClient {
  const gate = createRateLimitGate(deadline.stopsAt);
  let lastRefusal: unknown;
  // At most one refresh for each invocation, however many calls are refused at once.
  let refresh: Promise<string> | undefined;

  /** ky retries what fails for this call alone. A rate limit concerns all calls, and is left to the gate. */
  const send = async <Schema extends v.GenericSchema>(
    key: string,
    { method, path, searchParams, schema }: OpenAICall<Schema>,
    signal: AbortSignal,
  ): Promise<v.InferOutput<Schema>> =>
    ky(path, {
      prefix: baseUrl,
      method,
      headers: { authorization: `Bearer ${key}` },
      ...(searchParams && { searchParams }),
      fetch: fetchWhole,
      // Another host must never see the key, and the API has no redirects.
      redirect: 'manual',
      timeout: deadline.attemptTimeoutMilliseconds,
      retry: {
        limit: retries,
        methods: ['get', 'post'],
        delay: () => 0,
        shouldRetry: async ({ error, retryCount }) => {
          const waitMilliseconds = isRateLimit(error) ? undefined : waitBeforeRetry(error, retryCount);
          if (waitMilliseconds === undefined || signal.aborted) return false;
          return sleep(waitMilliseconds, true, { signal }).catch(() => false);
        },
      },
      signal,
    }).json(schema);

  /** Sends it once the gate lets it through, until it is refused for good. */
  const sendThroughGate = async <Schema extends v.GenericSchema>(
    key: string,
    call: OpenAICall<Schema>,
    signal: AbortSignal,
  ): Promise<v.InferOutput<Schema>> => {
    for (let refusals = 1; ; refusals += 1) {
      const enteredAt = await gate.enter(signal);
      if (enteredAt === undefined) throw lastRefusal ?? signal.reason;
      try {
        const answer = await send(key, call, signal);
        gate.passed();
        return answer;
      } catch (error) {
        if (!isRateLimit(error)) {
          gate.passed();
          throw error;
        }
        lastRefusal = error;
        const waitMilliseconds = waitBeforeRetry(error, refusals);
        if (waitMilliseconds === undefined || !gate.refused(enteredAt, waitMilliseconds)) throw error;
      }
    }
  };

  const attempt = async <Schema extends v.GenericSchema>(key: string, call: OpenAICall<Schema>) => {
    const signal = call.signal ? AbortSignal.any([deadline.stop, call.signal]) : deadline.stop;
    try {
      return await sendThroughGate(key, call, signal);
    } catch (error) {
      throw namedOpenAIError(error, call);
    }
  };

  return async (call) => {
    const key = await apiKey.current(deadline.stop);
    try {
      return await attempt(key, call);
    } catch (error) {
      if (!(error instanceof AuthenticationError)) throw error;
      refresh ??= apiKey.refreshed(deadline.stop);
      const freshKey = await refresh;
      if (freshKey === key) throw error;
      return await attempt(freshKey, call);
    }
  };
}

const isRateLimit = (error: unknown) => isHTTPError(error) && error.response.status === 429;

/** Reads the body as part of the attempt, so that an answer that breaks off or stalls is retried as well. */
async function fetchWhole(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  const response = await fetch(input, init);
  const body = await response.arrayBuffer();
  return new Response(body.byteLength > 0 ? body : null, response);
}
