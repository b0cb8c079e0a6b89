/** Types for callers: what to send, and what comes back. */

import type { NamedError } from './errors.ts';

export type { ErrorName, NamedError } from './errors.ts';

/** Any request may say who asks and why, as in `alice, INC-1234`: 1 to 100 characters. Not verified. */
interface Attributed {
  requestedBy?: string;
}
interface InProject {
  /** The name of one project. @default all projects */
  project?: string;
}
interface DryRun {
  /** Reports what would be cancelled, but cancels nothing. */
  dryRun?: boolean;
}

/** Cancels one job if it is still waiting or running: `{"jobId": "ftjob-…"}`. */
export interface CancelRequest extends Attributed, DryRun, InProject {
  jobId: string;
}
/** Cancels every job past its deadline: `{"sweep": {}}`. Each field replaces the setting of that name. */
export interface SweepRequest extends Attributed {
  sweep: InProject & {
    /** A job's own budget still comes first. 0 is allowed. */
    timeBudgetMinutes?: number;
    /** False ends the dry run of a project named by `project`, or of a deployment without `projects`. */
    dryRun?: boolean;
    /** 0 inspects every job. */
    lookbackDays?: number;
    cancelLimit?: number | 'none';
  };
}
/** Cancels every job that is waiting or running, whatever its age, budget or extension: `{"stopAll": {}}`. */
export interface StopAllRequest extends Attributed {
  stopAll: DryRun & InProject;
}
/** Lists unfinished jobs with their deadlines: `{"list": {}}`. */
export interface ListRequest extends Attributed {
  list: InProject;
}
/** Gives one job more time: `{"extend": {"jobId": "ftjob-…", "minutes": 120}}`. */
export interface ExtendRequest extends Attributed {
  extend: InProject & {
    jobId: string;
    /** From now: a whole number, 1 to 43,200. A deadline never moves closer. */
    minutes: number;
  };
}
export type CurfewRequest = CancelRequest | SweepRequest | StopAllRequest | ListRequest | ExtendRequest;

/** What became of a job. The last two appear only in the log. */
export type Outcome =
  | 'cancelled'
  | 'cancelling'
  | 'already_finished'
  | 'would_cancel'
  | 'not_cancellable'
  | 'held_back'
  | 'failed'
  | 'within_budget'
  | 'exempt';

export interface CancelAnswer {
  project?: string;
  jobId: string;
  outcome: Outcome;
  /** The status when the job was first read. */
  initialStatus: string;
  /** The status after a cancel was sent, null if none was. */
  finalStatus: string | null;
}

/** One job in the answer to a sweep or a stop-all. */
export interface JobEntry extends CancelAnswer {
  /** Whole minutes since its creation; null if the provider does not report that. */
  ageMinutes: number | null;
  /** Null if the job is exempt. */
  timeBudgetMinutes: number | null;
  error?: NamedError;
}

/** Extra fields in a deployment with `projects`. */
export interface ProjectsPart {
  /** How many projects were listed completely. */
  projects?: number;
  /** 100 at most. */
  failedProjects?: { project: string; error: NamedError }[];
  failedProjectsOmitted?: number;
}

/** The counts that sweeps and stop-alls share. */
export interface Counts {
  inspected: number;
  inProgress: number;
  notCancellable: number;
  /** Includes those still `cancelling`. */
  cancelled: number;
  alreadyFinished: number;
  wouldCancel: number;
  failed: number;
}

interface Jobs<Entry> {
  /** 500 at most. */
  jobs: Entry[];
  jobsOmitted: number;
}

/** A setting is null if projects differ in it. */
export interface SweepAnswer extends Counts, Jobs<JobEntry>, ProjectsPart {
  /** False if time ran out, a project failed, or a job could not be judged. */
  complete: boolean;
  dryRun: boolean | null;
  timeBudgetMinutes: number | null;
  lookbackDays: number | null;
  cancelLimit: number | 'none' | null;
  overdue: number;
  heldBack: number;
}

export interface StopAllAnswer extends Counts, Jobs<JobEntry>, ProjectsPart {
  complete: boolean;
  dryRun: boolean;
}

/** Soonest deadline first. */
export interface ListAnswer extends Jobs<ListedJob>, ProjectsPart {
  complete: boolean;
}

/** Where a deadline comes from. */
export type BudgetFrom = 'metadata' | 'project' | 'default' | 'extension' | 'exempt';

/** One unfinished job in the answer to a list. Times are ISO 8601. */
export interface ListedJob {
  project?: string;
  jobId: string;
  status: string;
  model: string | null;
  ageMinutes: number;
  /** Before any extension; null if the job is exempt. */
  timeBudgetMinutes: number | null;
  /** Null if the job's row or tags could not be read. */
  budgetFrom: BudgetFrom | null;
  /** When the budget started to count; null if the job's row could not be read. */
  countsFrom: string | null;
  deadline: string | null;
  /** When the provider expects the job to finish. */
  estimatedFinish: string | null;
  overdue: boolean;
  /** A budget in the job's metadata that could not be read, so another one applies. */
  unreadableBudget?: string;
}

/** Deadlines are ISO 8601; null if the job has none, or can no longer be extended. */
export interface ExtendAnswer {
  project?: string;
  jobId: string;
  status: string;
  previousDeadline: string | null;
  deadline: string | null;
}

export type CurfewAnswer = CancelAnswer | SweepAnswer | StopAllAnswer | ListAnswer | ExtendAnswer;

/** The result of one record in an envelope. */
export type RecordAnswer<Answer = CurfewAnswer> = { messageId: string } & ({ result: Answer } | { error: NamedError });

/** The answer to SQS: the messages to redeliver, and the result of each. */
export interface QueueAnswer<Answer = CurfewAnswer> {
  batchItemFailures: { itemIdentifier: string }[];
  results: RecordAnswer<Answer>[];
}

/** The answer to SNS. */
export interface TopicAnswer<Answer = CurfewAnswer> {
  results: RecordAnswer<Answer>[];
}
