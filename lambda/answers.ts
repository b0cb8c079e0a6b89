import { type JobEntry, shortened } from './curfew/decision.ts';
import type { JobList, ListedJob } from './curfew/list.ts';
import {
  isOutOfTime,
  namingProject,
  type ProjectFailure,
  type ProjectRules,
  type Survey,
} from './curfew/projects.ts';
import { mostJobsListed, type TalliedSurvey, type Tally } from './curfew/tally.ts';
import { IncompleteError, type NamedError } from './errors.ts';

/** What an answer adds about projects, in a deployment that has several. */
export interface ProjectsPart {
  /** How many were looked at to the end. */
  projects?: number;
  /** 100 at most. */
  failedProjects?: { project: string; error: NamedError }[];
  failedProjectsOmitted?: number;
}

/** The answer to a sweep. What is `null` did not hold in all projects alike. */
export interface SweepAnswer extends ProjectsPart {
  /** False if time ran out, a job could not be judged, or a project failed. */
  complete: boolean;
  dryRun: boolean | null;
  timeBudgetMinutes: number | null;
  lookbackDays: number | null;
  cancelLimit: number | 'none' | null;
  inspected: number;
  inProgress: number;
  overdue: number;
  notCancellable: number;
  cancelled: number;
  alreadyFinished: number;
  wouldCancel: number;
  heldBack: number;
  failed: number;
  /** The overdue ones, 500 at most. */
  jobs: JobEntry[];
  jobsOmitted: number;
}

/** The answer to a stop-all. */
export interface StopAllAnswer extends ProjectsPart {
  complete: boolean;
  dryRun: boolean;
  inspected: number;
  inProgress: number;
  notCancellable: number;
  cancelled: number;
  alreadyFinished: number;
  wouldCancel: number;
  failed: number;
  /** Those in progress, 500 at most. */
  jobs: JobEntry[];
  jobsOmitted: number;
}

/** The answer to a list. */
export interface ListAnswer extends ProjectsPart {
  complete: boolean;
  /** Soonest deadline first, 500 at most. */
  jobs: ListedJob[];
  jobsOmitted: number;
}

const mostProjectsListed = 100;

/** @param rules what held in each project that was to be swept. */
export function sweepAnswerOf({ survey, tally }: TalliedSurvey, rules: ProjectRules[]): SweepAnswer {
  const { counts, inspected, jobs, jobsOmitted } = tally;
  return {
    complete: survey.isComplete,
    dryRun: heldInAll(rules, 'dryRun'),
    timeBudgetMinutes: heldInAll(rules, 'timeBudgetMinutes'),
    lookbackDays: heldInAll(rules, 'lookbackDays'),
    cancelLimit: heldInAll(rules, 'cancelLimit'),
    inspected,
    ...counts,
    jobs,
    jobsOmitted,
    ...projectsPartOf(survey),
  };
}

export function stopAllAnswerOf({ survey, tally }: TalliedSurvey, dryRun: boolean): StopAllAnswer {
  const { inspected, jobs, jobsOmitted } = tally;
  const { inProgress, notCancellable, cancelled, alreadyFinished, wouldCancel, failed } = tally.counts;
  return {
    complete: survey.isComplete && failed === 0,
    dryRun,
    inspected,
    inProgress,
    notCancellable,
    cancelled,
    alreadyFinished,
    wouldCancel,
    failed,
    jobs,
    jobsOmitted,
    ...projectsPartOf(survey),
  };
}

export function listAnswerOf({ survey, jobs, stateError }: JobList): ListAnswer {
  return {
    complete: survey.isComplete && stateError === undefined,
    jobs: jobs.slice(0, mostJobsListed),
    jobsOmitted: Math.max(0, jobs.length - mostJobsListed),
    ...projectsPartOf(survey),
  };
}

/** The error of work that was done in part: counts, the first ids, and why. */
export function incompleteError(
  what: 'sweep' | 'stopAll',
  { survey, tally }: TalliedSurvey,
): IncompleteError {
  const { inProgress, overdue, cancelled, failed } = tally.counts;
  const late = [...survey.cutShort, ...survey.failures.filter(isOutOfTime)];
  const broken = survey.failures.filter((failure) => !isOutOfTime(failure));
  const reasons = [
    ...(failed > 0 ? [`${failed} could not be cancelled (${someIdsIn(tally)})`] : []),
    ...inProjects('listing failed', broken),
    ...inProjects('time ran out', late),
    ...(survey.isOutOfTime && late.length === 0 ? ['time ran out'] : []),
    ...(survey.odd.length > 0 ? [`${survey.odd.length} could not be judged`] : []),
  ];
  const done =
    what === 'sweep'
      ? `The sweep cancelled ${cancelled} of ${overdue} overdue jobs`
      : `Stopping everything cancelled ${cancelled} of ${inProgress} jobs in progress`;
  return new IncompleteError(
    `${done}: ${reasons.join('; ')}. Send the request again: that is safe and finishes the rest.`,
  );
}

function someIdsIn({ firstFailed, counts }: Tally): string {
  return [...firstFailed, ...(counts.failed > firstFailed.length ? ['…'] : [])].join(', ');
}

/** `listing failed in 2 projects (Project "a": …)`, nothing if there are none. */
function inProjects(what: string, failures: ProjectFailure[]): string[] {
  const [first, ...others] = failures;
  if (first === undefined) return [];
  const projects = others.length === 0 ? '1 project' : `${failures.length} projects`;
  return [`${what} in ${projects} (${namingProject(first).message})`];
}

/** The value that held in all projects, null if there is no such value. */
function heldInAll<Key extends keyof ProjectRules>(
  rules: ProjectRules[],
  key: Key,
): ProjectRules[Key] | null {
  const [first, ...others] = rules.map((rule) => rule[key]);
  return first !== undefined && others.every((other) => other === first) ? first : null;
}

function projectsPartOf({ isNamed, lookedAt, failures }: Survey): ProjectsPart {
  if (!isNamed) return {};
  const failedProjects = failures.flatMap(({ project: { name }, error }) =>
    name === undefined ? [] : [{ project: name, error: shortened(error) }],
  );
  return {
    projects: lookedAt,
    failedProjects: failedProjects.slice(0, mostProjectsListed),
    failedProjectsOmitted: Math.max(0, failedProjects.length - mostProjectsListed),
  };
}
