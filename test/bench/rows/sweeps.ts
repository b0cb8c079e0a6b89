import type { Bundles } from '../bundles.ts';
import { apiKey } from '../keys.ts';
import type { AccountOptions, AccountTally } from '../programs/account.ts';
import type { AwsOptions, AwsTally } from '../programs/aws.ts';
import { functionEnvironment, startFunction, startProgram } from '../programs.ts';
import { atMost, checkCount, median, seconds } from '../table.ts';

const jobs = 10_000;
const pages = jobs / 100;
const answerMs = 50;
/** Pages come one after the other, because each names the next; then a look and a cancel. */
const floorMs = (pages + 2) * answerMs;
const rounds = 3;

/** A sweep of a big account, against what no program could beat. */
export async function sweeps({ ours }: Bundles): Promise<void> {
  const cases = [
    { overdue: 20, goal: 1.1, durations: [] as number[] },
    { overdue: 500, goal: 1.4, durations: [] as number[] },
  ];
  await using account = await startProgram('account', { jobs: 0, overdue: 0 } satisfies AccountOptions);
  await using aws = await startProgram('aws', { secret: { SecretString: apiKey } } satisfies AwsOptions);
  await using curfew = await startFunction(ours.file, functionEnvironment(account.greeting, aws.greeting));
  // In turn; the first round warms up.
  for (let round = 0; round <= rounds; round += 1) {
    for (const { overdue, durations } of cases) {
      await account.ask({ jobs, overdue, answerMs } satisfies AccountOptions);
      const { durationMs } = await curfew.invoke([{ sweep: { lookbackDays: 0, cancelLimit: 'none' } }]);
      if (round > 0) durations.push(durationMs);
      const { calls, cancelled } = await account.ask<AccountTally>('tally');
      const what = `a sweep of ${jobs} jobs, ${overdue} overdue`;
      checkCount(`calls of ${what}`, calls, pages + 2 * overdue);
      checkCount(`jobs cancelled by ${what}`, cancelled, overdue);
      checkCount(`events of ${what}`, (await aws.ask<AwsTally>('tally')).events, overdue);
    }
  }
  for (const { overdue, goal, durations } of cases) {
    const what = `a sweep of ${jobs.toLocaleString('en')} jobs, ${overdue} overdue`;
    atMost(
      goal,
      `${what}; against ${pages} pages, a look and a cancel, ${answerMs} ms each`,
      median(durations),
      floorMs,
      {
        unit: seconds,
      },
    );
  }
}
