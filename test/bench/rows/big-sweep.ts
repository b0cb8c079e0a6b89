import type { Bundles } from '../bundles.ts';
import { atMost, equal, median, seconds } from '../measure.ts';
import { startAccountAndFunction } from '../world/account-and-function.ts';

const jobs = 10_000;
const overdue = 500;
const pages = jobs / 100;
const answerMilliseconds = 50;
/** Pages come one after the other, because each names the next; then the last cancel. */
const floorMilliseconds = (pages + 1) * answerMilliseconds;
const rounds = 3;

/** A sweep of a big account, against what no program could beat. */
export async function bigSweep(bundles: Bundles) {
  await using system = await startAccountAndFunction(bundles.ours, { jobs, overdue, answerMilliseconds });
  const { account, curfew } = system;
  const durations: number[] = [];
  const calls: number[] = [];
  const cancelled: number[] = [];
  // The first round warms up.
  for (let round = 0; round <= rounds; round += 1) {
    await account.reset();
    const swept = await curfew.invoke([{ sweep: { lookbackDays: 0, cancelLimit: 'none' } }]);
    const tally = await account.tally();
    if (round > 0) durations.push(swept.milliseconds);
    calls.push(tally.calls);
    cancelled.push(tally.cancelled);
  }
  const what = `a sweep of ${jobs.toLocaleString('en')} jobs, ${overdue} overdue, without a limit`;
  return {
    rows: [
      atMost(
        1.15,
        `${what}; against pages × ${answerMilliseconds} ms + one cancel`,
        median(durations),
        floorMilliseconds,
        seconds,
      ),
      equal('calls of that sweep; against pages + overdue', Math.max(...calls), pages + overdue),
      equal('jobs that it cancelled; against the overdue ones', Math.min(...cancelled), overdue),
    ],
  };
}
