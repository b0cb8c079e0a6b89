import { setTimeout as sleep } from 'node:timers/promises';
import pLimit from 'p-limit';
import * as v from 'valibot';
import type { TimeLeft } from '../curfew/time-left.ts';
import { AuthenticationError } from '../errors.ts';
import type { CredentialSource, Provider } from '../providers.ts';
import { accessHeaders } from './access.ts';
import { ErrorAnswer, readAnswer, UnreadableAnswer } from './answer.ts';
import { AttemptTooLong, askedMilliseconds, waitBeforeRetry } from './backoff.ts';
import { namedFailure, TimeUp } from './failures.ts';
import { createRateLimitGate } from './rate-limit-gate.ts';
import { send } from './transport.ts';

/** One call: the method and path, the shape of its answer, and, for error messages, what it is for. */
export interface OpenAICall<Schema extends v.GenericSchema> {
  method: 'GET' | 'POST';
  path: string;
  searchParams?: Record<string, string | number | undefined>;
  schema: Schema;
  purpose: string;
  jobId?: string;
  /** What is read of the answer, at most. */
  mostBytes: number;
  /** Ends the call before the time that is left does. */
  signal?: AbortSignal | undefined;
  /** Is told that the call is on its way: from now on it may have an effect, whatever the answer. */
  sent?: () => void;
  /** Even a gate that stays shut lets this one through, once. */
  passesShutGate?: boolean;
}

export type OpenAIClient = <Schema extends v.GenericSchema>(
  call: OpenAICall<Schema>,
) => Promise<v.InferOutput<Schema>>;

/** How a project is reached. */
export interface ClientOptions {
  provider: Provider;
  /** Such as `https://api.openai.com/v1`. */
  openaiBaseUrl: string;
  openaiProject: string | undefined;
  credentials: CredentialSource;
  time: TimeLeft;
  /** How many calls may be under way at once. */
  callsAtOnce: number;
}

const retries = 3;

/**
 * A client for one project, for one invocation: credential, retries, rate limit, one refresh, errors by name.
 *
 * @returns a function that makes one call and throws the errors that errors.ts names.
 */
export function createOpenAIClient(options: ClientOptions): OpenAIClient {
  const { provider, openaiBaseUrl, openaiProject, credentials, time } = options;
  const gate = createRateLimitGate(time.stopsAt);
  const limit = pLimit(options.callsAtOnce);
  /** Why the gate closed last. */
  let lastRefusal: ErrorAnswer | undefined;

  /**
   * One attempt, from the gate to the end of the answer's body.
   *
   * @throws TimeUp if it is not let through in time, or the time is up before the answer is there.
   */
  const attempt = async (
    credential: string,
    call: OpenAICall<v.GenericSchema>,
    signal: AbortSignal,
    isFirst: boolean,
  ) => {
    const mayPass = isFirst && call.passesShutGate && gate.isShut() && !signal.aborted;
    const enteredAt = mayPass ? performance.now() : await gate.enter(signal);
    if (enteredAt === undefined) throw new TimeUp(gate.isOpen() ? undefined : lastRefusal);
    const patience = AbortSignal.timeout(time.attemptTimeoutMilliseconds);
    try {
      call.sent?.();
      const response = await send(
        call.method,
        urlOf(openaiBaseUrl, call),
        accessHeaders(provider, credential, openaiProject),
        AbortSignal.any([signal, patience]),
      );
      const answer = await readAnswer(response, call.mostBytes, credential);
      gate.passed(enteredAt);
      return answer;
    } catch (failure) {
      if (!(failure instanceof ErrorAnswer)) {
        if (signal.aborted) throw new TimeUp();
        throw patience.aborted ? new AttemptTooLong() : failure;
      }
      if (failure.isAboutPace) {
        lastRefusal = failure;
        gate.refused(enteredAt, askedMilliseconds(failure.headers));
      } else {
        gate.passed(enteredAt);
      }
      throw failure;
    }
  };

  /** Sends it until it succeeds, fails once too often, or a wait would reach beyond the time that is left. */
  const answerTo = async (credential: string, call: OpenAICall<v.GenericSchema>, signal: AbortSignal) => {
    let lastFailure: unknown;
    for (let failures = 0; ; ) {
      try {
        return await limit(() => attempt(credential, call, signal, failures === 0));
      } catch (failure) {
        // Why it could not be sent again, or else what an earlier attempt failed with, says more than that time is up.
        if (failure instanceof TimeUp) throw failure.refusal ?? lastFailure ?? failure;
        lastFailure = failure;
        const waitMilliseconds = waitBeforeRetry(failure, failures + 1);
        if (waitMilliseconds === undefined) throw failure;
        // How long to wait for the pace, and whether there is any use in it, concerns all calls: the gate knows.
        if (failure instanceof ErrorAnswer && failure.isAboutPace) {
          if (call.passesShutGate && gate.isShut()) throw failure;
          continue;
        }
        failures += 1;
        if (failures > retries || performance.now() + waitMilliseconds >= time.stopsAt) throw failure;
        if (!(await sleep(waitMilliseconds, true, { signal }).catch(() => false))) throw failure;
      }
    }
  };

  const call = async (credential: string, wanted: OpenAICall<v.GenericSchema>): Promise<unknown> => {
    const signal = wanted.signal ? AbortSignal.any([time.stop, wanted.signal]) : time.stop;
    try {
      const answer = await answerTo(credential, wanted, signal);
      const parsed = v.safeParse(wanted.schema, answer);
      if (parsed.success) return parsed.output;
      const fields = parsed.issues.map((issue) => v.getDotPath(issue) ?? 'the whole body');
      throw new UnreadableAnswer(`lacks what the API promises (${fields.join(', ')})`);
    } catch (failure) {
      throw namedFailure(failure, wanted);
    }
  };

  return async (wanted) => {
    const credential = await credentials.current(time.stop);
    try {
      return await call(credential, wanted);
    } catch (error) {
      if (!(error instanceof AuthenticationError)) throw error;
      const fresh = await credentials.refreshed(credential, time.stop);
      if (fresh === credential) throw error;
      return await call(fresh, wanted);
    }
  };
}

function urlOf(baseUrl: string, { path, searchParams = {} }: OpenAICall<v.GenericSchema>): URL {
  const url = new URL(`${baseUrl}/${path}`);
  for (const [name, value] of Object.entries(searchParams)) {
    if (value !== undefined) url.searchParams.set(name, String(value));
  }
  return url;
}
