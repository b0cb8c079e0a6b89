/**
 * Forked by startProgram: a simulated OpenAI account. Options start it, and later begin anew; `tally` says what reached it
 * since.
 */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer } from '../../../infra/local/providers/endpoints.ts';
import { simulatedJob } from '../../../infra/local/providers/simulated-job.ts';
import { startFineTuningSimulator } from '../../../infra/local/providers/simulator.ts';
import { rateLimit, type WaitHeader } from '../../support/rate-limiter.ts';
import { apiKey } from '../keys.ts';

export interface AccountOptions {
  jobs: number;
  /** The oldest jobs, at the very end of the list: the hard case. */
  overdue: number;
  /** How long each answer takes. */
  answerMs?: number;
  /** A rate limit, with as many requests at once as it grants in a second. */
  requestsPerSecond?: number;
  /** What its refusals say about when to come back. */
  header?: WaitHeader;
  /** Refuses only this call, and asks for five seconds of silence. */
  refusedCall?: number;
}

export interface AccountTally {
  calls: number;
  refused: number;
  cancelled: number;
  /** Calls that came in a silence that a refusal had asked for. */
  callsInSilence: number;
}

/** Calls may be on their way when a refusal is sent. */
const graceMs = 100;

let options: AccountOptions;
let limit: () => Answer | undefined;
let tally: AccountTally;
let silentFrom: number;
let silentUntil: number;
const simulator = await startFineTuningSimulator({ apiKeys: [apiKey] });

simulator.faultFor = () => async (answer) => {
  const { answerMs = 0, refusedCall } = options;
  const now = performance.now();
  if (now > silentFrom && now < silentUntil) tally.callsInSilence += 1;
  tally.calls += 1;
  const refusal = tally.calls === refusedCall ? { status: 429, headers: { 'retry-after': '5' }, body: {} } : limit();
  if (refusal) tally.refused += 1;
  if (answerMs > 0) await sleep(answerMs);
  const askedMs = Number(refusal?.headers?.['retry-after-ms'] ?? 1000 * Number(refusal?.headers?.['retry-after'] ?? 0));
  const sentAt = performance.now();
  if (sentAt + askedMs > silentUntil) {
    if (sentAt > silentUntil) silentFrom = sentAt + graceMs;
    silentUntil = sentAt + askedMs;
  }
  return refusal ?? answer();
};

function begin(given: AccountOptions): void {
  options = given;
  const { jobs, overdue, requestsPerSecond = Number.POSITIVE_INFINITY, header } = options;
  simulator.jobs = new Map();
  for (let index = 0; index < jobs; index += 1) {
    const status = index < jobs - overdue ? 'succeeded' : 'running';
    const id = `ftjob-${index}`;
    simulator.jobs.set(id, simulatedJob({ id, status, ageMinutes: 400 + index }));
  }
  limit = rateLimit(requestsPerSecond, header);
  tally = { calls: 0, refused: 0, cancelled: 0, callsInSilence: 0 };
  silentFrom = silentUntil = Number.NEGATIVE_INFINITY;
}

begin((await once(process, 'message'))[0]);
process.on('message', (message: 'tally' | AccountOptions) => {
  if (message !== 'tally') begin(message);
  const cancelled = [...simulator.jobs.values()].filter(({ status }) => status === 'cancelled').length;
  simulator.calls.length = 0;
  process.send?.({ ...tally, cancelled });
});
process.on('disconnect', () => process.exit());
process.send?.(simulator.baseUrl);
