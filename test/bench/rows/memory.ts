import type { Bundles } from '../bundles.ts';
import { atMost, equal, interleaved, megabytes } from '../measure.ts';
import { startAccountAndFunction } from '../world/account-and-function.ts';

const overdue = 500;
const rounds = 2;

/** The peak memory of a sweep, where the account is ten times as large. Each starts with a new function. */
export async function memory({ ours }: Bundles) {
  const cancelled: number[] = [];
  const peakWith = async (jobs: number) => {
    await using system = await startAccountAndFunction(ours, { jobs, overdue });
    const { peakBytes } = await system.curfew.invoke([{ sweep: { lookbackDays: 0, cancelLimit: 'none' } }]);
    cancelled.push((await system.account.tally()).cancelled);
    return peakBytes;
  };
  const { large, small } = await interleaved(rounds, {
    large: () => peakWith(100_000),
    small: () => peakWith(10_000),
  });
  return {
    rows: [
      atMost(1.2, 'peak memory of a sweep of 100,000 jobs; against 10,000', large, small, megabytes),
      equal('jobs that those cancelled each', Math.min(...cancelled), overdue),
    ],
  };
}
