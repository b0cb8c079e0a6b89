import type { Logger } from '@aws-lambda-powertools/logger';
import type { Metrics } from '@aws-lambda-powertools/metrics';
import QuickLRU from 'quick-lru';
import type { ExtendAnswer, Outcome } from '../contract.ts';
import { type Decision, inProject } from '../curfew/cancel.ts';
import type { Report } from '../curfew/context.ts';
import { budgetKey } from '../curfew/deadline.ts';
import type { ListResult } from '../curfew/list.ts';
import { nameProject, type Tally } from '../curfew/tally.ts';
import { InvalidRequestError, JobNotFoundError, toError } from '../errors.ts';
import { type MetricName, metricUnits } from '../names.ts';
import type { FunctionSettings } from '../settings.ts';
import type { AwsClients } from './clients.ts';
import {
  type CurfewEvent,
  cancellationEvent,
  decisionDetails,
  describeDecision,
  publishEvent,
  warningEvent,
} from './events.ts';

const levels: Partial<Record<Outcome, 'error' | 'warn'>> = {
  failed: 'error',
  held_back: 'warn',
  not_cancellable: 'warn',
};
/** Outcomes that repeat in every sweep. */
const lasting: ReadonlySet<string> = new Set(['within_budget', 'exempt', 'not_cancellable', 'held_back', 'cancelling']);
/** Returns a cache of the state of each job, so a warm function logs an unchanged job only once. */
export const createSeenJobs = () => new QuickLRU<string, string>({ maxSize: 20_000 });

/** The dependencies of a report, kept while the function is warm. */
export interface ReportOptions {
  settings: FunctionSettings;
  aws: AwsClients;
  logger: Logger;
  metrics: Metrics;
  seen: ReturnType<typeof createSeenJobs>;
}

export type FullReport = ReturnType<typeof createReport>;

/**
 * Returns the log, metrics and events for one request.
 *
 * @param publishTimeMs returns the time left to publish one event.
 */
export function createReport(
  { settings, aws, logger, metrics, seen }: ReportOptions,
  requestedBy: string,
  publishTimeMs: () => number,
) {
  const { name: deployment, eventBusName } = settings;

  /** A lost event leaves a line in the log. The decision stands. */
  const publish = async (event: CurfewEvent, jobId: string): Promise<boolean> => {
    const reason = await publishEvent(aws.eventBridge, eventBusName, event, publishTimeMs);
    if (reason === undefined) return true;
    const details = { jobId, requestedBy };
    logger.error(`No event could be published for ${jobId} (${reason}). The decision stands.`, details);
    return false;
  };

  const put = (values: Partial<Record<MetricName, number>>): void => {
    for (const [name, value] of Object.entries(values)) {
      if (isMetric(name)) metrics.addMetric(name, metricUnits[name], value);
    }
    metrics.publishStoredMetrics();
  };

  /** Logs the summary, and a line for each project or job that was missed. */
  const summarize = (line: string, tally: Tally, complete: boolean, details: object): void => {
    const projects = tally.isNamed && { projects: tally.projectsRead };
    logger[complete ? 'info' : 'warn'](line, { requestedBy, complete, ...details, ...projects });
    logIncomplete(tally, logger, requestedBy);
  };

  const report: Report = {
    decided(decision) {
      const { project, job, judgement, outcome, reason, error } = decision;
      const [key, state] = [`${project.name} ${job.id}`, `${outcome} ${job.status} ${judgement.deadline}`];
      const isNews = reason !== 'time_budget' || !lasting.has(outcome) || seen.get(key) !== state;
      seen.set(key, state);
      const level = isNews ? (levels[outcome] ?? 'info') : 'debug';
      logger[level](describeDecision(decision), { ...decisionDetails(decision), ...(error && { error }) });
      if (isNews) warnOfMetadata(decision, logger);
    },
    problem({ project, job }, error, others = 0) {
      const rest = others > 0 ? ` The same applies to ${others} other jobs.` : '';
      const details = { jobId: job.id, ...inProject(project), requestedBy, error };
      logger.warn(`${job.id}: ${toError(error).message}${rest}`, details);
    },
    publishCancellation: (decision) => publish(cancellationEvent(decision, deployment), decision.job.id),
    publishWarning: (target, warning) => publish(warningEvent(target, warning, requestedBy, deployment), target.job.id),
  };

  return {
    ...report,

    /** Counts the outcome of a cancel by job id. */
    cancelled({ job, isCancelledNow }: Decision) {
      if (isCancelledNow) put({ Cancelled: 1 });
      if (!job.isKnownStatus) put({ UnknownStatus: 1 });
    },

    swept(tally: Tally, dryRun: boolean | null, durationMs: number) {
      const { counts, isComplete } = tally;
      const line =
        `${intro('Swept', tally, dryRun)}, ${counts.overdue} overdue, ${counts.cancelled} cancelled, ` +
        `${counts.heldBack} held back, ${counts.failed} failed${describeOthers(tally)}.`;
      summarize(line, tally, isComplete, { dryRun, ...counts });
      put({
        ...sharedMetrics(tally),
        Inspected: counts.inspected,
        InProgress: counts.inProgress,
        Overdue: counts.overdue,
        HeldBack: counts.heldBack,
        StuckCancelling: tally.stuckCancelling,
        IncompleteSweeps: isComplete ? 0 : 1,
        OldestJobInProgressAge: tally.oldestAgeMinutes * 60,
        SweepDuration: durationMs,
      });
    },

    stopped(tally: Tally, dryRun: boolean) {
      const { overdue: _, heldBack: __, ...counts } = tally.counts;
      const done = dryRun ? `${counts.wouldCancel} would be cancelled` : `${counts.cancelled} cancelled`;
      const line = `${intro('Stop all', tally, dryRun)}, ${done}, ${counts.failed} failed${describeOthers(tally)}.`;
      summarize(line, tally, tally.isComplete && counts.failed === 0, { dryRun, ...counts });
      put(sharedMetrics(tally));
    },

    listed({ answer, tally, readError }: ListResult) {
      const { complete } = answer;
      const count = answer.jobs.length + answer.jobsOmitted;
      const why = [...incompleteReasons(tally), ...(readError ? [readError.message] : [])].join('; ');
      const line = `Listed ${count === 1 ? '1 job' : `${count} jobs`}`;
      summarize(line + (complete ? '.' : `, but the list is incomplete: ${why}`), tally, complete, { jobs: count });
    },

    extended(answer: ExtendAnswer, minutes: number) {
      const { jobId, deadline, previousDeadline, status } = answer;
      const line =
        deadline === previousDeadline
          ? `Fine-tuning job ${jobId} (${status}) keeps its deadline (${deadline ?? 'none'}); ${minutes} minutes were requested (${requestedBy}).`
          : `Fine-tuning job ${jobId} may run until ${deadline}, as requested (${requestedBy}); it was ${previousDeadline}.`;
      logger.info(line, { ...answer, minutes, requestedBy });
    },

    /** Logs why a request failed, and counts it unless the caller is at fault. */
    failed(thrown: unknown) {
      const error = toError(thrown);
      logger.error(error.message, { requestedBy, error });
      if (!(error instanceof InvalidRequestError || error instanceof JobNotFoundError)) put({ Errors: 1 });
    },
  };
}

