import type { Job } from './job.ts';
import type { JobRecord } from './job-table.ts';
import type { Judgement } from './time-budget.ts';

/** That a job's deadline is near, or that it will not finish before it. */
export interface Warning {
  /** Unix seconds. */
  deadlineSeconds: number;
  /** Whole minutes until then. */
  minutesLeft: number;
  /** The provider expects the job to finish only after its deadline. */
  willNotFinish: boolean;
  /** The sweep that warns cancels nothing. */
  dryRun: boolean;
}

/** When a sweep warns. */
export interface WarningOptions {
  /** How long before a deadline; 0 never warns. */
  warnBeforeMinutes: number;
  dryRun: boolean;
}

/**
 * The warning that a job in progress is due, if it is: its deadline is near, or the provider expects it to finish too
 * late. Whether it was published before is not looked at.
 */
export function warningFor(
  job: Pick<Job, 'estimatedFinishSeconds'>,
  { deadlineSeconds, isOverdue }: Judgement,
  { warnBeforeMinutes, dryRun }: WarningOptions,
  nowMilliseconds: number,
): Warning | undefined {
  if (deadlineSeconds === null || isOverdue || warnBeforeMinutes === 0) return undefined;
  const minutesLeft = (deadlineSeconds - nowMilliseconds / 1000) / 60;
  const willNotFinish = (job.estimatedFinishSeconds ?? 0) > deadlineSeconds;
  if (minutesLeft > warnBeforeMinutes && !willNotFinish) return undefined;
  return { deadlineSeconds, minutesLeft: Math.floor(minutesLeft), willNotFinish, dryRun };
}

/** Whether this warning was published before, for the same deadline. */
export function wasPublished({ deadlineSeconds }: Warning, record: JobRecord): boolean {
  return record.warnedForSeconds === deadlineSeconds;
}
