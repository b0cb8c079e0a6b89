import { cancelIfInProgress } from './conditional-cancel.ts';
import { failed } from './decision.ts';
import { isFinished, type Job } from './job.ts';
import { Listing } from './listing.ts';
import type { Project } from './projects.ts';
import { type TalliedSurvey, type TallyScene, tallied } from './tally.ts';
import { judge } from './time-budget.ts';

/**
 * Cancels every job in progress, whatever its age, budget or extension, while later pages are still listed.
 *
 * @param dryRun whether to cancel nothing and only say what would be.
 * @param requestedBy who asked.
 * @returns what it came to; the failures of projects are in it.
 */
export function stopAll(
  projects: Project[],
  dryRun: boolean,
  requestedBy: string,
  scene: TallyScene,
): Promise<TalliedSurvey> {
  return tallied<Job>(projects, 0, scene, (project) => {
    const listing = new Listing(project.api, 0, scene.nowMilliseconds);
    return {
      listing,
      candidates: unfinishedJobs(listing, scene),
      decide: async (job) => ({
        job,
        project: project.name,
        judgement: judge(job, project.rules, scene.nowMilliseconds),
        reason: 'stop_all',
        requestedBy,
        ...(await cancelIfInProgress(project.api, job, dryRun).catch(failed)),
      }),
    };
  });
}

async function* unfinishedJobs(listing: Listing, { time }: TallyScene): AsyncGenerator<Job> {
  for await (const page of listing.pages(time)) {
    for (const job of page) if (!isFinished(job.status)) yield job;
  }
}
