import { setTimeout as sleep } from 'node:timers/promises';
import * as v from 'valibot';
import type { ApiKeySource } from './api-key.ts';
import { type Answer, attempt, type HttpRequest, TimeUp } from './attempt.ts';
import type { Deadline } from './deadline.ts';
import { AuthenticationError } from './errors.ts';
import { NotJson, namedOpenAIError, Refusal, WrongShape } from './openai-failures.ts';
import { createRateLimitGate } from './rate-limit-gate.ts';
import { waitBeforeRetry } from './retry-advice.ts';

/** One call: the method and path, the shape of its answer, and, for error messages, what it is for. */
export interface OpenAICall<Schema extends v.GenericSchema> {
  method: 'GET' | 'POST';
  path: string;
  searchParams?: Record<string, string>;
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
 * A client for an OpenAI-compatible API: bearer key, retries, one key refresh, errors by name.
 *
 * @param baseUrl such as `https://api.openai.com/v1`.
 * @param apiKey where the key comes from, and comes from anew once OpenAI refuses it.
 * @param deadline ends every call when the time is up, and every attempt that takes too long.
 * @returns a function that makes one call and throws the errors that errors.ts names.
 */
export function createOpenAIClient(baseUrl: string, apiKey: ApiKeySource, deadline: Deadline): OpenAIClient {
  const gate = createRateLimitGate(deadline.stopsAt);
  let lastRefusal: Refusal | undefined;
  // At most one refresh for each invocation, however many calls are refused at once.
  let refresh: Promise<string> | undefined;

  /** Sends it until it succeeds, fails once too often, or a wait would reach beyond the time that is left. */
  const answerTo = async (request: HttpRequest, stop: AbortSignal): Promise<Answer> => {
    for (let failures = 0; ; ) {
      const enteredAt = await gate.enter(stop);
      if (enteredAt === undefined) throw lastRefusal ?? new TimeUp();
      try {
        const answer = await attempt(request, stop, deadline.attemptTimeoutMilliseconds);
        if (answer.status !== 429) gate.passed();
        if (answer.status >= 200 && answer.status < 300) return answer;
        throw new Refusal(answer);
      } catch (failure) {
        const waitMilliseconds = waitBeforeRetry(failure, failures + 1);
        if (waitMilliseconds === undefined) throw failure;
        if (failure instanceof Refusal && failure.answer.status === 429) {
          lastRefusal = failure;
          if (!gate.refused(enteredAt, waitMilliseconds)) throw failure;
        } else {
          failures += 1;
          if (failures > retries) throw failure;
          if (!(await sleep(waitMilliseconds, true, { signal: stop }).catch(() => false))) throw failure;
        }
      }
    }
  };

  const callWith = async <Schema extends v.GenericSchema>(
    key: string,
    { method, path, searchParams, schema, signal, ...about }: OpenAICall<Schema>,
  ): Promise<v.InferOutput<Schema>> => {
    const query = searchParams ? `?${new URLSearchParams(searchParams)}` : '';
    const headers = { authorization: `Bearer ${key}`, accept: 'application/json' };
    const stop = signal ? AbortSignal.any([deadline.stop, signal]) : deadline.stop;
    try {
      const answer = await answerTo({ url: `${baseUrl}/${path}${query}`, method, headers }, stop);
      return read(answer.text, schema);
    } catch (error) {
      throw namedOpenAIError(error, about);
    }
  };

  return async (call) => {
    const key = await apiKey.current(deadline.stop);
    try {
      return await callWith(key, call);
    } catch (error) {
      if (!(error instanceof AuthenticationError)) throw error;
      refresh ??= apiKey.refreshed(deadline.stop);
      const freshKey = await refresh;
      if (freshKey === key) throw error;
      return await callWith(freshKey, call);
    }
  };
}

function read<Schema extends v.GenericSchema>(text: string, schema: Schema): v.InferOutput<Schema> {
  let body: unknown;
  try {
    body = text === '' ? undefined : JSON.parse(text);
  } catch {
    throw new NotJson();
  }
  const parsed = v.safeParse(schema, body);
  if (!parsed.success) throw new WrongShape(parsed.issues.map((issue) => v.getDotPath(issue) ?? ''));
  return parsed.output;
}
