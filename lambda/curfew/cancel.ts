import { setTimeout as sleep } from 'node:timers/promises';
import type { CancelAnswer, Outcome } from '../contract.ts';
import { JobNotFoundError, type NamedError, OpenAIError, withMessage } from '../errors.ts';
import type { Context, Project } from './context.ts';
import { cancelProgress, isActive, type JudgedJob, type Judgement, loadAndJudge } from './deadline.ts';
import type { FailedCancel, Job } from './job.ts';

/** What was decided about one job, and why. Answer, log line, event and counts all derive from it. */
export interface Decision {
  project: Project;
  /** As it was first read. */
  job: Job;
  judgement: Judgement;
  outcome: Outcome;
  /** The status after a cancel was sent, null if none was. */
  finalStatus: string | null;
  reason: Reason;
  requestedBy: string;
  /** This request sent a cancel, and as far as we can tell that is why the job ended or is ending. */
  isCancelledNow: boolean;
  /** The row says that the job is being cancelled, so the event was published earlier. */
  wasPublished: boolean;
  error?: NamedError;
}

export type Reason = 'requested' | 'time_budget' | 'stop_all';

/** A job to cancel. */
export interface CancelTarget {
  project: Project;
  jobId: string;
  reason: Reason;
  dryRun: boolean;
  /** The job, if it was just read, in place of a first look. */
  firstLook?: Job;
}

const maxAttempts = 4;
const firstWaitMs = 300;

/**
 * Cancels a job that is still active: look, decide, send; after a failure, look again. Then reports and publishes the outcome.
 *
 * @throws the error of the failed cancel, if the job is still active or could not be read again.
 */
export async function cancelJob(target: CancelTarget, context: Context): Promise<Decision> {
  const { project, jobId, reason } = target;
  let first: JudgedJob | undefined;
  let failure: FailedCancel | undefined;
  /** A cancel with an unknown result may be why the job ended. A refused one is not. */
  let mayHaveWorked = false;
  let isLastLook = false;
  const conclude = async (look: JudgedJob, outcome: Outcome, finalStatus: string | null, isSent: boolean) => {
    const { job, judgement } = first ?? look;
    const { report, table, requestedBy, now } = context;
    const isCancelledNow = isSent && (outcome === 'cancelled' || outcome === 'cancelling');
    const wasPublished = look.row.cancellingSince !== undefined;
    const facts = { project, job, judgement, outcome, finalStatus, reason, requestedBy };
    const decision: Decision = { ...facts, isCancelledNow, wasPublished };
    report.decided(decision);
    const needsEvent = (isCancelledNow && !wasPublished) || outcome === 'would_cancel';
    // Publish, then note: if the function dies in between, the event comes twice rather than never.
    const isPublished = !needsEvent || (await report.publishCancellation(decision));
    if (outcome === 'cancelling' && !wasPublished && isPublished) {
      await table()
        .noteCancelling(job.id, now)
        .catch((error) => report.problem({ project, job }, error));
    }
    return decision;
  };

  for (let attempts = 0; ; ) {
    const look = await readJob(target, first ? undefined : target.firstLook, context).catch((error) => {
      throw failure
        ? cancelError(failure.error, 'It is unknown whether the cancel had an effect: the job could not be read again.')
        : error;
    });
    first ??= look;
    const { job } = look;
    const outcome = decideOutcome(look, target, failure !== undefined, context.now);
    if (outcome) return conclude(look, outcome, failure ? job.status : null, mayHaveWorked);
    if (failure && isLastLook) {
      // An earlier cancel may have been accepted.
      const row = failure.isRefusal ? await context.table().read(jobId) : {};
      if (row.cancellingSince !== undefined) return conclude({ ...look, row }, 'cancelling', job.status, false);
      throw cancelError(
        failure.error,
        `As far as we can tell, the cancel had no effect: the job is now "${job.status}".`,
      );
    }

    const reply = await project.provider.cancel(jobId);
    if (reply.kind === 'not_sent') continue;
    if (reply.kind === 'accepted') {
      const options = { signal: context.time.signal, withMetadata: false };
      const after = reply.job ?? (await project.provider.retrieve(jobId, options).catch(() => null));
      return conclude(look, outcomeAfterCancel(after), after?.status ?? null, true);
    }
    failure = reply;
    mayHaveWorked ||= !reply.isRefusal && !reply.isUncounted;
    if (!reply.isUncounted) attempts += 1;
    isLastLook = attempts === maxAttempts || !(await waitBeforeLook(reply, attempts, context));
  }
}

/** Reads and judges the job. A sweep reads its row too: it may have been extended since it was listed. */
async function readJob({ project, jobId, reason }: CancelTarget, known: Job | undefined, context: Context) {
  const isSweep = reason === 'time_budget';
  const { signal } = context.time;
  const job = known ?? (await project.provider.retrieve(jobId, { signal, withMetadata: isSweep }));
  if (isSweep && job.phase === 'waiting') {
    // It may have been running when listed, and since been interrupted by its provider.
    const noted = context.table().noteWaiting(jobId, context.now);
    await noted.catch((error) => context.report.problem({ project, job }, error));
  }
  return loadAndJudge(project, job, isSweep, context);
}

/** Returns the outcome if no cancel is needed; undefined if one has to be sent. */
function decideOutcome(
  { job, row, judgement, readError }: JudgedJob,
  { reason, dryRun }: CancelTarget,
  wasSent: boolean,
  now: number,
): Outcome | undefined {
  if (job.phase === 'finished') return wasSent && job.wasCancelled ? 'cancelled' : 'already_finished';
  if (job.phase === 'cancelling') return 'cancelling';
  if (!isActive(job)) return 'not_cancellable';
  if (reason === 'time_budget') {
    if (readError) throw readError;
    if (!judgement.isOverdue) return judgement.budgetFrom === 'exempt' ? 'exempt' : 'within_budget';
    if (cancelProgress(row, now) === 'recent') return 'cancelling';
  }
  return dryRun ? 'would_cancel' : undefined;
}

/** After an accepted cancel, a job that has not finished is cancelling. */
function outcomeAfterCancel(job: Job | null): Outcome {
  if (job?.phase !== 'finished') return 'cancelling';
  return job.wasCancelled ? 'cancelled' : 'already_finished';
}

/**
 * Waits as long as the provider asks, else with exponential backoff; after a rate-limited cancel not at all, since the rate
 * limit delays the next look. Returns false if waiting would not help or there is not enough time.
 */
async function waitBeforeLook(
  { mayRetry, isUncounted, askedWaitMs }: FailedCancel,
  attempts: number,
  { time }: Context,
) {
  const waitMs = isUncounted ? 0 : (askedWaitMs ?? firstWaitMs * 2 ** (attempts - 1));
  if (!mayRetry || performance.now() + waitMs >= time.endsAt) return false;
  return sleep(waitMs, true, { signal: time.signal }).catch(() => false);
}

/** A job that was just read exists, so a 404 to its cancel is the provider's fault. */
function cancelError(error: Error, effect: string): Error {
  const message = `${error.message} ${effect}`;
  return error instanceof JobNotFoundError ? new OpenAIError(message) : withMessage(error, message);
}

/** Returns the field that names a project, in deployments that have `projects`. */
export function inProject({ name }: Project): { project?: string } {
  return name === undefined ? {} : { project: name };
}

/** Returns a decision as the answer to a cancel. */
export function toCancelAnswer({ project, job, outcome, finalStatus }: Decision): CancelAnswer {
  return { ...inProject(project), jobId: job.id, outcome, initialStatus: job.status, finalStatus };
}
