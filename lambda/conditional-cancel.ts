import { OpenAIError } from './errors.ts';
import type { FineTuningApi, Job } from './fine-tuning-api.ts';

const inProgressStatuses: ReadonlySet<string> = new Set(['validating_files', 'queued', 'running']);
const terminalStatuses: ReadonlySet<string> = new Set(['succeeded', 'failed', 'cancelled']);

/** What became of one job. */
export type Outcome = 'cancelled' | 'cancelling' | 'already_finished' | 'would_cancel' | 'not_cancellable';

/** The answer to one cancel. `finalStatus` is the status after a cancel was sent, `null` if none was. */
export interface CancelResult {
  jobId: string;
  outcome: Outcome;
  initialStatus: string;
  finalStatus: string | null;
}

/** Whether a job of this status still runs and can be cancelled. */
export function isInProgress(status: string): boolean {
  return inProgressStatuses.has(status);
}

/**
 * Looks at the job and cancels it only if it is still in progress.
 *
 * @param api the fine-tuning endpoints.
 * @param jobId a checked job id.
 * @param dryRun whether to leave out the cancel and say `would_cancel` instead.
 * @returns the job as it was read first, and the result.
 * @throws whatever `api` throws, and OpenAIError where a cancel was refused and the job goes on.
 */
export async function conditionalCancel(
  api: FineTuningApi,
  jobId: string,
  dryRun: boolean,
): Promise<{ job: Job; result: CancelResult }> {
  const job = await api.retrieve(jobId);
  return { job, result: await cancelIfInProgress(api, job, dryRun) };
}

/** The same for a job whose status was just read, as in a list. */
export async function cancelIfInProgress(
  api: FineTuningApi,
  { id: jobId, status: initialStatus }: Job,
  dryRun: boolean,
): Promise<CancelResult> {
  const result = (outcome: Outcome, finalStatus: string | null = null) => ({
    jobId,
    outcome,
    initialStatus,
    finalStatus,
  });
  if (terminalStatuses.has(initialStatus)) return result('already_finished');
  if (!isInProgress(initialStatus)) return result('not_cancellable');
  if (dryRun) return result('would_cancel');
  const finalStatus = await statusAfterCancel(api, jobId);
  return result(outcomeOf(finalStatus), finalStatus);
}

/** A status after an accepted cancel: whatever is not terminal yet is on its way there. */
function outcomeOf(finalStatus: string): Outcome {
  if (finalStatus === 'cancelled') return 'cancelled';
  return terminalStatuses.has(finalStatus) ? 'already_finished' : 'cancelling';
}

/**
 * Sends the cancel. Where it is refused, or its answer is lost or unreadable, the job may have finished first,
 * or the cancel may have worked all the same: the job itself tells.
 */
async function statusAfterCancel(api: FineTuningApi, jobId: string): Promise<string> {
  try {
    return (await api.cancel(jobId)).status;
  } catch (error) {
    if (!(error instanceof OpenAIError)) throw error;
    const status = await statusNow(api, jobId);
    if (status !== undefined && terminalStatuses.has(status)) return status;
    const now = status === undefined ? 'could not be read again' : `is now "${status}"`;
    throw new OpenAIError(`${error.message} The cancel did not take effect as far as known: the job ${now}.`);
  }
}

/** The second look is only evidence: where it fails too, the first error is the one to report. */
async function statusNow(api: FineTuningApi, jobId: string): Promise<string | undefined> {
  try {
    return (await api.retrieve(jobId)).status;
  } catch {
    return undefined;
  }
}
