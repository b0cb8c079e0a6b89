import type { Logger } from '@aws-lambda-powertools/logger';
import type { Metrics } from '@aws-lambda-powertools/metrics';
import { type CancelResult, conditionalCancel } from './conditional-cancel.ts';
import type { Deadline } from './deadline.ts';
import { type Decision, decisionOn } from './decision.ts';
import type { FineTuningApi, Job } from './fine-tuning-api.ts';
import type { Notifier } from './notifications.ts';
import type { Requester } from './requester.ts';
import { type SweepReport, sweep } from './sweep.ts';
import type { SweepOptions, SweepResult } from './sweep-result.ts';
import { logDecision, logSweep, publishMetrics } from './telemetry.ts';
import { ageMinutesOf, timeBudgetMetadataKey } from './time-budget.ts';

/** Who asked for a task, and who is told of what it does. */
export interface Surroundings {
  requestedBy: Requester;
  logger: Logger;
  metrics: Metrics;
  notifier: Notifier;
}

/** The conditional cancel of one job, told to log, metrics and events. `timeBudgetMinutes` is the default budget. */
export async function runCancel(
  api: FineTuningApi,
  { jobId, dryRun, timeBudgetMinutes }: { jobId: string; dryRun: boolean; timeBudgetMinutes: number },
  surroundings: Surroundings,
): Promise<CancelResult> {
  const { job, result } = await conditionalCancel(api, jobId, dryRun);
  const why = { reason: 'requested', requestedBy: surroundings.requestedBy } as const;
  tell(surroundings, decisionOn(job, result, why, { nowMilliseconds: Date.now(), timeBudgetMinutes }));
  if (result.outcome === 'cancelled' || result.outcome === 'cancelling') {
    publishMetrics(surroundings.metrics, { Cancelled: 1 });
  }
  return result;
}

/** A sweep, told to log, metrics and events, also where its listing fails; the error is thrown after that. */
export async function runSweep(
  api: FineTuningApi,
  options: SweepOptions,
  deadline: Deadline,
  surroundings: Surroundings,
): Promise<SweepResult> {
  const startedAt = performance.now();
  const nowMilliseconds = Date.now();
  const why = { reason: 'time_budget', requestedBy: surroundings.requestedBy } as const;
  const moment = { nowMilliseconds, timeBudgetMinutes: options.timeBudgetMinutes };
  let oldestAgeSeconds = 0;
  const tellOf = (job: Job, became: Pick<Decision, 'outcome' | 'finalStatus' | 'error'>) => {
    oldestAgeSeconds = Math.max(oldestAgeSeconds, ageMinutesOf(job.created_at, nowMilliseconds) * 60);
    tell(surroundings, decisionOn(job, became, why, moment));
  };
  const report: SweepReport = {
    decided: tellOf,
    leftRunning: (job, exempt) =>
      tellOf(job, { outcome: exempt ? 'exempt' : 'within_budget', finalStatus: null }),
    unreadableBudget: (job) =>
      surroundings.logger.warn(
        `The metadata ${timeBudgetMetadataKey} of ${job.id} is neither minutes nor "none": the default holds.`,
        { jobId: job.id },
      ),
  };

  const { result, listingError } = await sweep(api, options, deadline, nowMilliseconds, report);
  logSweep(surroundings.logger, result);
  publishMetrics(surroundings.metrics, {
    Inspected: result.inspected,
    InProgress: result.inProgress,
    Overdue: result.overdue,
    Cancelled: result.cancelled,
    CancelFailures: result.failed,
    IncompleteSweeps: result.complete ? 0 : 1,
    OldestJobInProgressAge: oldestAgeSeconds,
    SweepDuration: performance.now() - startedAt,
  });
  if (listingError !== undefined) throw listingError;
  return result;
}

function tell({ logger, notifier }: Surroundings, decision: Decision): void {
  logDecision(logger, decision);
  notifier.add(decision);
}
