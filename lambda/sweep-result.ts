import type { CancelResult } from './conditional-cancel.ts';
import type { Job } from './fine-tuning-api.ts';
import { asError } from './thrown.ts';

/** A sweep with nothing left open; `lookbackDays: 0` looks at every job there is. */
export interface SweepOptions {
  timeBudgetMinutes: number;
  dryRun: boolean;
  lookbackDays: number;
}

/** One overdue job in the answer to a sweep. Its age is in whole minutes. */
export interface SweptJob extends Omit<CancelResult, 'outcome'> {
  outcome: CancelResult['outcome'] | 'failed';
  ageMinutes: number;
  timeBudgetMinutes: number;
  error?: { name: string; message: string };
}

/** The answer to a sweep. `complete: false` means that time ran out, and that the next sweep goes on. */
export interface SweepResult extends SweepOptions {
  complete: boolean;
  inspected: number;
  inProgress: number;
  overdue: number;
  cancelled: number;
  alreadyFinished: number;
  wouldCancel: number;
  failed: number;
  jobs: SweptJob[];
  jobsOmitted: number;
}

/** So that the answer fits into every payload of AWS, the least of which is 256 KiB. */
const mostJobsListed = 500;
const longestErrorMessage = 160;

/** The answer to a sweep that has not seen anything yet. */
export function emptyResult({ dryRun, timeBudgetMinutes, lookbackDays }: SweepOptions): SweepResult {
  return {
    complete: false,
    dryRun,
    timeBudgetMinutes,
    lookbackDays,
    inspected: 0,
    inProgress: 0,
    overdue: 0,
    cancelled: 0,
    alreadyFinished: 0,
    wouldCancel: 0,
    failed: 0,
    jobs: [],
    jobsOmitted: 0,
  };
}

/** Counts a job that was dealt with, and lists it while there is room. */
export function record(result: SweepResult, swept: SweptJob): void {
  result[counterOf(swept.outcome)] += 1;
  if (result.jobs.length < mostJobsListed) result.jobs.push(swept);
  else result.jobsOmitted += 1;
}

/** The count that an outcome belongs to. A listed job that is overdue is always in progress, hence cancellable. */
function counterOf(outcome: SweptJob['outcome']): 'cancelled' | 'alreadyFinished' | 'wouldCancel' | 'failed' {
  switch (outcome) {
    case 'cancelled':
    case 'cancelling':
      return 'cancelled';
    case 'already_finished':
      return 'alreadyFinished';
    case 'would_cancel':
      return 'wouldCancel';
    case 'failed':
    case 'not_cancellable':
      return 'failed';
  }
}

/** A job whose cancel failed, and why. */
export function failure(job: Job, thrown: unknown): Pick<SweptJob, keyof CancelResult | 'error'> {
  const { name, message } = asError(thrown);
  return {
    jobId: job.id,
    outcome: 'failed',
    initialStatus: job.status,
    finalStatus: null,
    error: { name, message: message.slice(0, longestErrorMessage) },
  };
}
