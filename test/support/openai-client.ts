import { after } from 'node:test';
import type { SimulatedJob } from '../../infra/local/providers/simulated-job.ts';
import {
  type Fault,
  type FineTuningSimulator,
  startFineTuningSimulator,
} from '../../infra/local/providers/simulator.ts';
import { cancelJob, toCancelAnswer } from '../../lambda/curfew/cancel.ts';
import type { Context, Project } from '../../lambda/curfew/context.ts';
import type { Credential } from '../../lambda/openai/fetch.ts';
import { createFineTuning, type FineTuningOptions } from '../../lambda/openai/fine-tuning.ts';
import { apiKey } from './curfew.ts';
import { fakeContext, sixHours } from './fake-ports.ts';

export const endpoints = ['retrieve', 'list', 'cancel'] as const;
export type Endpoint = (typeof endpoints)[number];

/** Starts a simulated provider that the tests of a file share in turn. */
export async function startProvider() {
  const simulator = await startFineTuningSimulator({ apiKeys: [apiKey] });
  after(() => simulator[Symbol.asyncDispose]());
  const faults = new Map<string, { left: Fault[]; forever: boolean }>();
  const provider = Object.assign(simulator, {
    /** Starts over with these jobs, without calls or faults. */
    reset(...jobs: SimulatedJob[]) {
      simulator.jobs = new Map(jobs.map((job) => [job.id, job]));
      simulator.calls.length = 0;
      simulator.apiKeys = new Set([apiKey]);
      faults.clear();
      simulator.faultFor = ({ endpoint }) => {
        const { left = [], forever = false } = faults.get(endpoint) ?? {};
        return forever && left.length === 1 ? left[0] : left.shift();
      };
    },
    /** Gives the next calls to this endpoint these faults, one each; the last one stays if `forever`. */
    fail(endpoint: Endpoint, left: Fault[], forever?: 'forever') {
      faults.set(endpoint, { left: [...left], forever: forever !== undefined });
    },
    /** Returns the endpoints called, in order. */
    endpoints: () => simulator.calls.map(({ endpoint }) => endpoint),
    /** Returns when each call to this endpoint came, in milliseconds after the first. */
    times(endpoint: Endpoint) {
      const calls = simulator.calls.filter((call) => call.endpoint === endpoint);
      return calls.map(({ at }) => Math.round(at - (calls[0]?.at ?? 0)));
    },
  });
  provider.reset();
  return provider;
}

/** A key that is replaced by the next one when it is refused. */
export function rotatingKey(...keys: string[]): Credential {
  const left = [...keys];
  return {
    authorize: async () => ({ headers: { authorization: `Bearer ${left[0]}` }, secret: left[0] ?? '' }),
    refresh: async (refused) => {
      if (left.length > 1 && left[0] === refused) left.shift();
      return left[0] !== refused;
    },
  };
}

/** Starts an invocation whose table, events and log are in memory. */
export function startInvocation(remainingMs = 30_000): Context & { endTime(): void } {
  const [end, listingEnd] = [new AbortController(), new AbortController()];
  const timeIsUp = new DOMException('Time is up.', 'TimeoutError');
  const endTime = () => end.abort(timeIsUp);
  setTimeout(endTime, remainingMs).unref();
  setTimeout(() => listingEnd.abort(timeIsUp), (remainingMs * 2) / 3).unref();
  const time = { signal: end.signal, listingSignal: listingEnd.signal, endsAt: performance.now() + remainingMs };
  return { ...fakeContext({ now: Date.now() / 1000 }), time, endTime };
}

export interface ClientOptions extends Partial<FineTuningOptions> {
  remainingMs?: number;
  invocation?: ReturnType<typeof startInvocation>;
}

/** Creates the client under test, for an invocation with half a minute and a key that is never rotated. */
export function createClient(
  { baseUrl }: Pick<FineTuningSimulator, 'baseUrl'>,
  { remainingMs, invocation = startInvocation(remainingMs), ...options }: ClientOptions = {},
) {
  const { time, endTime } = invocation;
  const { openaiProject, maxConcurrency = 100 } = options;
  const defaults = { baseUrl, openaiProject, credential: rotatingKey(apiKey), maxConcurrency, time };
  const provider = createFineTuning({ ...defaults, ...options });
  const project: Project = {
    name: openaiProject,
    provider,
    rules: { ...sixHours, cancelLimit: 'none' },
    maxConcurrency,
  };
  return {
    ...provider,
    retrieve: (jobId: string, signal = time.signal) => provider.retrieve(jobId, { signal, withMetadata: false }),
    /** A project behind this client, with the same name as at the provider. */
    project,
    /** Reads all pages of a list. */
    pages: () => Array.fromAsync(provider.list({ signal: time.signal, withMetadata: false })),
    /** Cancels a job by the rules, through this client. */
    cancelJob: async (jobId: string) =>
      toCancelAnswer(await cancelJob({ project, jobId, reason: 'requested', dryRun: false }, invocation)),
    endTime,
  };
}
