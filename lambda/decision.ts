import type { Outcome } from './conditional-cancel.ts';
import type { Job } from './fine-tuning-api.ts';
import type { Requester } from './requester.ts';
import { ageMinutesOf, timeBudgetOf } from './time-budget.ts';

/** What was decided on one job, and why: a line in the log, and where it was cancelled, an event. */
export interface Decision {
  jobId: string;
  outcome: Outcome | 'failed' | 'within_budget' | 'exempt';
  reason: 'requested' | 'time_budget';
  requestedBy: Requester;
  initialStatus: string;
  finalStatus: string | null;
  /** Whole minutes. */
  ageMinutes: number;
  /** Null where the job is exempt. */
  timeBudgetMinutes: number | null;
  model: string | null;
  metadata: Record<string, unknown>;
  error?: { name: string; message: string };
}

/** The decision on a job: what became of it, with the job's age and budget beside it. */
export function decisionOn(
  job: Job,
  became: Pick<Decision, 'outcome' | 'finalStatus' | 'error'>,
  why: Pick<Decision, 'reason' | 'requestedBy'>,
  { nowMilliseconds, timeBudgetMinutes }: { nowMilliseconds: number; timeBudgetMinutes: number },
): Decision {
  const budget = timeBudgetOf(job.metadata, timeBudgetMinutes);
  return {
    jobId: job.id,
    outcome: became.outcome,
    ...why,
    initialStatus: job.status,
    finalStatus: became.finalStatus,
    ageMinutes: Math.floor(ageMinutesOf(job.created_at, nowMilliseconds)),
    timeBudgetMinutes: Number.isFinite(budget.minutes) ? budget.minutes : null,
    model: job.model ?? null,
    metadata: job.metadata ?? {},
    ...(became.error && { error: became.error }),
  };
}

/** The decision as a sentence for people: in the log, in events, in mail. */
export function sentenceOf(decision: Decision): string {
  const { jobId, initialStatus, finalStatus, ageMinutes, timeBudgetMinutes, requestedBy } = decision;
  const budget =
    timeBudgetMinutes === null ? 'no time budget' : `a time budget of ${timeBudgetMinutes} minutes`;
  const job = `Fine-tuning job ${jobId}`;
  const age = `${ageMinutes} minutes old, with ${budget}`;
  const why =
    decision.reason === 'requested' ? `as asked (${requestedBy})` : 'because its time budget was over';
  switch (decision.outcome) {
    case 'cancelled':
      return `${job} was cancelled ${why}; it was ${initialStatus}, ${age}.`;
    case 'cancelling':
      return `${job} is being cancelled ${why}, and still ${finalStatus}; it was ${initialStatus}, ${age}.`;
    case 'would_cancel':
      return `${job} would be cancelled ${why}, but this is a dry run; it is ${initialStatus}, ${age}.`;
    case 'already_finished':
      return `${job} had finished already (${finalStatus ?? initialStatus}); it was left alone.`;
    case 'not_cancellable':
      return `${job} has the unknown status ${initialStatus}; it was left alone.`;
    case 'within_budget':
      return `${job} goes on: it is ${age}.`;
    case 'exempt':
      return `${job} goes on: it is exempt from any time budget, and ${ageMinutes} minutes old.`;
    case 'failed':
      return `${job} could not be cancelled; it is ${age}. ${decision.error?.message ?? ''}`.trim();
  }
}
