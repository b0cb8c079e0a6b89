import type { Bundles } from '../bundles.ts';
import { apiKey } from '../keys.ts';
import type { AccountOptions, AccountTally } from '../programs/account.ts';
import type { AwsOptions } from '../programs/aws.ts';
import { functionEnvironment, startFunction, startProgram } from '../programs.ts';
import { atLeast, atMost, checkCount, inUnit, median, seconds } from '../table.ts';

const limitedJobs = 200;
const requestsPerSecond = 20;
const pausedJobs = 100;
const pauseGoalMs = 8_000;
const pauses = 3;

/** Sweeps under a rate limit, against the limit; and one that is told once to be silent for five seconds. */
export async function rateLimits({ ours }: Bundles): Promise<void> {
  await using account = await startProgram('account', { jobs: 0, overdue: 0 } satisfies AccountOptions);
  await using aws = await startProgram('aws', { secret: { SecretString: apiKey } } satisfies AwsOptions);
  await using curfew = await startFunction(ours.file, functionEnvironment(account.greeting, aws.greeting));
  const sweepWith = async (options: AccountOptions) => {
    await account.ask(options);
    const { durationMs } = await curfew.invoke([{ sweep: { lookbackDays: 0, cancelLimit: 'none' } }]);
    const tally = await account.ask<AccountTally>('tally');
    checkCount('jobs cancelled despite refusals', tally.cancelled, options.overdue);
    checkCount('calls in a silence that was asked for', tally.callsInSilence, 0);
    return { ...tally, durationMs };
  };

  const rates: number[] = [];
  const refused: number[] = [];
  // Of a usual time, and of next to none.
  for (const answerMs of [200, 5]) {
    for (const header of ['retry-after-ms', 'retry-after', 'none'] as const) {
      const swept = await sweepWith({ jobs: limitedJobs, overdue: limitedJobs, answerMs, requestsPerSecond, header });
      // The bucket was full at the start: that is not throughput.
      rates.push((1000 * (swept.calls - swept.refused - requestsPerSecond)) / swept.durationMs);
      refused.push(swept.refused);
    }
  }
  const perSecond = inUnit('/s', 1, 1);
  atLeast(
    0.8,
    `calls let through by a limit of ${requestsPerSecond} a second, the lowest of six (answers of 200 and 5 ms; refusals with retry-after-ms, retry-after, neither; ${Math.min(...refused)} to ${Math.max(...refused)} refused); against the limit`,
    Math.min(...rates),
    requestsPerSecond,
    { unit: perSecond, ours: rates.map((rate) => rate.toFixed(1)).join(', ') },
  );

  const durations: number[] = [];
  for (let round = 1; round <= pauses; round += 1) {
    const swept = await sweepWith({ jobs: pausedJobs, overdue: pausedJobs, answerMs: 50, refusedCall: 20 });
    durations.push(swept.durationMs);
  }
  atMost(
    1,
    `${pausedJobs} cancels, one call of which is refused with retry-after: 5; against 8 s`,
    median(durations),
    pauseGoalMs,
    { unit: seconds },
  );
}
