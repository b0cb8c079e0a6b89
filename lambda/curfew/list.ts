import pMap from 'p-map';
import type { ListAnswer, ListedJob } from '../contract.ts';
import { inProject } from './cancel.ts';
import type { Context, Project } from './context.ts';
import { isActive, type JudgedJob, loadAndJudge, toIso } from './deadline.ts';
import { listJobs } from './listing.ts';
import { listAnswer, Tally, throwIfAllFailed } from './tally.ts';

/** Each project takes one call at a time, and Lambda allows 1,024 open files. */
const maxConcurrentListings = 800;

export interface ListResult {
  answer: ListAnswer;
  tally: Tally;
  /** Why the deadlines of some jobs are unknown. */
  readError: Error | undefined;
}

/**
 * Lists every unfinished job of the projects with its deadline. Read-only.
 *
 * @throws the error of the first project, if no project could be read.
 */
export async function list(projects: Project[], context: Context): Promise<ListResult> {
  const tally = new Tally(projects);
  const listings = await pMap(
    projects,
    (project) => listJobs(project, { lookbackDays: 0, withBudgets: true }, context),
    { concurrency: maxConcurrentListings },
  );
  for (const listing of listings) tally.addListing(listing);
  throwIfAllFailed(tally);

  const judgedJobs = await Promise.all(
    listings.flatMap(({ project, unfinished }) => unfinished.map((job) => loadAndJudge(project, job, true, context))),
  );
  const jobs = judgedJobs
    .map((judged) => toListedJob(judged, context.now))
    .sort((a, b) => a.rank - b.rank || a.order - b.order)
    .map(({ listed }) => listed);
  const readError = judgedJobs.find((judged) => judged.readError)?.readError;
  const isComplete = tally.isComplete && readError === undefined;
  return { answer: listAnswer(tally, jobs, isComplete), tally, readError };
}

/** Returns a list entry and its sort keys: first by deadline, then jobs without one, then jobs that are not active. */
function toListedJob({ project, job, judgement, readError }: JudgedJob, now: number) {
  const isReadable = !readError && !job.metadataError;
  const { budgetFrom, countsFrom, unreadableBudget } = judgement;
  const deadline = isReadable && isActive(job) ? judgement.deadline : null;
  const listed: ListedJob = {
    ...inProject(project),
    jobId: job.id,
    status: job.status,
    model: job.model,
    ageMinutes: Math.floor(judgement.ageMinutes ?? 0),
    timeBudgetMinutes: judgement.timeBudgetMinutes,
    budgetFrom: isReadable || budgetFrom === 'exempt' ? budgetFrom : null,
    countsFrom: isReadable ? toIso(countsFrom) : null,
    deadline: toIso(deadline),
    estimatedFinish: toIso(job.estimatedFinish),
    overdue: deadline !== null && judgement.isOverdue,
    ...(unreadableBudget !== undefined && { unreadableBudget }),
  };
  const rank = isActive(job) ? (deadline === null ? 1 : 0) : 2;
  return { listed, rank, order: deadline ?? job.createdAt ?? now };
}
