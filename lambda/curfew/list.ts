import { StateError } from '../errors.ts';
import { isoOf } from './decision.ts';
import { isFinished, isInProgress, type Job } from './job.ts';
import type { JobRecord, JobTable } from './job-table.ts';
import { Listing } from './listing.ts';
import { mostProjectsRead, type Project, type Survey, surveyOf } from './projects.ts';
import { type Judgement, judge } from './time-budget.ts';
import type { TimeLeft } from './time-left.ts';

/** One unfinished job in the answer to a list. Times are ISO 8601. */
export interface ListedJob {
  project?: string;
  jobId: string;
  status: string;
  model: string | null;
  /** Whole minutes. */
  ageMinutes: number;
  /** Before any extension; null if the job is exempt. */
  timeBudgetMinutes: number | null;
  /** Null if it could not be read whether the job was extended. */
  budgetFrom: Judgement['budgetFrom'] | null;
  deadline: string | null;
  /** When the provider expects the job to finish. */
  estimatedFinish: string | null;
  overdue: boolean;
}

/** What a list came to. */
export interface JobList {
  survey: Survey;
  /** Soonest deadline first, then those without one, then those that are not in progress. */
  jobs: ListedJob[];
  /** Why it is not known of some jobs whether they were extended. */
  stateError: StateError | undefined;
}

/** What listing works with. */
export interface ListScene {
  table: JobTable;
  time: TimeLeft;
  /** The present, in Unix milliseconds. */
  nowMilliseconds: number;
}

interface ProjectJob {
  project: Project;
  job: Job;
}

/** What runs, and what will become of it: every unfinished job of all given projects. Reads only. */
export async function list(
  projects: Project[],
  { table, time, nowMilliseconds }: ListScene,
): Promise<JobList> {
  const found: ProjectJob[] = [];
  const read = async (project: Project): Promise<Listing> => {
    const listing = new Listing(project.api, 0, nowMilliseconds);
    for await (const page of listing.pages(time)) {
      for (const job of page) if (!isFinished(job.status)) found.push({ project, job });
    }
    return listing;
  };
  const survey = await surveyOf(projects, time, 0, read, mostProjectsRead);
  const withDeadline = found.filter(
    ({ project, job }) =>
      isInProgress(job.status) && judge(job, project.rules, nowMilliseconds).deadlineSeconds !== null,
  );
  const records = await table.read(
    withDeadline.map(({ job }) => job.id),
    time.stop,
  );
  const rows = found.map((one) => rowOf(one, records.get(one.job.id) ?? {}, nowMilliseconds));
  return {
    survey,
    jobs: rows.sort((a, b) => a.rank - b.rank || a.sortSeconds - b.sortSeconds).map(({ listed }) => listed),
    stateError: records.values().find((record) => record instanceof StateError),
  };
}

/** A job as it is listed, and what decides its place. */
function rowOf(
  { project, job }: ProjectJob,
  record: JobRecord | StateError,
  nowMilliseconds: number,
): { listed: ListedJob; rank: number; sortSeconds: number } {
  const isUnreadable = record instanceof StateError;
  const judgement = judge(
    job,
    project.rules,
    nowMilliseconds,
    isUnreadable ? undefined : record.extendedUntilSeconds,
  );
  const { deadlineSeconds, timeBudgetMinutes, budgetFrom, isOverdue } = judgement;
  const isRunning = isInProgress(job.status);
  const isKnown = isRunning && !isUnreadable;
  const listed: ListedJob = {
    ...(project.name !== undefined && { project: project.name }),
    jobId: job.id,
    status: job.status,
    model: job.model,
    ageMinutes: Math.floor(judgement.ageMinutes),
    timeBudgetMinutes,
    budgetFrom: isUnreadable ? null : budgetFrom,
    deadline: isKnown ? isoOf(deadlineSeconds) : null,
    estimatedFinish: isoOf(job.estimatedFinishSeconds),
    overdue: isKnown && isOverdue,
  };
  const rank = !isRunning ? 3 : deadlineSeconds === null ? 2 : isUnreadable ? 1 : 0;
  return { listed, rank, sortSeconds: deadlineSeconds ?? job.createdAtSeconds };
}
