import { setTimeout as sleep } from 'node:timers/promises';
import { type EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import PQueue from 'p-queue';
import { type Decision, inProject } from '../curfew/cancel.ts';
import type { ProjectJob } from '../curfew/context.ts';
import { type Judgement, toIso, type Warning } from '../curfew/deadline.ts';
import { toError } from '../errors.ts';
import { eventSource, eventTypes } from '../names.ts';

export interface CurfewEvent {
  detailType: string;
  detail: object;
}

const maxAttempts = 3;
const firstWaitMs = 100;
/** The SDK keeps this many sockets. Waiting for one must not count as time spent publishing. */
const queue = new PQueue({ concurrency: 50 });

/**
 * Publishes one event. Returns why that failed, or undefined if it worked. Never throws.
 *
 * @param timeLeftMs how long it may take once its turn comes: the answer must not wait for a silent bus.
 */
export async function publishEvent(
  eventBridge: EventBridgeClient,
  busName: string,
  { detailType, detail }: CurfewEvent,
  timeLeftMs: () => number,
): Promise<string | undefined> {
  const Entries = [
    { EventBusName: busName, Source: eventSource, DetailType: detailType, Detail: JSON.stringify(detail) },
  ];
  return queue.add(async () => {
    const abortSignal = AbortSignal.timeout(timeLeftMs());
    try {
      for (let attempt = 1; ; attempt += 1) {
        const answer = await eventBridge.send(new PutEventsCommand({ Entries }), { abortSignal });
        const refusal = answer.Entries?.[0]?.ErrorCode;
        // The client retries failed calls, but not refused events.
        if (refusal === undefined || attempt === maxAttempts) return refusal;
        await sleep(firstWaitMs * attempt, undefined, { signal: abortSignal });
      }
    } catch (error) {
      return toError(error).name;
    }
  });
}

/** Returns the event about a job that was cancelled, or would have been. */
export function cancellationEvent(decision: Decision, deployment: string): CurfewEvent {
  const { outcome, job } = decision;
  const summary = describeDecision(decision);
  return {
    detailType: outcome === 'would_cancel' ? eventTypes.wouldBeCancelled : eventTypes.cancelled,
    detail: { curfew: deployment, ...decisionDetails(decision), metadata: job.metadata, summary },
  };
}

/** Returns the event that warns of a deadline. */
export function warningEvent(found: ProjectJob, warning: Warning, requestedBy: string, deployment: string) {
  const { job } = found;
  const { judgement, deadline, minutesLeft, willNotFinish, dryRun } = warning;
  return {
    detailType: eventTypes.near,
    detail: {
      curfew: deployment,
      ...jobDetails(found, judgement),
      requestedBy,
      status: job.status,
      budgetFrom: judgement.budgetFrom,
      deadline: toIso(deadline),
      minutesLeft,
      estimatedFinish: toIso(job.estimatedFinish),
      willNotFinish,
      dryRun,
      metadata: job.metadata,
      summary: describeWarning(found, warning),
    },
  };
}

/** Returns the fields of log lines and events about a decision, without metadata, which may hold anything. */
export function decisionDetails(decision: Decision) {
  const { job, judgement, outcome, reason, requestedBy, finalStatus } = decision;
  return { ...jobDetails(decision, judgement), outcome, reason, requestedBy, initialStatus: job.status, finalStatus };
}

function jobDetails({ project, job }: ProjectJob, { ageMinutes, timeBudgetMinutes, limit, countsFrom }: Judgement) {
  return {
    jobId: job.id,
    ...inProject(project),
    ageMinutes: ageMinutes === null ? null : Math.floor(ageMinutes),
    timeBudgetMinutes,
    limit,
    countsFrom: toIso(countsFrom),
    model: job.model,
  };
}

/** Returns a decision as a sentence, for log, events and mail. */
export function describeDecision(decision: Decision): string {
  const { project, job, judgement, finalStatus, reason, requestedBy, outcome, error } = decision;
  const name = describeJob({ project, job });
  const facts = `${job.status}, ${describeAge(judgement)}`;
  const why = {
    requested: `as requested (${requestedBy})`,
    time_budget:
      judgement.limit === 'queue' ? 'because its queue limit had passed' : 'because its time budget was used up',
    stop_all: `because everything had to stop (${requestedBy})`,
  }[reason];
  switch (outcome) {
    case 'cancelled':
      return `${name} was cancelled ${why}; it was ${facts}.`;
    case 'cancelling':
      return finalStatus === null
        ? `${name} is already being cancelled; it is ${facts}.`
        : `${name} is being cancelled ${why}, and is still ${finalStatus}; it was ${facts}.`;
    case 'would_cancel':
      return `${name} would be cancelled ${why}, but this is a dry run; it is ${facts}.`;
    case 'already_finished':
      return `${name} had already finished (${finalStatus ?? job.status}), so nothing was cancelled.`;
    case 'not_cancellable':
      return `${name} has the ${job.isKnownStatus ? '' : 'unknown '}status ${job.status}, so it was left alone.`;
    case 'held_back':
      return `${name} was not cancelled, because more jobs are overdue than the cancel limit allows; it is ${facts}.`;
    case 'within_budget':
      return `${name} goes on; it is ${facts}.`;
    case 'exempt':
      return `${name} goes on, because it is exempt from time budgets; it is ${facts}.`;
    case 'failed':
      return `${name} could not be cancelled; it is ${facts}. ${error?.message ?? ''}`.trim();
  }
}

function describeWarning(found: ProjectJob, warning: Warning): string {
  const { judgement, minutesLeft, deadline, dryRun, willNotFinish } = warning;
  const end = dryRun ? 'would be cancelled' : 'will be cancelled';
  const limit = judgement.limit === 'queue' ? 'its queue limit passes' : 'its time budget is used up';
  const when = `in ${minutesLeft} minutes, at ${toIso(deadline)}, when ${limit}, unless it is extended`;
  const dryRunNote = dryRun ? ' This is a dry run.' : '';
  const estimateNote = willNotFinish ? ' The provider expects it to finish only after that.' : '';
  return `${describeJob(found)} ${end} ${when}.${dryRunNote}${estimateNote}`;
}

function describeJob({ project, job }: ProjectJob): string {
  return `Fine-tuning job ${job.id}${project.name === undefined ? '' : ` of project ${project.name}`}`;
}

function describeAge({ ageMinutes, timeBudgetMinutes, budgetFrom, deadline }: Judgement): string {
  const age = ageMinutes === null ? 'of unknown age' : `${Math.floor(ageMinutes)} minutes old`;
  if (timeBudgetMinutes === null) return `${age}, with no time budget`;
  const extension = budgetFrom === 'extension' && deadline !== null ? `, extended until ${toIso(deadline)}` : '';
  return `${age}, with a time budget of ${timeBudgetMinutes} minutes${extension}`;
}
