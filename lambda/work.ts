import {
  incompleteError,
  type ListAnswer,
  listAnswerOf,
  type StopAllAnswer,
  type SweepAnswer,
  stopAllAnswerOf,
  sweepAnswerOf,
} from './answers.ts';
import type { Reporter } from './aws/report.ts';
import { cancelIfInProgress } from './curfew/conditional-cancel.ts';
import { type CancelAnswer, cancelAnswerOf, type Decision } from './curfew/decision.ts';
import { type ExtendAnswer, extend } from './curfew/extend.ts';
import type { JobTable } from './curfew/job-table.ts';
import { list } from './curfew/list.ts';
import {
  findJob,
  isOutOfTime,
  namingProject,
  type Project,
  type ProjectRules,
  type Survey,
} from './curfew/projects.ts';
import { stopAll } from './curfew/stop-all.ts';
import { sweep } from './curfew/sweep.ts';
import { judge } from './curfew/time-budget.ts';
import type { TimeLeft } from './curfew/time-left.ts';
import type { CancelRequest, ExtendRequest, StopAllRequest, SweepRequest } from './request.ts';

/** What a request is carried out with. */
export interface Work {
  /** Those that the request is about. */
  projects: Project[];
  requestedBy: string;
  table: JobTable;
  time: TimeLeft;
  reporter: Reporter;
  /** How long before its deadline a job is warned about; 0 never warns. */
  warnBeforeMinutes: number;
  /** Whether an incomplete sweep is an error, because nobody reads its answer. */
  mustBeComplete: boolean;
}

/** Cancels one job if it is still in progress. */
export async function cancelJob({ jobId, dryRun = false }: CancelRequest, work: Work): Promise<CancelAnswer> {
  const { project, job } = await findJob(work.projects, jobId);
  const decision: Decision = {
    job,
    project: project.name,
    judgement: judge(job, project.rules, Date.now()),
    reason: 'requested',
    requestedBy: work.requestedBy,
    ...(await cancelIfInProgress(project.api, job, dryRun)),
  };
  work.reporter.decided(decision);
  work.reporter.answered(decision);
  return cancelAnswerOf(decision);
}

/**
 * Cancels every job past its deadline.
 *
 * @param startAt the position of the project to start at.
 * @param begun is told the position of the project that was begun last, even if the sweep then fails.
 */
export async function sweepJobs(
  { sweep: given }: SweepRequest,
  work: Work,
  startAt = 0,
  begun: (position: number) => void = () => {},
): Promise<SweepAnswer> {
  const startedAt = performance.now();
  const projects = work.projects.map((project) => ({ ...project, rules: rulesFor(project, given) }));
  // A sweep that only tries something out is no reason to warn anybody.
  const warns = given.timeBudgetMinutes === undefined && given.dryRun !== true;
  const swept = await sweep(projects, startAt, {
    ...sceneOf(work),
    table: work.table,
    requestedBy: work.requestedBy,
    warnBeforeMinutes: warns ? work.warnBeforeMinutes : 0,
  });
  begun(swept.survey.lastBegun);
  const answer = sweepAnswerOf(
    swept,
    projects.map(({ rules }) => rules),
  );
  work.reporter.swept(swept, {
    requestedBy: work.requestedBy,
    dryRun: answer.dryRun,
    durationMilliseconds: performance.now() - startedAt,
  });
  // Without `projects` an incomplete answer says as much as the error would.
  throwIfNoneCouldBeRead(swept.survey, projects, !swept.survey.isNamed);
  if (work.mustBeComplete && (answer.failed > 0 || !answer.complete)) throw incompleteError('sweep', swept);
  return answer;
}

/** Cancels every job in progress: all of them, or it throws IncompleteError. */
export async function stopAllJobs(
  { stopAll: { dryRun = false } }: StopAllRequest,
  work: Work,
): Promise<StopAllAnswer> {
  const stopped = await stopAll(work.projects, dryRun, work.requestedBy, sceneOf(work));
  work.reporter.stopped(stopped, { requestedBy: work.requestedBy, dryRun });
  const answer = stopAllAnswerOf(stopped, dryRun);
  if (!answer.complete && !dryRun) throw incompleteError('stopAll', stopped);
  // A dry run answers all the same, but a key that is refused must not look like an account without jobs.
  reportUnnamed(stopped.survey, work);
  return answer;
}

/** Says what runs, and what will become of it, as far as it could be read. */
export async function listJobs(work: Work): Promise<ListAnswer> {
  const { projects, table, time, reporter, requestedBy } = work;
  const listed = await list(projects, { table, time, nowMilliseconds: Date.now() });
  const answer = listAnswerOf(listed);
  reporter.listed(listed, { requestedBy, complete: answer.complete });
  if (listed.jobs.length === 0) throwIfNoneCouldBeRead(listed.survey, projects, true);
  reportUnnamed(listed.survey, work);
  return answer;
}

/** Lets one job run on. */
export async function extendJob(
  { extend: { jobId, minutes } }: ExtendRequest,
  work: Work,
): Promise<ExtendAnswer> {
  const { projects, table, time, requestedBy, reporter } = work;
  const found = await findJob(projects, jobId);
  const answer = await extend(found, minutes, { table, time, requestedBy, nowMilliseconds: Date.now() });
  reporter.extended(answer, { minutes, requestedBy });
  return answer;
}

function sceneOf({ time, reporter }: Work) {
  return { time, report: reporter.decided, nowMilliseconds: Date.now() };
}

/** What the request says stands in for the settings of every project. */
function rulesFor({ name, rules }: Project, given: SweepRequest['sweep']): ProjectRules {
  const { timeBudgetMinutes, lookbackDays, cancelLimit, dryRun, project } = given;
  // To arm what was set to dry run takes the project's name, if it has one.
  const isDryRun = dryRun === false && name !== undefined && project === undefined ? rules.dryRun : dryRun;
  return {
    ...rules,
    ...(timeBudgetMinutes !== undefined && { timeBudgetMinutes }),
    ...(lookbackDays !== undefined && { lookbackDays }),
    ...(cancelLimit !== undefined && { cancelLimit }),
    ...(isDryRun !== undefined && { dryRun: isDryRun }),
  };
}

/** Reports the failure of a project without a name, of which an answer cannot tell. That time ran out, it can. */
function reportUnnamed({ failures }: Survey, { reporter, requestedBy }: Work): void {
  for (const failure of failures) {
    const isTold = failure.project.name !== undefined || isOutOfTime(failure);
    if (!isTold) reporter.failed(failure.error, requestedBy);
  }
}

/** The error of the first project, if not one could be read. If an answer in part will do, running out of time is none. */
function throwIfNoneCouldBeRead({ failures }: Survey, projects: Project[], partWillDo: boolean): void {
  const [first] = failures;
  if (first === undefined || failures.length < projects.length) return;
  if (partWillDo && isOutOfTime(first)) return;
  throw namingProject(first);
}
