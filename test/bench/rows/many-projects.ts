import type { SweepAnswer } from '../../../lambda/contract.ts';
import type { Bundles } from '../bundles.ts';
import { startDeployment } from '../deployment.ts';
import { failingProjects } from '../keys.ts';
import type { ProjectsTally } from '../programs/projects.ts';
import { atMost, checkCount, median, megabytes, seconds } from '../table.ts';

const projects = 1_000;
const healthy = projects - failingProjects;
const answerMs = 50;
/** One page each, forty at once: as many as the function went through when the goal was set, whatever it does now. */
const floorMs = (healthy / 40) * answerMs;
/** A project that hangs does so to the end: the less time there is, the less we wait for. */
const remainingMs = 20_000;
const rounds = 3;

/** A sweep of many projects, some of which fail; how long the healthy ones wait for their turn. */
export async function manyProjects({ ours }: Bundles): Promise<void> {
  await using deployment = await startDeployment(ours.file, { projects, answerMs, someFail: true });
  const { curfew, provider } = deployment;
  const durations: number[] = [];
  let peakBytes = 0;
  // The first round warms up.
  for (let round = 0; round <= rounds; round += 1) {
    const invoked = await curfew.invoke([{ sweep: {} }], remainingMs);
    const tally = await provider.ask<ProjectsTally>('tally');
    const [answer] = invoked.answers as [SweepAnswer];
    if (round > 0) durations.push(tally.lastAnswerAt - invoked.startedAt);
    checkCount('healthy projects that were reached', tally.projects, healthy);
    checkCount('healthy projects that were swept', answer.projects ?? 0, healthy);
    checkCount('projects that failed', answer.failedProjects?.length ?? 0, failingProjects);
    peakBytes = invoked.peakBytes;
  }
  atMost(
    1.5,
    `${projects.toLocaleString('en')} projects in one sweep, ${failingProjects} of them failing in different ways, until the last healthy one is swept (peak memory ${megabytes(peakBytes)} of 512); against ${healthy} ÷ 40 × ${answerMs} ms`,
    median(durations),
    floorMs,
    { unit: seconds },
  );
}
