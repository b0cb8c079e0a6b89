import { forkProgram } from './forked.ts';
import { atMost, equal, interleaved, type Row } from './measure.ts';
import { type SimulatedAccount, startAccount } from './simulated-account.ts';

const overdue = 500;
const rounds = 3;
/** Most of the 512 MB that the function has. Left to itself, V8 takes the more, the more the machine has. */
const heapMegabytes = 400;

/** The peak memory of a sweep, where the account is ten times as large. */
export async function memory(): Promise<Row[]> {
  await using large = await startAccount({ jobs: 100_000, overdue });
  await using small = await startAccount({ jobs: 10_000, overdue });
  const cancelled: number[] = [];
  const peakOf = async (account: SimulatedAccount) => {
    await account.reset();
    const execArgv = [`--max-old-space-size=${heapMegabytes}`];
    await using sweep = await forkProgram('sweep', { args: [account.baseUrl], execArgv });
    cancelled.push((await account.tally()).cancelled);
    return Number(sweep.greeting);
  };
  const peak = await interleaved(rounds, { large: () => peakOf(large), small: () => peakOf(small) });
  const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`;
  return [
    atMost(1.2, 'peak memory, 100,000 jobs against 10,000', peak.large, peak.small, megabytes),
    equal('jobs that those cancelled each', Math.min(...cancelled), overdue),
  ];
}
