import type { Bundle, Bundles } from '../bundles.ts';
import { atMost, equal, interleaved } from '../measure.ts';
import { apiKey } from '../world/api-key.ts';
import { functionEnvironment } from '../world/function-environment.ts';
import { startFunction } from '../world/function-under-test.ts';
import { startAccount } from '../world/simulated-account.ts';
import { startAws } from '../world/simulated-aws.ts';

const cancels = 2_000;
const atOnce = 100;
const rounds = cancels / atOnce;
const milliseconds = (value: number) => `${value.toFixed(2)} ms`;

/** The CPU time of one cancel by a warm function, which waiting for answers does not count for. */
export async function warmCancel({ ours, theirs, theirsWithEvent }: Bundles) {
  const jobsOfEach = (rounds + 1) * atOnce;
  const jobs = 3 * jobsOfEach;
  await using account = await startAccount({ jobs, overdue: jobs });
  await using aws = await startAws({ secret: { SecretString: apiKey } });
  await using functions = new AsyncDisposableStack();
  const environment = functionEnvironment({ openaiBaseUrl: account.baseUrl });
  let next = 0;
  const cancelsWith = async ({ file }: Bundle) => {
    const { invoke } = functions.use(await startFunction({ bundle: file, environment, awsUrl: aws.url }));
    return async () => {
      const events = Array.from({ length: atOnce }, () => ({ jobId: `ftjob-${next++}` }));
      return (await invoke(events)).cpuMilliseconds / atOnce;
    };
  };
  const cpu = await interleaved(rounds, {
    ours: await cancelsWith(ours),
    theirs: await cancelsWith(theirs),
    theirsWithEvent: await cancelsWith(theirsWithEvent),
  });
  const { calls, cancelled } = await account.tally();
  const { events } = await aws.tally();
  const row = (what: string, other: number) => atMost(1, what, cpu.ours, other, milliseconds);
  const many = cancels.toLocaleString('en');
  return {
    rows: [
      row(
        `a warm cancel in CPU time, ${many} of them; against the afternoon handler with the vendor's client`,
        cpu.theirs,
      ),
      row('the same; against the afternoon handler if it publishes an event too', cpu.theirsWithEvent),
      equal('jobs cancelled in those; against all there were', cancelled, jobs),
      equal('calls to OpenAI in those; against two each', calls, 2 * jobs),
      equal('events in those; against one each of the two that publish', events, 2 * jobsOfEach),
    ],
  };
}
