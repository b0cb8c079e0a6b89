/** Jobs, and the ports through which the rules reach providers and the table. */

/** Times before 2015 or after the year 5138 are no times: some gateways write 0 or milliseconds. In Unix seconds. */
export const earliestTime = 1_420_070_400;
export const latestTime = 100_000_000_000;

/** The shape of a job id. Nothing else reaches a URL. */
export const jobIdPattern = /^[A-Za-z0-9][\w.:-]{0,127}$/;
/** The ARN of one of Bedrock's model customization jobs, with its region. */
export const customizationArnPattern =
  /^arn:aws[\w-]*:bedrock:([a-z0-9-]{1,40}):\d{12}:model-customization-job\/[\w.:-]{1,200}\/[A-Za-z0-9]{12}$/;

/**
 * Where a job stands, whatever its provider calls it. Only waiting and running jobs may be cancelled. `other` is a status
 * in which a job is left alone: paused, or unknown to us.
 */
export const phases = ['waiting', 'running', 'cancelling', 'finished', 'other'] as const;
export type Phase = (typeof phases)[number];

/** Times are Unix seconds. Whatever the provider leaves out is null. */
export interface Job {
  id: string;
  /** As the provider calls it. */
  status: string;
  phase: Phase;
  /** The job has finished by being cancelled. */
  wasCancelled: boolean;
  /** The status is one that its provider documents. */
  isKnownStatus: boolean;
  createdAt: number | null;
  /** When training started, from the few providers that say so. */
  startedAt: number | null;
  estimatedFinish: number | null;
  model: string | null;
  metadata: Record<string, string>;
  /** Some metadata was no text, or too long, and was left out. */
  hasInvalidMetadata: boolean;
  /** Why the metadata could not be read, so that nobody knows whether the job has a budget of its own. */
  metadataError?: Error;
}

/** An entry of a list that cannot be judged. */
export interface UnreadableEntry {
  /** Undefined if the id is what cannot be read. */
  jobId: string | undefined;
  unreadableFields: string[];
}

export interface JobPage {
  jobs: Job[];
  unreadable: UnreadableEntry[];
}

/** What came of sending a cancel. */
export type CancelReply =
  /** The job is null if the answer says nothing about it. */
  { kind: 'accepted'; job: Job | null } | FailedCancel | { kind: 'not_sent' };

export interface FailedCancel {
  kind: 'failed';
  error: Error;
  /** Waiting may cure it, so another look and another cancel are worth it. */
  mayRetry: boolean;
  /** The wait that the provider asked for. */
  askedWaitMs?: number | undefined;
  /** It was refused for its pace or an outdated key, so it does not count as an attempt. */
  isFree: boolean;
  /** The provider refused this cancel in particular, as it does with a repeated one. */
  isRefusal: boolean;
}

/** How jobs are read. */
export interface ReadOptions {
  /** Gives up when it fires, or when time is up. */
  signal: AbortSignal;
  /** Read metadata too, where that takes calls of its own. */
  withMetadata: boolean;
}

/** One project at its provider. Methods throw named errors, at the latest when time is up. */
export interface FineTuningProvider {
  /** Returns whether a job with this id could be one of this project. */
  mayHave(jobId: string): boolean;
  retrieve(jobId: string, options: ReadOptions): Promise<Job>;
  /** Sends a cancel once. It is not sent if its turn comes so late that the job has to be read again. Never throws. */
  cancel(jobId: string): Promise<CancelReply>;
  /** Yields all jobs, page by page, normally newest first. Pages may overlap. Throws when given up. */
  list(options: ReadOptions): AsyncGenerator<JobPage>;
}

/** What the table keeps about a job. Times are Unix seconds. */
export interface JobRow {
  extendedUntil?: number;
  /** The last time that a sweep saw the job waiting. */
  lastWaiting?: number;
  /** The deadline for which a warning was published. */
  warnedFor?: number;
  /** When the job was first seen `cancelling`, or a cancel was accepted that did not finish it. */
  cancellingSince?: number;
  /** Why the row could not be read, so that nobody knows whether the job was extended. */
  readError?: Error;
}

/** The table of jobs. Writes throw StateError. */
export interface JobTable {
  /** Returns a job's row, empty if there is none. Jobs that are read at the same time share calls. Never throws. */
  read(jobId: string): Promise<JobRow>;
  /** Extends a job unless it may run longer already. Returns until when it may run now. */
  extend(jobId: string, until: number, by: string): Promise<number>;
  /** Notes that a job was waiting. Never moves backward. */
  noteWaiting(jobId: string, at: number): Promise<void>;
  noteWarned(jobId: string, deadline: number): Promise<void>;
  /** Notes that a job is being cancelled, unless that was noted before. */
  noteCancelling(jobId: string, at: number): Promise<void>;
}
