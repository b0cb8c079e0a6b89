import type {
  JobEntry,
  ListAnswer,
  ListedJob,
  Outcome,
  ProjectsPart,
  StopAllAnswer,
  SweepAnswer,
} from '../contract.ts';
import { IncompleteError, type NamedError, OpenAIError, toError, toNamedError, withMessage } from '../errors.ts';
import { type Decision, toCancelAnswer } from './cancel.ts';
import type { Project } from './context.ts';
import { cancelProgress, isInProgress, type Judgement, type Rules } from './deadline.ts';
import type { Job, JobRow, UnreadableEntry } from './job.ts';
import type { Listing } from './listing.ts';

export interface ProjectFailure {
  project: Project;
  error: Error;
}

/** The smallest of AWS's payload limits is 256 KiB. The rest is for counts and failed projects. */
const maxJobsBytes = 190_000;
const maxJobs = 500;
const maxFailedProjects = 100;
const maxNamedJobs = 5;
/** In characters. A message about a job may quote an ARN of 110. */
const maxErrorMessage = { job: 300, project: 160 };

/** The running totals of a sweep, stop-all or list: counted job by job, project by project. */
export class Tally {
  readonly projects: Project[];
  inspected = 0;
  inProgress = 0;
  /** Jobs that were left alone because of their status. */
  readonly others: Job[] = [];
  /** Jobs that were due to be cancelled. */
  readonly jobs: JobEntry[] = [];
  /** Jobs whose first accepted cancel is from this run. */
  newlyCancelled = 0;
  stuckCancelling = 0;
  oldestAgeMinutes = 0;
  /** Projects that were listed in part when time ran out. */
  readonly cutShort: ProjectFailure[] = [];
  readonly unreadable: { project: Project; entry: UnreadableEntry }[] = [];
  /** How many projects were listed completely. */
  projectsRead = 0;
  isOutOfTime = false;
  readonly #failures = new Map<Project, Error>();

  constructor(projects: Project[]) {
    this.projects = projects;
  }

  /** Counts a listed job. */
  addFound(job: Job, { ageMinutes }: Judgement, row: JobRow, now: number): void {
    if (job.phase === 'other') this.others.push(job);
    if (!isInProgress(job)) return;
    this.inProgress += 1;
    this.oldestAgeMinutes = Math.max(this.oldestAgeMinutes, ageMinutes ?? 0);
    if (cancelProgress(row, now) === 'stuck') this.stuckCancelling += 1;
  }

  /** Counts the decision about a job that was due. One that turned out not to be due does not count as overdue. */
  addDecision(decision: Decision): void {
    const { job, outcome } = decision;
    if (outcome === 'within_budget' || outcome === 'exempt') return;
    if (outcome === 'not_cancellable') {
      this.inProgress -= 1;
      this.others.push(job);
      return;
    }
    if (decision.isCancelledNow && !decision.wasPublished) this.newlyCancelled += 1;
    this.jobs.push(toJobEntry(decision));
  }

  /** Counts a project, and whether it was listed completely. */
  addListing({ project, inspected, unreadable, error, cutShortBy, hasFirstPage }: Listing): void {
    this.inspected += inspected;
    this.unreadable.push(...unreadable.map((entry) => ({ project, entry })));
    if (error) this.addFailure(project, error);
    else if (cutShortBy === undefined) this.projectsRead += 1;
    else {
      this.isOutOfTime = true;
      const when = hasFirstPage ? 'all jobs were listed' : 'the first page of jobs came';
      const late = new OpenAIError(`Time ran out before ${when}. ${cutShortBy.message}`);
      if (hasFirstPage) this.cutShort.push({ project, error: late });
      else this.addFailure(project, late);
    }
  }

  addFailure(project: Project, thrown: unknown): void {
    this.#failures.set(project, toError(thrown));
  }

  /** Projects that could not be read, in configured order. */
  get failures(): ProjectFailure[] {
    return this.projects.flatMap((project) => {
      const error = this.#failures.get(project);
      return error ? [{ project, error }] : [];
    });
  }

  /** The deployment has `projects`, so answers and log lines mention them. */
  get isNamed(): boolean {
    return this.projects.some(({ name }) => name !== undefined);
  }

  get counts() {
    const count = (...outcomes: Outcome[]) => this.jobs.filter(({ outcome }) => outcomes.includes(outcome)).length;
    return {
      inspected: this.inspected,
      inProgress: this.inProgress,
      overdue: this.jobs.length,
      notCancellable: this.others.length,
      cancelled: count('cancelled', 'cancelling'),
      alreadyFinished: count('already_finished'),
      wouldCancel: count('would_cancel'),
      heldBack: count('held_back'),
      failed: count('failed'),
    };
  }

  /** All projects were listed completely, in time, and every job could be judged. */
  get isComplete(): boolean {
    return !this.isOutOfTime && this.failures.length === 0 && this.unreadable.length === 0;
  }
}

