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
  searchParams?: Record<string, string | number | undefined>;
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

  /** Sends it until it succeeds, fails once too often, or a wait would reach beyond the time that is left. */
  const answerTo = async <Schema extends v.GenericSchema>(
    key: string,
    call: OpenAICall<Schema>,
    signal: AbortSignal,
  ): Promise<v.InferOutput<Schema>> => {
    for (let failures = 0; ; ) {
      const enteredAt = await gate.enter(signal);
      if (enteredAt === undefined) throw lastRefusal ?? signal.reason;
      try {
        const answer = await send(key, call, signal);
        gate.passed();
        return answer;
      } catch (error) {
        const waitMilliseconds = signal.aborted ? undefined : waitBeforeRetry(error, failures + 1);
        if (isRateLimit(error)) {
          // This concerns all calls, and is left to the gate.
          lastRefusal = error;
          if (waitMilliseconds === undefined || !gate.refused(enteredAt, waitMilliseconds)) throw error;
        } else {
          gate.passed();
          failures += 1;
          if (waitMilliseconds === undefined || failures > retries) throw error;
          if (!(await sleep(waitMilliseconds, true, { signal }).catch(() => false))) throw error;
        }
      }
    }
  };

  /** One attempt. ky's own retries know neither `retry-after-ms` nor a body that breaks off, and nothing of the gate. */
  const send = <Schema extends v.GenericSchema>(
    key: string,
    { method, path, searchParams, schema }: OpenAICall<Schema>,
    signal: AbortSignal,
  ): Promise<v.InferOutput<Schema>> =>
    ky(path, {
      prefix: baseUrl,
      method,
      headers: { authorization: `Bearer ${key}` },
      ...(searchParams && { searchParams }),
      // Another host must never see the key, and the API has no redirects.
      redirect: 'manual',
      timeout: deadline.attemptTimeoutMilliseconds,
      retry: 0,
      signal,
    }).json(schema);

  const attempt = async <Schema extends v.GenericSchema>(key: string, call: OpenAICall<Schema>) => {
    const signal = call.signal ? AbortSignal.any([deadline.stop, call.signal]) : deadline.stop;
    try {
      return await answerTo(key, call, signal);
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
      refresh ??= apiKey.refreshed(key, deadline.stop);
      const freshKey = await refresh;
      if (freshKey === key) throw error;
      return await attempt(freshKey, call);
    }
  };
}

const isRateLimit = (error: unknown) => isHTTPError(error) && error.response.status === 429;
