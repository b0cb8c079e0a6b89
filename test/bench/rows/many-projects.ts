import type { SweepAnswer } from '../../../lambda/answers.ts';
import { projectsAtOnce } from '../../../lambda/curfew/projects.ts';
import type { Bundles } from '../bundles.ts';
import { atMost, equal, median, megabytes, seconds } from '../measure.ts';
import { startDeployment } from '../world/deployment.ts';
import { failingAmong } from '../world/failing-projects.ts';
import { projectNames } from '../world/project-keys.ts';

const projects = 1_000;
const failing = failingAmong(projectNames(projects)).size;
const healthy = projects - failing;
const answerMilliseconds = 50;
/** One page each. */
const floorMilliseconds = (healthy / projectsAtOnce) * answerMilliseconds;
/** A project that hangs does so to the end: the less time there is, the less we wait for. */
const remainingMilliseconds = 20_000;
const rounds = 3;

/** A sweep of many projects, some of which fail; how long the healthy ones wait for their turn. */
export async function manyProjects({ ours }: Bundles) {
  await using deployment = await startDeployment(ours, { projects, answerMilliseconds, someFail: true });
  const { curfew, provider, stack } = deployment;
  const durations: number[] = [];
  const swept: number[] = [];
  const failed: number[] = [];
  const reached: number[] = [];
  let peakBytes = 0;
  // The first round warms up.
  for (let round = 0; round <= rounds; round += 1) {
    const invoked = await curfew.invoke([{ sweep: {} }], remainingMilliseconds);
    const tally = await provider.tally();
    const [answer] = invoked.answers as [SweepAnswer];
    if (round > 0) durations.push(tally.lastAnswerAt - invoked.startedAt);
    swept.push(answer.projects ?? 0);
    failed.push(answer.failedProjects?.length ?? 0);
    reached.push(tally.projects);
    peakBytes = invoked.peakBytes;
  }
  const what = `1,000 projects in one sweep, ${failing} of them failing in different ways, until the last healthy one is swept`;
  return {
    rows: [
      atMost(
        1.3,
        `${what}; against ${healthy} ÷ ${projectsAtOnce} × ${answerMilliseconds} ms`,
        median(durations),
        floorMilliseconds,
        seconds,
      ),
      atMost(
        0.6,
        'peak memory of those; against what the function has',
        peakBytes,
        stack.memoryMegabytes * 1e6,
        megabytes,
      ),
      equal(
        'projects that those swept each; against the healthy ones',
        Math.min(...swept, ...reached),
        healthy,
      ),
      equal('projects that failed in each; against those that should', Math.min(...failed), failing),
    ],
  };
}
