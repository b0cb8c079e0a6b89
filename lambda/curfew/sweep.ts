import { namedError, StateError } from '../errors.ts';
import { cancelIfInProgress } from './conditional-cancel.ts';
import { type Decision, failed } from './decision.ts';
import { isFinished, isInProgress, type Job } from './job.ts';
import type { JobRecord, JobTable } from './job-table.ts';
import { Listing } from './listing.ts';
import type { Project, ProjectRules } from './projects.ts';
import { type TalliedSurvey, type TallyScene, tallied } from './tally.ts';
import { type Judgement, judge } from './time-budget.ts';
import { type Warning, warningFor, wasPublished } from './warning.ts';

/** What every part of a sweep works with. */
export interface SweepScene extends TallyScene {
  table: JobTable;
  requestedBy: string;
  /** How long before its deadline a job is warned about; 0 never warns. */
  warnBeforeMinutes: number;
}

/** Reads one project's jobs and decides on each of them, with what holds in that project. */
interface ProjectSweep extends SweepScene {
  project: Project;
  rules: ProjectRules;
  listing: Listing;
}

/** An unfinished job, judged with what is kept about it. */
interface JudgedJob {
  job: Job;
  judgement: Judgement;
  warning: Warning | undefined;
  record: JobRecord | StateError;
}

/** A job to decide on. What is kept about it may still be on its way. */
interface Candidate {
  judged: JudgedJob | Promise<JudgedJob>;
  isHeldBack: boolean;
}

/**
 * Cancels every job that is past its deadline, in all given projects side by side. One job's failure stops no other.
 *
 * @param projects the projects, with the rules that hold for this sweep.
 * @param startAt the position of the project to start at.
 * @returns what it came to; the failures of projects are in it.
 */
export function sweep(projects: Project[], startAt: number, scene: SweepScene): Promise<TalliedSurvey> {
  return tallied<Candidate>(projects, startAt, scene, (project) => {
    const { rules } = project;
    const listing = new Listing(project.api, rules.lookbackDays, scene.nowMilliseconds);
    const projectSweep = { ...scene, project, rules, listing };
    return {
      listing,
      candidates: candidates(projectSweep),
      decide: (candidate) => decide(candidate, projectSweep),
    };
  });
}

/**
 * Every unfinished job of a project. With a cancel limit, those whose deadline may be over come last: only when the
 * listing has ended is it known how many there are.
 */
async function* candidates(sweep: ProjectSweep): AsyncGenerator<Candidate> {
  const { rules, listing, time } = sweep;
  const doubtful: JudgedJob[] = [];
  for await (const page of listing.pages(time)) {
    const jobs = page.filter(({ status }) => !isFinished(status)).map((job) => judged(job, {}, sweep));
    for (const job of jobs) {
      if (!needsRecord(job)) yield { judged: job, isHeldBack: false };
    }
    doubtful.push(...jobs.filter(needsRecord));
    if (rules.cancelLimit !== 'none') continue;
    const found = doubtful.splice(0);
    // The next page does not wait for the table.
    const reading = withRecords(found, sweep);
    for (const [index, job] of found.entries()) {
      yield { judged: reading.then((all) => all[index] ?? job), isHeldBack: false };
    }
  }
  // Not before: an extension that is granted while pages are listed must hold.
  const found = await withRecords(doubtful, sweep);
  const isOverLimit = rules.cancelLimit !== 'none' && found.filter(isNewlyOverdue).length > rules.cancelLimit;
  for (const job of found) yield { judged: job, isHeldBack: isOverLimit && isNewlyOverdue(job) };
}

/** Judges a job with its record; one that cannot be read extends nothing. */
function judged(job: Job, record: JobRecord | StateError, sweep: ProjectSweep): JudgedJob {
  const { rules, nowMilliseconds, warnBeforeMinutes } = sweep;
  const extendedUntil = record instanceof StateError ? undefined : record.extendedUntilSeconds;
  const judgement = judge(job, rules, nowMilliseconds, extendedUntil);
  const warning = warningFor(job, judgement, { warnBeforeMinutes, dryRun: rules.dryRun }, nowMilliseconds);
  return { job, judgement, warning, record };
}

