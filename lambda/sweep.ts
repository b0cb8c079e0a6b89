import pMap from 'p-map';
import { type CancelResult, cancelIfInProgress, isInProgress } from './conditional-cancel.ts';
import type { Deadline } from './deadline.ts';
import type { FineTuningApi, Job } from './fine-tuning-api.ts';
import { ageMinutesOf, isOverdue, timeBudgetOf } from './time-budget.ts';

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

/** What a sweep tells while it goes on. */
export interface SweepReport {
  /** An overdue job was dealt with. */
  decided(job: Job, swept: SweptJob): void;
  /** A job in progress was left to go on. `exempt` from any budget, or else within it. */
  leftRunning(job: Job, exempt: boolean): void;
  /** The job's own budget cannot be read, so the default holds. */
  unreadableBudget(job: Job): void;
}

interface OverdueJob {
  job: Job;
  ageMinutes: number;
  timeBudgetMinutes: number;
}

/** A whole page, so that the next is asked for at once: 40 took 1.20 times the floor in `npm run bench`, 100 take 1.12. */
const cancelsAtOnce = 100;
const mostJobsListed = 500;
const longestErrorMessage = 160;
const secondsPerDay = 86_400;

/**
 * Cancels every job that is past its time budget. Cancels run side by side, and while later pages are still read.
 * One job's failure stops no other.
 *
 * @param api the fine-tuning endpoints.
 * @param options budget, dry run and how far back to look.
 * @param deadline when to start nothing more, and when to give up.
 * @param nowMilliseconds the present, in Unix milliseconds; every age is measured from it.
 * @param report is told of each decision as it falls.
 * @returns the result, and the error that ended the listing, if one did: what was found before it has been dealt with.
 */
export async function sweep(
  api: FineTuningApi,
  options: SweepOptions,
  deadline: Deadline,
  nowMilliseconds: number,
  report: SweepReport,
): Promise<{ result: SweepResult; listingError?: unknown }> {
  const result: SweepResult = {
    complete: false,
    ...options,
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
  const oldestSeconds =
    options.lookbackDays === 0
      ? Number.NEGATIVE_INFINITY
      : nowMilliseconds / 1000 - options.lookbackDays * secondsPerDay;
  let listedAll = false;
  let listingError: unknown;

  async function* overdueJobs(): AsyncGenerator<OverdueJob> {
    try {
      for await (const page of api.list(deadline.windDown)) {
        for (const job of page) {
          if (deadline.windDown.aborted) return;
          if (job.created_at < oldestSeconds) continue;
          const overdue = inspect(job);
          if (overdue) yield overdue;
        }
        // Jobs come newest first, so that all that follow are older still.
        if ((page.at(-1)?.created_at ?? Number.POSITIVE_INFINITY) < oldestSeconds) break;
      }
      listedAll = true;
    } catch (error) {
      if (!deadline.windDown.aborted) listingError = error;
    }
  }

  function inspect(job: Job): OverdueJob | undefined {
    result.inspected += 1;
    if (!isInProgress(job.status)) return undefined;
    result.inProgress += 1;
    const budget = timeBudgetOf(job.metadata, options.timeBudgetMinutes);
    if (budget.unreadable) report.unreadableBudget(job);
    const ageMinutes = ageMinutesOf(job.created_at, nowMilliseconds);
    if (!isOverdue(ageMinutes, budget.minutes)) {
      report.leftRunning(job, !Number.isFinite(budget.minutes));
      return undefined;
    }
    result.overdue += 1;
    return { job, ageMinutes: Math.floor(ageMinutes), timeBudgetMinutes: budget.minutes };
  }

  async function cancel({ job, ageMinutes, timeBudgetMinutes }: OverdueJob): Promise<void> {
    const outcome = await cancelIfInProgress(api, job, options.dryRun).catch((error) => failure(job, error));
    const swept = { ...outcome, ageMinutes, timeBudgetMinutes };
    result[counterOf(swept.outcome)] += 1;
    if (result.jobs.length < mostJobsListed) result.jobs.push(swept);
    else result.jobsOmitted += 1;
    report.decided(job, swept);
  }

  await pMap(overdueJobs(), cancel, { concurrency: cancelsAtOnce });
  result.complete = listedAll && !deadline.stop.aborted;
  return { result, ...(listingError !== undefined && { listingError }) };
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

function failure(job: Job, error: unknown): Pick<SweptJob, keyof CancelResult | 'error'> {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  return {
    jobId: job.id,
    outcome: 'failed',
    initialStatus: job.status,
    finalStatus: null,
    error: { name, message: message.slice(0, longestErrorMessage) },
  };
}
