import type { Bundles } from '../bundles.ts';
import { apiKey } from '../keys.ts';
import type { AccountOptions, AccountTally } from '../programs/account.ts';
import type { AwsOptions } from '../programs/aws.ts';
import { functionEnvironment, startFunction, startProgram } from '../programs.ts';
import { atMost, checkCount, median, megabytes } from '../table.ts';

const overdue = 500;
const rounds = 3;

/** The peak memory of a sweep, where the account is ten times as large. Each starts with a new function. */
export async function memory({ ours }: Bundles): Promise<void> {
  const cases = [10_000, 100_000].map((jobs) => ({ jobs, peaks: [] as number[] }));
  await using account = await startProgram('account', { jobs: 0, overdue: 0 } satisfies AccountOptions);
  await using aws = await startProgram('aws', { secret: { SecretString: apiKey } } satisfies AwsOptions);
  for (let round = 1; round <= rounds; round += 1) {
    for (const { jobs, peaks } of cases) {
      await account.ask({ jobs, overdue } satisfies AccountOptions);
      await using curfew = await startFunction(ours.file, functionEnvironment(account.greeting, aws.greeting));
      peaks.push((await curfew.invoke([{ sweep: { lookbackDays: 0, cancelLimit: 'none' } }])).peakBytes);
      const { cancelled } = await account.ask<AccountTally>('tally');
      checkCount(`jobs cancelled in a new function, of ${jobs}`, cancelled, overdue);
    }
  }
  const [small = 0, large = 0] = cases.map(({ peaks }) => median(peaks));
  atMost(1.2, 'peak memory of a sweep of 100,000 jobs; against 10,000', large, small, { unit: megabytes });
}
