import type { Logger } from '@aws-lambda-powertools/logger';
import type { Metrics } from '@aws-lambda-powertools/metrics';
import type { Decision } from '../curfew/decision.ts';
import type { ExtendAnswer } from '../curfew/extend.ts';
import { isKnown } from '../curfew/job.ts';
import type { JobTable } from '../curfew/job-table.ts';
import type { JobList } from '../curfew/list.ts';
import type { Survey } from '../curfew/projects.ts';
import type { TalliedSurvey } from '../curfew/tally.ts';
import { asError, InvalidRequestError, JobNotFoundError } from '../errors.ts';
import { type MetricName, metricUnits } from '../names.ts';
import { cancellationEvent, warningEvent } from './events.ts';
import { logDecision, logSurvey, namedFailuresIn, otherStatusesIn, type SeenJobs, whyInPart } from './log.ts';
import type { CurfewEvent, Publisher } from './publisher.ts';

/** Log, metrics and events of one invocation. */
export interface Reporter {
  /** Reports a decision: a line in the log, and an event if it is worth one. */
  decided(decision: Decision): void;
  /** Counts what became of a job that was to be cancelled on request. */
  answered(decision: Decision): void;
  /** Reports what a sweep came to. */
  swept(sweep: TalliedSurvey, options: SweptOptions): void;
  /** Reports what stopping everything came to. */
  stopped(stop: TalliedSurvey, options: { requestedBy: string; dryRun: boolean }): void;
  /** Reports what a list came to. */
  listed(list: JobList, options: { requestedBy: string; complete: boolean }): void;
  /** Reports an extension. */
  extended(extension: ExtendAnswer, options: { minutes: number; requestedBy: string }): void;
  /** Reports why a request failed. */
  failed(error: unknown, requestedBy: string): void;
  /** Waits until all events are published or given up. Never throws. */
  finish(): Promise<void>;
}

export interface SweptOptions {
  requestedBy: string;
  dryRun: boolean | null;
  durationMilliseconds: number;
}

export interface ReporterOptions {
  /** The name of the deployment. */
  curfew: string;
  logger: Logger;
  metrics: Metrics;
  publisher: Publisher;
  table: JobTable;
  /** Fires when what was noted can no longer be taken back. */
  takeBackUntil: AbortSignal;
  seen: SeenJobs;
}

