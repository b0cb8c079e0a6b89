import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics } from '@aws-lambda-powertools/metrics';
import { type Decision, isStuck, type Outcome, sentenceOf } from '../curfew/decision.ts';
import { isInProgress, isKnown } from '../curfew/job.ts';
import { isOutOfTime, namingProject, type Survey } from '../curfew/projects.ts';
import { timeBudgetMetadataKey } from '../curfew/time-budget.ts';
import { metricsNamespace } from '../names.ts';

/** The logger of a deployment: JSON lines, level from the environment variable `LOG_LEVEL`. */
export function createLogger(name: string): Logger {
  return new Logger({ serviceName: name });
}

/** The metrics of a deployment: CloudWatch reads them from the log (Embedded Metric Format). */
export function createMetrics(name: string): Metrics {
  return new Metrics({ namespace: metricsNamespace, serviceName: name });
}

/** Outcomes that stay the same sweep after sweep. */
const lasting: ReadonlySet<Outcome> = new Set(['within_budget', 'exempt', 'not_cancellable', 'held_back']);
const mostRemembered = 20_000;

/** What a warm function remembers of the jobs it saw, so a job that goes on takes no line at every sweep. */
export class SeenJobs {
  readonly #fates = new Map<string, string>();

  /** Whether a job was not seen before, or something else became of it. */
  isNews({ job, outcome }: Pick<Decision, 'job' | 'outcome'>): boolean {
    const fate = outcome === 'not_cancellable' ? `${outcome}: ${job.status}` : outcome;
    const isNews = this.#fates.get(job.id) !== fate;
    this.#fates.delete(job.id);
    this.#fates.set(job.id, fate);
    if (this.#fates.size > mostRemembered) this.#forgetOldest();
    return isNews;
  }

  #forgetOldest(): void {
    const [oldest] = this.#fates.keys();
    if (oldest !== undefined) this.#fates.delete(oldest);
  }
}

/** One line for a decision that is news: a sentence, and its parts. What a sweep decided before is for DEBUG. */
export function logDecision(logger: Logger, seen: SeenJobs, decision: Decision): void {
  const { job, judgement, outcome, reason, error } = decision;
  const isNews = reason !== 'time_budget' || seen.isNews(decision) || !lasting.has(outcome);
  const line = sentenceOf(decision);
  const parts = { ...partsOf(decision), ...(error && { error }) };
  if (!isNews) logger.debug(line, parts);
  else if (outcome === 'failed') logger.error(line, parts);
  else if (outcome === 'held_back' || outcome === 'not_cancellable' || isStuck(decision, Date.now())) {
    logger.warn(line, parts);
  } else logger.info(line, parts);

  const { jobId, requestedBy } = parts;
  if (error && outcome !== 'failed') logger.warn(`${jobId}: ${error.message}`, { jobId, requestedBy, error });
  if (!isNews || !isInProgress(job.status)) return;
  if (judgement.hasUnreadableBudget) {
    logger.warn(
      `The metadata ${timeBudgetMetadataKey} of ${jobId} is neither a number of minutes nor "none": the budget of the project or deployment holds.`,
      { jobId, requestedBy },
    );
  }
  if (job.hasOddMetadata) {
    logger.warn(
      `The metadata of ${jobId} has entries that are not texts or exceed the limits of the API: they are ignored.`,
      {
        jobId,
        requestedBy,
      },
    );
  }
}

/** A line for each project that could not be looked at or was not listed to the end, and for each odd job. */
export function logSurvey(logger: Logger, survey: Survey, requestedBy: string): void {
  for (const { project, error } of namedFailuresIn(survey)) {
    logger.error(`Project "${project.name}" failed: ${error.message}`, {
      project: project.name,
      requestedBy,
      error,
    });
  }
  for (const late of [...survey.cutShort, ...unnamedOutOfTimeIn(survey)]) {
    const { name } = late.project;
    logger.warn(namingProject(late).message, { ...(name !== undefined && { project: name }), requestedBy });
  }
  for (const { project, job } of survey.odd) {
    const which = job.jobId === undefined ? 'A job without a readable id' : `Job ${job.jobId}`;
    logger.warn(`${which} cannot be judged: unreadable ${job.fields.join(', ')}. It was left alone.`, {
      ...(project.name !== undefined && { project: project.name }),
      ...(job.jobId !== undefined && { jobId: job.jobId }),
      requestedBy,
    });
  }
}

/** Why not everything was done, as in `time ran out`. What fails, or is odd, has lines of its own. */
export function whyInPart(survey: Survey): string {
  const hasFailed = survey.failures.some((failure) => !isOutOfTime(failure));
  return [
    ...(survey.isOutOfTime ? ['time ran out'] : []),
    ...(hasFailed ? ['listing failed'] : []),
    ...(survey.odd.length > 0 ? ['a job could not be judged'] : []),
  ].join(' and ');
}

/** Without `projects` an answer in part is no failure; but the log says what took the time. */
function unnamedOutOfTimeIn({ failures }: Survey): Survey['failures'] {
  return failures.filter((failure) => failure.project.name === undefined && isOutOfTime(failure));
}

/** Without `projects` the one failure is the error of the request itself. */
export function namedFailuresIn({ failures }: Survey): Survey['failures'] {
  return failures.filter(({ project }) => project.name !== undefined);
}

/** What log lines and events say of a decision. Metadata is not in it, for it may hold anything. */
export function partsOf(decision: Decision) {
  const { job, project, judgement, outcome, reason, requestedBy, finalStatus } = decision;
  return {
    jobId: job.id,
    ...(project !== undefined && { project }),
    outcome,
    reason,
    requestedBy,
    initialStatus: job.status,
    finalStatus,
    ageMinutes: Math.floor(judgement.ageMinutes),
    timeBudgetMinutes: judgement.timeBudgetMinutes,
    model: job.model,
  };
}

/** `, 2 left alone (paused, unknown: frozen)`, for the line of a sweep; empty if there are none. */
export function otherStatusesIn(statuses: ReadonlyMap<string, number>): string {
  if (statuses.size === 0) return '';
  const jobs = statuses.values().reduce((sum, count) => sum + count, 0);
  const names = [...statuses.keys()].map((status) => (isKnown(status) ? status : `unknown: ${status}`));
  return `, ${jobs} left alone (${names.join(', ')})`;
}
