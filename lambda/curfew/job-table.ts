import type { StateError } from '../errors.ts';

/** What is kept about a job between invocations. All times are Unix seconds. */
export interface JobRecord {
  /** The job may run until then. */
  extendedUntilSeconds?: number | undefined;
  /** The deadline for which a warning was published. */
  warnedForSeconds?: number | undefined;
  /** When a sweep first left the job `cancelling`, and published that. */
  cancellingSinceSeconds?: number | undefined;
}

/**
 * The table of extensions, as the rules see it. Each `mark` is made once, however many ask at the same time. `signal` gives
 * a call up, which is a StateError like any other.
 */
export interface JobTable {
  /**
   * Reads the records of jobs. Never throws.
   *
   * @returns for each job its record, empty if nothing is kept, or why it could not be read.
   */
  read(jobIds: string[], signal: AbortSignal): Promise<ReadonlyMap<string, JobRecord | StateError>>;
  /** Lets a job run until then, unless it may run longer already. Returns until when it may. Throws StateError. */
  extend(jobId: string, untilSeconds: number, by: string, signal: AbortSignal): Promise<number>;
  /** Notes that a warning is published for this deadline. False if that was noted before. Throws StateError. */
  markWarned(jobId: string, deadlineSeconds: number, signal: AbortSignal): Promise<boolean>;
  /** Takes that note back. Throws StateError. */
  unmarkWarned(jobId: string, deadlineSeconds: number, signal: AbortSignal): Promise<void>;
  /** Notes that a job is being cancelled. False if that was noted before. Throws StateError. */
  markCancelling(jobId: string, sinceSeconds: number, signal: AbortSignal): Promise<boolean>;
  /** Takes that note back. Throws StateError. */
  unmarkCancelling(jobId: string, sinceSeconds: number, signal: AbortSignal): Promise<void>;
}