/** A reporter for one invocation. */
export function createReporter(options: ReporterOptions): Reporter {
  const { curfew, logger, metrics, publisher, table, takeBackUntil, seen } = options;

  const publishing: Promise<void>[] = [];

  const put = (values: MetricValues) => putMetrics(metrics, values);

  /** An event that is lost leaves a line in the log; what was decided holds all the same. */
  const publish = async (
    event: CurfewEvent,
    { job, requestedBy }: Decision,
    takeBack?: () => Promise<void>,
  ): Promise<void> => {
    const reason = await publisher.publish(event);
    if (reason === undefined) return;
    const jobId = job.id;
    const parts = { jobId, requestedBy };
    logger.error(`No event could be published for ${jobId} (${reason}). What was decided holds.`, parts);
    await takeBack?.().catch((error) => logger.error(`${jobId}: ${asError(error).message}`, parts));
  };

  return {
    decided(decision) {
      logDecision(logger, seen, decision);
      const { job, warning } = decision;
      const cancellation = cancellationEvent(decision, curfew);
      if (cancellation) {
        const { notedCancellingSeconds: noted } = decision;
        const takeBack =
          noted === undefined ? undefined : () => table.unmarkCancelling(job.id, noted, takeBackUntil);
        publishing.push(publish(cancellation, decision, takeBack));
      }
      if (warning) {
        const takeBack = () => table.unmarkWarned(job.id, warning.deadlineSeconds, takeBackUntil);
        publishing.push(publish(warningEvent(decision, warning, curfew), decision, takeBack));
      }
    },

    answered({ job, outcome }) {
      if (outcome === 'cancelled' || outcome === 'cancelling') put({ Cancelled: 1 });
      if (!isKnown(job.status)) put({ UnknownStatus: 1 });
    },

    swept({ survey, tally }, { requestedBy, dryRun, durationMilliseconds }) {
      const { counts, inspected } = tally;
      const isComplete = survey.isComplete;
      const line =
        `${isComplete ? 'Swept' : `Swept in part, because ${whyInPart(survey)}`}` +
        `${dryRun ? ' (dry run)' : ''}: ${inspected} inspected, ${counts.inProgress} in progress, ` +
        `${counts.overdue} overdue, ${counts.cancelled} cancelled, ${counts.heldBack} held back, ${counts.failed} failed` +
        `${otherStatusesIn(tally.otherStatuses)}.`;
      const parts = {
        requestedBy,
        complete: isComplete,
        dryRun,
        inspected,
        ...counts,
        ...projectsIn(survey),
      };
      if (isComplete) logger.info(line, parts);
      else logger.warn(line, parts);
      logSurvey(logger, survey, requestedBy);
      put({
        Inspected: inspected,
        InProgress: counts.inProgress,
        Overdue: counts.overdue,
        // What an earlier sweep has counted is no news.
        Cancelled: counts.cancelled - tally.countedBefore,
        CancelFailures: counts.failed,
        HeldBack: counts.heldBack,
        UnknownStatus: tally.unknownStatus,
        StuckCancelling: tally.stuckCancelling,
        FailedProjects: namedFailuresIn(survey).length,
        IncompleteSweeps: isComplete ? 0 : 1,
        OldestJobInProgressAge: tally.oldestAgeSeconds,
        SweepDuration: durationMilliseconds,
      });
    },

    stopped({ survey, tally }, { requestedBy, dryRun }) {
      const { counts, inspected } = tally;
      const line =
        `${survey.isComplete ? 'Stop all' : `Stop all, in part, because ${whyInPart(survey)}`}${dryRun ? ' (dry run)' : ''}: ${inspected} inspected, ` +
        `${counts.inProgress} in progress, ` +
        `${dryRun ? `${counts.wouldCancel} would be cancelled` : `${counts.cancelled} cancelled`}, ` +
        `${counts.failed} failed${otherStatusesIn(tally.otherStatuses)}.`;
      const { overdue: _overdue, heldBack: _heldBack, ...rest } = counts;
      const complete = survey.isComplete && counts.failed === 0;
      const parts = { requestedBy, complete, dryRun, inspected, ...rest, ...projectsIn(survey) };
      if (complete) logger.info(line, parts);
      else logger.warn(line, parts);
      logSurvey(logger, survey, requestedBy);
      put({
        Cancelled: counts.cancelled,
        CancelFailures: counts.failed,
        UnknownStatus: tally.unknownStatus,
        FailedProjects: namedFailuresIn(survey).length,
      });
    },

    listed({ survey, jobs, stateError }, { requestedBy, complete }) {
      const parts = { requestedBy, complete, jobs: jobs.length, ...projectsIn(survey) };
      const listed = `Listed ${jobs.length === 1 ? '1 job' : `${jobs.length} jobs`}`;
      if (complete) logger.info(`${listed}.`, parts);
      else {
        const why = [...(survey.isComplete ? [] : [`${whyInPart(survey)}.`]), stateError?.message ?? ''];
        logger.warn(`${listed}, but the list is incomplete: ${why.join(' ').trim()}`, parts);
      }
      logSurvey(logger, survey, requestedBy);
    },

    extended(extension, { minutes, requestedBy }) {
      const { jobId, deadline, previousDeadline, status } = extension;
      const line =
        deadline === previousDeadline
          ? `Fine-tuning job ${jobId} (${status}) keeps its deadline (${deadline ?? 'none'}); ${minutes} minutes were asked for (${requestedBy}).`
          : `Fine-tuning job ${jobId} may run until ${deadline}, as asked (${requestedBy}); it was ${previousDeadline}.`;
      logger.info(line, { ...extension, minutes, requestedBy });
    },

    failed: (error, requestedBy) => reportFailure(error, requestedBy, options),

    async finish() {
      await publisher.flush();
      await Promise.all(publishing);
    },
  };
}

/** Reports why a request failed: a line in the log, and a metric unless the caller is at fault. */
export function reportFailure(
  thrown: unknown,
  requestedBy: string,
  { logger, metrics }: Pick<ReporterOptions, 'logger' | 'metrics'>,
): void {
  const error = asError(thrown);
  logger.error(error.message, { requestedBy, error });
  const isCallers = error instanceof InvalidRequestError || error instanceof JobNotFoundError;
  if (!isCallers) putMetrics(metrics, { Errors: 1 });
}

type MetricValues = Partial<Record<MetricName, number>>;

/** Writes one document of metrics. */
function putMetrics(metrics: Metrics, values: MetricValues): void {
  for (const [name, unit] of Object.entries(metricUnits)) {
    const value = Object.entries(values).find(([given]) => given === name)?.[1];
    if (value !== undefined) metrics.addMetric(name, unit, value);
  }
  metrics.publishStoredMetrics();
}

function projectsIn({ isNamed, lookedAt }: Survey): { projects?: number } {
  return isNamed ? { projects: lookedAt } : {};
}
