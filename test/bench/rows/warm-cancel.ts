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
export async function warmCancel({ ours, theirs }: Bundles) {
  const jobs = 2 * (rounds + 1) * atOnce;
  await using account = await startAccount({ jobs, overdue: jobs });
  await using aws = await startAws({ secret: { SecretString: apiKey } });
  const environment = functionEnvironment({ openaiBaseUrl: account.baseUrl });
  const start = ({ file }: Bundle) => startFunction({ bundle: file, environment, awsUrl: aws.url });
  await using ourFunction = await start(ours);
  await using theirFunction = await start(theirs);
  let next = 0;
  const cancelsOf = async ({ invoke }: typeof ourFunction) => {
    const events = Array.from({ length: atOnce }, () => ({ jobId: `ftjob-${next++}` }));
    return (await invoke(events)).cpuMilliseconds / atOnce;
  };
  const cpu = await interleaved(rounds, {
    ours: () => cancelsOf(ourFunction),
    theirs: () => cancelsOf(theirFunction),
  });
  const { calls, cancelled } = await account.tally();
  const { events } = await aws.tally();
  const what = `a warm cancel in CPU time, ${cancels.toLocaleString('en')} of them`;
  return {
    rows: [
      atMost(
        1,
        `${what}; against the afternoon handler with the vendor's client`,
        cpu.ours,
        cpu.theirs,
        milliseconds,
      ),
      equal('jobs cancelled in those; against all there were', cancelled, jobs),
      equal('calls to OpenAI in those; against two each', calls, 2 * jobs),
      equal('events that ours published; against one each', events, jobs / 2),
    ],
  };
}
