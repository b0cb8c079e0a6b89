import { type NamedError, namedError } from '../errors.ts';
import { isKnown, type Job } from './job.ts';
import type { Judgement } from './time-budget.ts';
import type { Warning } from './warning.ts';

/** What became of one job. */
export type Outcome =
  | 'cancelled'
  | 'cancelling'
  | 'already_finished'
  | 'would_cancel'
  | 'not_cancellable'
  | 'held_back'
  | 'failed'
  | 'within_budget'
  | 'exempt';

/** Why somebody looked at the job. */
export type Reason = 'requested' | 'time_budget' | 'stop_all';

/** What was decided on one job, and why. Answer, log line, event and counts all derive from it. */
export interface Decision {
  job: Job;
  /** The project that the job belongs to; undefined if there is only one. */
  project: string | undefined;
  judgement: Judgement;
  outcome: Outcome;
  /** The status after a cancel was sent, null if none was. */
  finalStatus: string | null;
  reason: Reason;
  /** Who asked: a claim, not proof. */
  requestedBy: string;
  /** Why it failed. */
  error?: NamedError | undefined;
  /** The job's deadline is near, and this is the first to say so. */
  warning?: Warning | undefined;
  /** An earlier sweep published that the job is being cancelled, in Unix seconds. */
  cancellingSinceSeconds?: number | undefined;
  /** This sweep noted that the job is being cancelled, in Unix seconds. It has to be published now. */
  notedCancellingSeconds?: number | undefined;
}

/** Who is told of each decision as it falls. */
export type Report = (decision: Decision) => void;

/** The answer to a cancel. `finalStatus` is the status after a cancel was sent, `null` if none was. */
export interface CancelAnswer {
  project?: string;
  jobId: string;
  outcome: Outcome;
  initialStatus: string;
  finalStatus: string | null;
}

/** One job in the answer to a sweep or a stop-all. */
export interface JobEntry extends CancelAnswer {
  /** Whole minutes. */
  ageMinutes: number;
  /** Null if the job is exempt. */
  timeBudgetMinutes: number | null;
  error?: NamedError;
}

const longestErrorMessage = 160;

/** A decision as the answer to a cancel. */
export function cancelAnswerOf({ project, job, outcome, finalStatus }: Decision): CancelAnswer {
  return {
    ...(project !== undefined && { project }),
    jobId: job.id,
    outcome,
    initialStatus: job.status,
    finalStatus,
  };
}

/** An error as one of many in an answer: its message is cut, so the answer fits into AWS's payloads. */
export function shortened({ name, message }: NamedError): NamedError {
  return { name, message: message.slice(0, longestErrorMessage) };
}

/** A decision as one of many in an answer. */
export function jobEntryOf(decision: Decision): JobEntry {
  const { judgement, error } = decision;
  return {
    ...cancelAnswerOf(decision),
    ageMinutes: Math.floor(judgement.ageMinutes),
    timeBudgetMinutes: judgement.timeBudgetMinutes,
    ...(error && { error: shortened(error) }),
  };
}

const stuckAfterSeconds = 3600;
const ended: ReadonlySet<Outcome> = new Set(['cancelled', 'already_finished']);

/** Whether a job has not finished an hour after its cancellation was published, however the last cancel fared. */
export function isStuck({ outcome, cancellingSinceSeconds }: Decision, nowMilliseconds: number): boolean {
  const nowSeconds = nowMilliseconds / 1000;
  return !ended.has(outcome) && nowSeconds - (cancellingSinceSeconds ?? nowSeconds) >= stuckAfterSeconds;
}

/** What a decision becomes if it could not be carried out. */
export function failed(thrown: unknown): Pick<Decision, 'outcome' | 'finalStatus' | 'error'> {
  return { outcome: 'failed', finalStatus: null, error: namedError(thrown) };
}

/** The decision as a sentence for people: in the log, in events, in mail. */
export function sentenceOf(decision: Decision): string {
  const { finalStatus, reason, requestedBy, outcome, judgement } = decision;
  const { status } = decision.job;
  const job = nameOf(decision);
  const age = `${Math.floor(judgement.ageMinutes)} minutes old, with ${budgetOf(judgement)}`;
  const whys = {
    requested: `as asked (${requestedBy})`,
    time_budget: 'because its time budget had run out',
    stop_all: `because everything had to stop (${requestedBy})`,
  };
  const why = whys[reason];
  switch (outcome) {
    case 'cancelled':
      return `${job} was cancelled ${why}; it was ${status}, ${age}.`;
    case 'cancelling':
      return `${job} is being cancelled ${why}, and is still ${finalStatus}; it was ${status}, ${age}.`;
    case 'would_cancel':
      return `${job} would be cancelled ${why}, but this is a dry run; it is ${status}, ${age}.`;
    case 'already_finished':
      return `${job} had finished already (${finalStatus ?? status}); it was left alone.`;
    case 'not_cancellable':
      return `${job} has the ${isKnown(status) ? '' : 'unknown '}status ${status}; it was left alone.`;
    case 'held_back':
      return `${job} was not cancelled, because more jobs are overdue than the cancel limit allows; it is ${age}.`;
    case 'within_budget':
      return `${job} goes on: it is ${age}.`;
    case 'exempt':
      return `${job} goes on: it is exempt from any time budget, and ${Math.floor(judgement.ageMinutes)} minutes old.`;
    case 'failed':
      return `${job} could not be cancelled; it is ${age}. ${decision.error?.message ?? ''}`.trim();
  }
}

/** The job as the subject of a sentence. */
export function nameOf({ job, project }: Pick<Decision, 'job' | 'project'>): string {
  return `Fine-tuning job ${job.id}${project === undefined ? '' : ` of project ${project}`}`;
}

function budgetOf({ timeBudgetMinutes, budgetFrom, deadlineSeconds }: Judgement): string {
  if (timeBudgetMinutes === null) return 'no time budget';
  const budget = `a time budget of ${timeBudgetMinutes} minutes`;
  return budgetFrom === 'extension' ? `${budget}, extended until ${isoOf(deadlineSeconds)}` : budget;
}

/** Unix seconds as ISO 8601, exact to the second; null if there are none. */
export function isoOf(seconds: number | null): string | null {
  return seconds === null ? null : new Date(Math.floor(seconds) * 1000).toISOString();
}
