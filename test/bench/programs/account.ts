/** `node account.ts`, forked with an IPC channel: a simulated OpenAI account that can be reset and asked. */

import { setTimeout as sleep } from 'node:timers/promises';
import { startFineTuningSimulator } from '../../../infra/local/providers/simulator.ts';
import { rateLimit } from '../../support/rate-limiter.ts';
import { apiKey } from '../world/api-key.ts';
import { type AccountOptions, jobsOf, type Tally } from '../world/simulated-account.ts';
import { givenOptions } from './given-options.ts';

const options = await givenOptions<AccountOptions>();
const { answerMilliseconds = 0, requestsPerSecond = Number.POSITIVE_INFINITY } = options;

const simulator = await startFineTuningSimulator({ jobs: jobsOf(options), apiKeys: [apiKey] });
let limit = rateLimit(requestsPerSecond);
let refused = 0;

simulator.faultFor = () => async (answer) => {
  const refusal = limit();
  if (refusal) refused += 1;
  if (answerMilliseconds > 0) await sleep(answerMilliseconds);
  return refusal ?? answer();
};

function reset(): void {
  simulator.jobs = new Map(jobsOf(options).map((job) => [job.id, job]));
  simulator.calls.length = 0;
  limit = rateLimit(requestsPerSecond);
  refused = 0;
}

function tally(): Tally {
  const cancelled = [...simulator.jobs.values()].filter((job) => job.status === 'cancelled').length;
  return { calls: simulator.calls.length, refused, cancelled };
}

process.on('message', (question) => {
  if (question === 'reset') reset();
  process.send?.(question === 'tally' ? tally() : 'done');
});
process.on('disconnect', () => process.exit());
process.send?.(simulator.baseUrl);
