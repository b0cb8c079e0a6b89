import type { Bundles } from '../bundles.ts';
import { apiKey } from '../keys.ts';
import type { AccountOptions, AccountTally } from '../programs/account.ts';
import type { AwsOptions, AwsTally } from '../programs/aws.ts';
import { functionEnvironment, startFunction, startProgram } from '../programs.ts';
import { atMost, checkCount, inUnit, median } from '../table.ts';

const rounds = 20;
const cancelsInRound = 100;

/** The CPU time of one cancel by a warm function, which waiting for answers does not count for. */
export async function warmCancel({ ours, theirsWithEvent }: Bundles): Promise<void> {
  const jobs = 2 * (rounds + 1) * cancelsInRound;
  await using account = await startProgram('account', { jobs, overdue: jobs } satisfies AccountOptions);
  await using aws = await startProgram('aws', { secret: { SecretString: apiKey } } satisfies AwsOptions);
  const environment = functionEnvironment(account.greeting, aws.greeting);
  await using curfew = await startFunction(ours.file, environment);
  await using afternoon = await startFunction(theirsWithEvent.file, environment);
  const sides = [curfew, afternoon].map((side) => ({ side, cpuMs: [] as number[] }));
  let next = 0;
  // In turn; the first round warms up.
  for (let round = 0; round <= rounds; round += 1) {
    for (const { side, cpuMs } of sides) {
      const events = Array.from({ length: cancelsInRound }, () => ({ jobId: `ftjob-${next++}` }));
      const invoked = await side.invoke(events);
      if (round > 0) cpuMs.push(invoked.cpuMs / cancelsInRound);
    }
  }
  const [our = 0, their = 0] = sides.map(({ cpuMs }) => median(cpuMs));
  const what = `a warm cancel in CPU time, ${(rounds * cancelsInRound).toLocaleString('en')} of them`;
  atMost(1.2, `${what}; against the afternoon handler that publishes an event too`, our, their, {
    unit: inUnit('ms', 1, 2),
  });
  const { calls, cancelled } = await account.ask<AccountTally>('tally');
  checkCount('jobs cancelled by warm functions', cancelled, jobs);
  checkCount('calls to OpenAI by warm functions', calls, 2 * jobs);
  checkCount('events of warm functions', (await aws.ask<AwsTally>('tally')).events, jobs);
}
