import { type Decision, isoOf, nameOf, sentenceOf } from '../curfew/decision.ts';
import type { Warning } from '../curfew/warning.ts';
import { eventTypes } from '../names.ts';
import { partsOf } from './log.ts';
import type { CurfewEvent } from './publisher.ts';

const detailTypes: Partial<Record<Decision['outcome'], string>> = {
  cancelled: eventTypes.cancelled,
  cancelling: eventTypes.cancelled,
  would_cancel: eventTypes.wouldBeCancelled,
};

/**
 * The event that a decision is worth, if it is: a cancellation, once.
 *
 * @param curfew the name of the deployment.
 */
export function cancellationEvent(decision: Decision, curfew: string): CurfewEvent | undefined {
  const { outcome, cancellingSinceSeconds } = decision;
  const detailType = detailTypes[outcome];
  // A dry run says what it would do, whatever an earlier sweep has done.
  const isNews = cancellingSinceSeconds === undefined || outcome === 'would_cancel';
  if (detailType === undefined || !isNews) return undefined;
  return {
    detailType,
    detail: {
      curfew,
      ...partsOf(decision),
      metadata: decision.job.metadata,
      summary: sentenceOf(decision),
    },
  };
}

/** The event that warns of a deadline. */
export function warningEvent(decision: Decision, warning: Warning, curfew: string): CurfewEvent {
  const { job, judgement, requestedBy } = decision;
  return {
    detailType: eventTypes.near,
    detail: {
      curfew,
      ...projectIn(decision),
      jobId: job.id,
      requestedBy,
      status: job.status,
      ageMinutes: Math.floor(judgement.ageMinutes),
      timeBudgetMinutes: judgement.timeBudgetMinutes,
      budgetFrom: judgement.budgetFrom,
      deadline: isoOf(warning.deadlineSeconds),
      minutesLeft: warning.minutesLeft,
      estimatedFinish: isoOf(job.estimatedFinishSeconds),
      willNotFinish: warning.willNotFinish,
      dryRun: warning.dryRun,
      model: job.model,
      metadata: job.metadata,
      summary: warningSentence(decision, warning),
    },
  };
}

function projectIn({ project }: Decision): { project?: string } {
  return project === undefined ? {} : { project };
}

function warningSentence(decision: Decision, warning: Warning): string {
  const when = `in ${warning.minutesLeft} minutes, at ${isoOf(warning.deadlineSeconds)}, unless it is extended`;
  const end = warning.dryRun
    ? `would be cancelled ${when}, but this is a dry run`
    : `will be cancelled ${when}`;
  const expected = warning.willNotFinish ? ' The provider expects it to finish only after that.' : '';
  return `${nameOf(decision)} ${end}.${expected}`;
}