const isMetric = (name: string): name is MetricName => name in metricUnits;

function warnOfMetadata({ job, judgement, requestedBy }: Decision, logger: Logger): void {
  const details = { jobId: job.id, requestedBy };
  const { unreadableBudget } = judgement;
  if (unreadableBudget !== undefined) {
    logger.warn(
      `Job ${job.id} has a budget in its metadata that cannot be read (${unreadableBudget}), so the project's applies. ` +
        `Allowed in ${budgetKey}: 90, 1.5, 90m, 24h, 2d or none.`,
      details,
    );
  }
  if (job.hasInvalidMetadata) {
    logger.warn(`Job ${job.id} has metadata that is not text or exceeds the API's limits. It is ignored.`, details);
  }
}

/** The metrics that sweeps and stop-alls share. */
function sharedMetrics({ newlyCancelled, counts, others, isNamed, failures }: Tally) {
  return {
    Cancelled: newlyCancelled,
    CancelFailures: counts.failed,
    UnknownStatus: others.filter(({ isKnownStatus }) => !isKnownStatus).length,
    FailedProjects: isNamed ? failures.length : 0,
  };
}

function intro(what: string, tally: Tally, dryRun: boolean | null): string {
  const inPart = tally.isComplete ? '' : ` in part, because ${incompleteReasons(tally).join(' and ')}`;
  const { inspected, inProgress } = tally;
  return `${what}${inPart}${dryRun ? ' (dry run)' : ''}: ${inspected} inspected, ${inProgress} in progress`;
}

function incompleteReasons({ isOutOfTime, failures, unreadable }: Tally): string[] {
  return [
    ...(isOutOfTime ? ['time ran out'] : []),
    ...(failures.length > 0 ? ['listing failed'] : []),
    ...(unreadable.length > 0 ? ['a job could not be judged'] : []),
  ];
}

/** Returns text such as `, 2 left alone (paused, unknown: frozen)`. */
function describeOthers({ others }: Tally): string {
  const statuses = new Set(others.map(({ status, isKnownStatus }) => (isKnownStatus ? status : `unknown: ${status}`)));
  return others.length === 0 ? '' : `, ${others.length} left alone (${[...statuses].join(', ')})`;
}

/** Logs each project that was not listed completely, and each job that could not be judged. */
function logIncomplete(tally: Tally, logger: Logger, requestedBy: string): void {
  for (const { project, error } of tally.failures) {
    logger.error(nameProject(project, error).message, { ...inProject(project), requestedBy, error });
  }
  for (const { project, error } of tally.cutShort) {
    logger.warn(nameProject(project, error).message, { ...inProject(project), requestedBy });
  }
  for (const { project, entry } of tally.unreadable) {
    const { jobId, unreadableFields } = entry;
    const job = jobId === undefined ? 'A job without a readable id' : `Job ${jobId}`;
    const details = { ...inProject(project), ...(jobId !== undefined && { jobId }), requestedBy };
    logger.warn(`${job} cannot be judged: unreadable ${unreadableFields.join(', ')}. It was left alone.`, details);
  }
}
