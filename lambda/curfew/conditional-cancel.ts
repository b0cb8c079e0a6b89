import {
  ApiKeyError,
  AuthenticationError,
  asError,
  OpenAIError,
  QuotaError,
  RateLimitError,
  withMessage,
} from '../errors.ts';
import type { Decision } from './decision.ts';
import { type FineTuningApi, isCancelled, isFinished, isInProgress, type Job } from './job.ts';

/** What became of a job that was to be cancelled. */
export type Ending = Pick<Decision, 'outcome' | 'finalStatus'>;

/**
 * Cancels a job whose status was just read, if it is still in progress.
 *
 * @param dryRun whether to leave out the cancel and say `would_cancel` instead.
 * @throws the error of the failed cancel, if the job goes on or cannot be read again.
 */
export async function cancelIfInProgress(
  api: FineTuningApi,
  { id, status }: Pick<Job, 'id' | 'status'>,
  dryRun: boolean,
): Promise<Ending> {
  if (isFinished(status)) return { outcome: 'already_finished', finalStatus: null };
  if (!isInProgress(status)) return { outcome: 'not_cancellable', finalStatus: null };
  if (dryRun) return { outcome: 'would_cancel', finalStatus: null };
  const finalStatus = await statusAfterCancel(api, id);
  return { outcome: outcomeOf(finalStatus), finalStatus };
}

/** Whatever has not finished after an accepted cancel is on its way there. */
function outcomeOf(finalStatus: string): Ending['outcome'] {
  if (isCancelled(finalStatus)) return 'cancelled';
  return isFinished(finalStatus) ? 'already_finished' : 'cancelling';
}

/**
 * Sends the cancel. However it fails, the job may have finished first, or the cancel may have worked all the same:
 * only the job itself knows.
 */
async function statusAfterCancel(api: FineTuningApi, jobId: string): Promise<string> {
  try {
    return (await api.cancel(jobId)).status;
  } catch (thrown) {
    const error = asError(thrown);
    const status = await statusAfter(error, api, jobId);
    if (status === undefined) {
      throw cancelError(
        error,
        'Whether the cancel had an effect is not known: the job could not be read again.',
      );
    }
    if (isFinished(status)) return status;
    throw cancelError(error, `As far as we can tell, the cancel had no effect: the job is now "${status}".`);
  }
}

/** The second look is only evidence: if it fails too, the first error is the one to report. */
function statusAfter(failure: Error, api: FineTuningApi, jobId: string): Promise<string | undefined> {
  return api.retrieveAfter(failure, jobId).then(
    ({ status }) => status,
    () => undefined,
  );
}

/** A job that was there a moment ago is not unknown: what is not about access or pace is the provider's fault. */
function cancelError(error: Error, effect: string): Error {
  const message = `${error.message} ${effect}`;
  const keepsItsName = [AuthenticationError, ApiKeyError, RateLimitError, QuotaError].some(
    (named) => error instanceof named,
  );
  return keepsItsName ? withMessage(error, message) : new OpenAIError(message);
}