/** Whether a job's deadline is over or near, so it matters what is kept about it. */
function needsRecord({ job, judgement, warning }: JudgedJob): boolean {
  return isInProgress(job.status) && (judgement.isOverdue || warning !== undefined);
}

/** The same jobs, judged again with their records, which are read in one go. */
async function withRecords(jobs: JudgedJob[], sweep: ProjectSweep): Promise<JudgedJob[]> {
  const records = await sweep.table.read(
    jobs.map(({ job }) => job.id),
    sweep.time.stop,
  );
  return jobs.map(({ job }) => judged(job, records.get(job.id) ?? {}, sweep));
}

/** Whether a job counts for the cancel limit: one that is being cancelled already does not. */
function isNewlyOverdue({ judgement, record }: JudgedJob): boolean {
  if (!judgement.isOverdue) return false;
  return record instanceof StateError || record.cancellingSinceSeconds === undefined;
}

async function decide(candidate: Candidate, sweep: ProjectSweep): Promise<Decision> {
  const judgedJob = await candidate.judged;
  const { job, judgement } = judgedJob;
  return {
    job,
    judgement,
    project: sweep.project.name,
    reason: 'time_budget',
    requestedBy: sweep.requestedBy,
    ...(await fateOf(judgedJob, candidate.isHeldBack, sweep)),
  };
}

type Fate = Pick<Decision, 'outcome' | 'finalStatus'> & Partial<Decision>;

async function fateOf(judgedJob: JudgedJob, isHeldBack: boolean, sweep: ProjectSweep): Promise<Fate> {
  const { job, judgement, record } = judgedJob;
  if (!isInProgress(job.status)) return { outcome: 'not_cancellable', finalStatus: null };
  if (!judgement.isOverdue) return goesOn(judgedJob, sweep);
  // A cancel cannot be taken back, and the job may have been extended. The next sweep is minutes away.
  if (record instanceof StateError) return failed(record);
  if (isHeldBack) return { outcome: 'held_back', finalStatus: null };
  const { project, rules } = sweep;
  const ending: Fate = await cancelIfInProgress(project.api, job, rules.dryRun).catch(failed);
  const { cancellingSinceSeconds } = record;
  if (cancellingSinceSeconds !== undefined) return { ...ending, cancellingSinceSeconds };
  return ending.outcome === 'cancelling' ? { ...ending, ...(await notedCancelling(job, sweep)) } : ending;
}

/** A job that is not overdue, with a warning if one is due and was not published before. */
async function goesOn({ job, judgement, warning, record }: JudgedJob, sweep: ProjectSweep): Promise<Fate> {
  const fate: Fate = {
    outcome: judgement.timeBudgetMinutes === null ? 'exempt' : 'within_budget',
    finalStatus: null,
  };
  if (record instanceof StateError) return { ...fate, error: namedError(record) };
  if (warning === undefined || wasPublished(warning, record)) return fate;
  try {
    const isFirst = await sweep.table.markWarned(job.id, warning.deadlineSeconds, sweep.time.stop);
    return isFirst ? { ...fate, warning } : fate;
  } catch (error) {
    return { ...fate, error: namedError(error) };
  }
}

/** Notes that a job is being cancelled, so it is published once. If it cannot be noted, it is published again. */
async function notedCancelling(job: Job, sweep: ProjectSweep): Promise<Partial<Decision>> {
  const nowSeconds = Math.floor(sweep.nowMilliseconds / 1000);
  try {
    const isFirst = await sweep.table.markCancelling(job.id, nowSeconds, sweep.time.stop);
    return isFirst ? { notedCancellingSeconds: nowSeconds } : { cancellingSinceSeconds: nowSeconds };
  } catch (error) {
    return { error: namedError(error) };
  }
}
