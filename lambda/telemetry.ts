import { Logger } from '@aws-lambda-powertools/logger';
import type { CancelResult } from './conditional-cancel.ts';
import type { SweepReport, SweepResult } from './sweep.ts';

export const serviceName = 'fine-tuning-curfew';

/** The logger of the function: JSON lines, level from `POWERTOOLS_LOG_LEVEL`. */
export function createLogger(): Logger {
  return new Logger({ serviceName });
}

/** One line for the decision on one job that a caller named. */
export function logCancel(logger: Logger, result: CancelResult): void {
  if (result.outcome === 'not_cancellable') {
    logger.warn('This status is unknown, so the job was left alone', { ...result });
  } else {
    logger.info('Looked at a fine-tuning job', { ...result });
  }
}

/** The lines that a sweep writes while it goes on. */
export function sweepReportTo(logger: Logger): SweepReport {
  return {
    decided: (_job, swept) => {
      if (swept.outcome === 'failed') logger.error('Could not cancel an overdue job', { ...swept });
      else logger.info('An overdue job', { ...swept });
    },
    unreadableBudget: (job) =>
      logger.warn('The metadata time_budget_minutes is neither minutes nor "none": the default holds', {
        jobId: job.id,
      }),
  };
}

/** One line with the counts of a sweep, without its jobs, which have lines of their own. */
export function logSweep(logger: Logger, { jobs: _jobs, ...counts }: SweepResult): void {
  logger.info('Swept the fine-tuning jobs', { ...counts });
}