function toJobEntry(decision: Decision): JobEntry {
  const { judgement, error } = decision;
  return {
    ...toCancelAnswer(decision),
    ageMinutes: judgement.ageMinutes === null ? null : Math.floor(judgement.ageMinutes),
    timeBudgetMinutes: judgement.timeBudgetMinutes,
    ...(error && { error: shorten(error, maxErrorMessage.job) }),
  };
}

/** Returns the answer to a sweep. A rule in which projects differ is null. */
export function sweepAnswer(tally: Tally): SweepAnswer {
  const rules = tally.projects.map((project) => project.rules);
  return {
    complete: tally.isComplete,
    dryRun: commonValue(rules, 'dryRun'),
    timeBudgetMinutes: commonValue(rules, 'timeBudgetMinutes'),
    lookbackDays: commonValue(rules, 'lookbackDays'),
    cancelLimit: commonValue(rules, 'cancelLimit'),
    ...tally.counts,
    ...limitJobs(tally.jobs),
    ...projectsPart(tally),
  };
}

export function stopAllAnswer(tally: Tally, dryRun: boolean): StopAllAnswer {
  const { overdue: _, heldBack: __, ...counts } = tally.counts;
  return {
    complete: tally.isComplete && counts.failed === 0,
    dryRun,
    ...counts,
    ...limitJobs(tally.jobs),
    ...projectsPart(tally),
  };
}

export function listAnswer(tally: Tally, jobs: ListedJob[], isComplete: boolean): ListAnswer {
  return { complete: isComplete, ...limitJobs(jobs), ...projectsPart(tally) };
}

/** Throws the first failure, with its project's name, if no project could be read at all. */
export function throwIfAllFailed({ failures, projects }: Tally): void {
  const [first] = failures;
  if (first && failures.length === projects.length) throw nameProject(first.project, first.error);
}

/** Returns the error for a partial sweep or stop-all: what was done, what was not, and why. */
export function incompleteError(what: 'sweep' | 'stopAll', tally: Tally): IncompleteError {
  const { failures, cutShort, unreadable, jobs, isOutOfTime } = tally;
  const { cancelled, failed, overdue, inProgress } = tally.counts;
  const failedIds = jobs.filter(({ outcome }) => outcome === 'failed').map(({ jobId }) => jobId);
  const ids = failedIds.slice(0, maxNamedJobs).join(', ') + (failed > maxNamedJobs ? ', …' : '');
  const reasons = [
    ...(failed > 0 ? [`${failed} could not be cancelled (${ids})`] : []),
    ...describeFailures('could not be listed', failures),
    ...describeFailures('could be listed only in part', cutShort),
    ...(isOutOfTime ? ['time ran out'] : []),
    ...(unreadable.length > 0 ? [`${unreadable.length} could not be judged`] : []),
  ];
  const done =
    what === 'sweep'
      ? `The sweep cancelled ${cancelled} of ${overdue} overdue jobs`
      : `The stop-all cancelled ${cancelled} of ${inProgress} jobs in progress`;
  return new IncompleteError(`${done}: ${reasons.join('; ')}. Send the request again: that is safe and does the rest.`);
}

function describeFailures(what: string, failures: ProjectFailure[]): string[] {
  const [first] = failures;
  if (first === undefined) return [];
  const { message } = nameProject(first.project, first.error);
  return [`${failures.length === 1 ? '1 project' : `${failures.length} projects`} ${what} (${message})`];
}

/** Returns the error with the name of its project in the message. */
export function nameProject({ name }: Project, error: Error): Error {
  return name === undefined ? error : withMessage(error, `Project "${name}": ${error.message}`);
}

function commonValue<Key extends keyof Rules>(rules: Rules[], key: Key): Rules[Key] | null {
  const [first, ...others] = rules.map((rule) => rule[key]);
  return first !== undefined && others.every((other) => other === first) ? first : null;
}

/** Keeps as many entries as an answer may hold. */
function limitJobs<Entry>(entries: Entry[]): { jobs: Entry[]; jobsOmitted: number } {
  let bytes = 0;
  const end = entries.findIndex((entry, index) => {
    bytes += Buffer.byteLength(JSON.stringify(entry)) + 1;
    return index === maxJobs || bytes > maxJobsBytes;
  });
  const jobs = end === -1 ? entries : entries.slice(0, end);
  return { jobs, jobsOmitted: entries.length - jobs.length };
}

function projectsPart({ failures, projectsRead, isNamed }: Tally): ProjectsPart {
  if (!isNamed) return {};
  const failedProjects = failures.flatMap(({ project: { name }, error }) =>
    name === undefined ? [] : [{ project: name, error: shorten(toNamedError(error), maxErrorMessage.project) }],
  );
  return {
    projects: projectsRead,
    failedProjects: failedProjects.slice(0, maxFailedProjects),
    failedProjectsOmitted: Math.max(0, failedProjects.length - maxFailedProjects),
  };
}

/** Shortens the message of an error that is one of many. */
function shorten({ name, message }: NamedError, maxLength: number): NamedError {
  return { name, message: message.slice(0, maxLength) };
}
