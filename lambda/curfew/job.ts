/** Jobs, and the ports through which the rules reach providers and the table. */

/** In Unix seconds. Times before 2015 or after the year 5138 are invalid: some gateways send 0 or milliseconds. */
export const earliestTime = 1_420_070_400;
export const latestTime = 100_000_000_000;

/** The shape of a job id. Nothing else reaches a URL. */
export const jobIdPattern = /^[A-Za-z0-9][\w.:-]{0,127}$/;
/** The ARN of one of Bedrock's model customization jobs, with its region. */
export const customizationArnPattern =
  /^arn:aws[\w-]*:bedrock:([a-z0-9-]{1,40}):\d{12}:model-customization-job\/[\w.:-]{1,200}\/[A-Za-z0-9]{12}$/;

/**
 * The state of a job, whatever its provider calls it. Only waiting and running jobs may be cancelled. `other` jobs are
 * left alone: they are paused, or their status is unknown.
 */
export const phases = ['waiting', 'running', 'cancelling', 'finished', 'other'] as const;
export type Phase = (typeof phases)[number];

/** Times are Unix seconds. Whatever the provider leaves out is null. */
export interface Job {
  id: string;
  /** As the provider reports it. */
  status: string;
  phase: Phase;
  /** The job ended because it was cancelled. */
  wasCancelled: boolean;
  /** The status is one that its provider documents. */
  isKnownStatus: boolean;
  createdAt: number | null;
  /** When training started; few providers report it. */
  startedAt: number | null;
  estimatedFinish: number | null;
  model: string | null;
  metadata: Record<string, string>;
  /** Some metadata was left out, because it was not text or was too long. */
  hasInvalidMetadata: boolean;
  /** Why the metadata could not be read. The job may then have a budget of its own. */
  metadataError?: Error;
}

/** A list entry that cannot be judged. */
export interface UnreadableEntry {
  /** Undefined if the id itself is unreadable. */
  jobId: string | undefined;
  unreadableFields: string[];
}

export interface JobPage {
  jobs: Job[];
  unreadable: UnreadableEntry[];
}

/** The result of sending a cancel. */
export type CancelReply =
  /** The job is null if the answer does not contain it. */
  { kind: 'accepted'; job: Job | null } | FailedCancel | { kind: 'not_sent' };

export interface FailedCancel {
  kind: 'failed';
  error: Error;
  /** Waiting may help: read the job again, then cancel again. */
  mayRetry: boolean;
  /** The wait that the provider asked for. */
  askedWaitMs?: number | undefined;
  /** It was rate-limited or had an outdated key, so it does not count as an attempt. */
  isUncounted: boolean;
  /** The provider refused this particular cancel, as it does with a repeated one. */
  isRefusal: boolean;
}

/** How jobs are read. */
export interface ReadOptions {
  /** The call ends when it fires, or when time is up. */
  signal: AbortSignal;
  /** Whether to read metadata where that takes extra calls. */
  withMetadata: boolean;
}

/** One project at its provider. Methods throw named errors, at the latest when time is up. */
export interface FineTuningProvider {
  /** Returns whether a job with this id could be one of this project. */
  mayHave(jobId: string): boolean;
  retrieve(jobId: string, options: ReadOptions): Promise<Job>;
  /** Sends a cancel once, or not at all if it waited so long that the job must be read again. Never throws. */
  cancel(jobId: string): Promise<CancelReply>;
  /** Yields all jobs, page by page, normally newest first. Pages may overlap. Throws when the signal fires. */
  list(options: ReadOptions): AsyncGenerator<JobPage>;
}

/** What the table keeps about a job. Times are Unix seconds. */
export interface JobRow {
  extendedUntil?: number;
  /** The last time that a sweep saw the job waiting. */
  lastWaiting?: number;
  /** The deadline for which a warning was published. */
  warnedFor?: number;
  /** When the job was first seen `cancelling`, or accepted a cancel without ending at once. */
  cancellingSince?: number;
  /** Why the row could not be read. The job may then have been extended. */
  readError?: Error;
}

/** The table of jobs. Writes throw StateError. */
export interface JobTable {
  /** Returns a job's row, empty if there is none. Concurrent reads share calls. Never throws. */
  read(jobId: string): Promise<JobRow>;
  /** Extends a job unless an earlier extension is longer. Returns the end of the longer one. */
  extend(jobId: string, until: number, by: string): Promise<number>;
  /** Notes that a job was waiting. Never moves backward. */
  noteWaiting(jobId: string, at: number): Promise<void>;
  noteWarned(jobId: string, deadline: number): Promise<void>;
  /** Notes that a job is being cancelled, unless that was noted before. */
  noteCancelling(jobId: string, at: number): Promise<void>;
}
