import OpenAI from 'openai';
import { apiKey } from './api-key.ts';
import { startFunction } from './function-under-test.ts';
import { atMost, equal, interleaved, millisecondsOf, type Row } from './measure.ts';
import { type SimulatedAccount, startAccount } from './simulated-account.ts';

const jobs = 10_000;
const overdue = 500;
const pages = jobs / 100;
const answerMilliseconds = 50;
/** Pages come one after the other, because each names the next; then the last cancel. */
const floorMilliseconds = (pages + 1) * answerMilliseconds;
const rounds = 3;

/** A sweep of a big account, against what no program could beat, and against a plain loop. */
export async function bigSweep(): Promise<Row[]> {
  await using account = await startAccount({ jobs, overdue, answerMilliseconds });
  await using curfew = await startFunction(account.baseUrl);
  const calls: number[] = [];
  const cancelled: number[] = [];
  const timed = async (sweep: () => Promise<unknown>) => {
    await account.reset();
    return await millisecondsOf(sweep);
  };
  const { ours, theirs } = await interleaved(rounds, {
    ours: async () => {
      const milliseconds = await timed(() => curfew.invoke({ sweep: { lookbackDays: 0 } }));
      const tally = await account.tally();
      calls.push(tally.calls);
      cancelled.push(tally.cancelled);
      return milliseconds;
    },
    theirs: () => timed(() => plainLoop(account)),
  });
  const seconds = (value: number) => `${(value / 1000).toFixed(2)} s`;
  const size = `${jobs.toLocaleString('en')} jobs, ${overdue} overdue, ${answerMilliseconds} ms an answer`;
  const faster = theirs / ours;
  return [
    atMost(
      1.15,
      `sweep of ${size}; against pages x ${answerMilliseconds} ms + one cancel`,
      ours,
      floorMilliseconds,
      seconds,
    ),
    {
      what: 'the same, against a plain loop with the openai client',
      ours: seconds(ours),
      theirs: seconds(theirs),
      ratio: `${faster.toFixed(1)}x faster`,
      goal: '>= 5x faster',
      holds: faster >= 5,
    },
    equal('calls of that sweep, against pages + overdue', Math.max(...calls), pages + overdue),
    equal('jobs that it cancelled, against the overdue ones', Math.min(...cancelled), overdue),
  ];
}

/** Auto-paging, then one cancel after the other. */
async function plainLoop(account: SimulatedAccount): Promise<void> {
  const client = new OpenAI({ apiKey, baseURL: account.baseUrl });
  const budgetSeconds = 360 * 60;
  const overdueJobs: string[] = [];
  for await (const job of client.fineTuning.jobs.list({ limit: 100 })) {
    const isInProgress = ['validating_files', 'queued', 'running'].includes(job.status);
    if (isInProgress && Date.now() / 1000 - job.created_at >= budgetSeconds) overdueJobs.push(job.id);
  }
  for (const jobId of overdueJobs) await client.fineTuning.jobs.cancel(jobId);
}
