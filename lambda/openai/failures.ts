import {
  AuthenticationError,
  asError,
  JobNotFoundError,
  OpenAIError,
  QuotaError,
  RateLimitError,
} from '../errors.ts';
import { ErrorAnswer, UnreadableAnswer } from './answer.ts';
import { AttemptTooLong, isConnectionFailure } from './backoff.ts';

/** The time that the call was given is over. */
export class TimeUp extends Error {
  override readonly name = 'TimeUp';
  /** What the call could not be sent for: a refusal that another one got. */
  readonly refusal: ErrorAnswer | undefined;

  constructor(refusal?: ErrorAnswer) {
    super('The time is up');
    this.refusal = refusal;
  }
}

/**
 * Turns whatever went wrong in one call into an error that a caller can catch by name.
 *
 * The original is not attached as a cause: it may hold the request, and with it the credential. For the same reason
 * no text of the answer is quoted, only its status, its machine-readable code and its request id.
 *
 * @param failure what the call ended in.
 * @param call what the call was for, in words, and the job that it was about, if it was about one.
 */
export function namedFailure(
  failure: unknown,
  { purpose, jobId }: { purpose: string; jobId?: string },
): Error {
  const failed = `Could not ${purpose}${jobId === undefined ? '' : ` "${jobId}"`}:`;
  if (failure instanceof ErrorAnswer) return answeredError(failure, failed, jobId !== undefined);
  if (failure instanceof TimeUp) {
    return new OpenAIError(`${failed} time ran out before the provider answered. Try again.`);
  }
  if (failure instanceof AttemptTooLong) {
    return new OpenAIError(
      `${failed} the provider did not answer in time. Try again; see the provider's status page.`,
    );
  }
  if (isConnectionFailure(failure)) {
    return new OpenAIError(
      `${failed} the connection failed (${failure.code}). Check openaiBaseUrl and the function's network.`,
    );
  }
  if (failure instanceof UnreadableAnswer) {
    return new OpenAIError(
      `${failed} the answer ${failure.message}. Check that openaiBaseUrl is an OpenAI API.`,
    );
  }
  return new OpenAIError(
    `${failed} unexpected ${asError(failure).name} in this function. Try again; if it persists, report it as a bug.`,
  );
}

function answeredError(errorAnswer: ErrorAnswer, failed: string, isAboutJob: boolean): Error {
  const { status } = errorAnswer;
  const answer = `${failed} the provider answered ${status}${detailsOf(errorAnswer)}.`;
  if (status === 401 || status === 403) {
    return new AuthenticationError(
      `${answer} Check that the credential is active and may read and cancel fine-tuning jobs.`,
    );
  }
  if (status === 404 && isAboutJob) {
    return new JobNotFoundError(`${answer} Check the job id, and that the key belongs to the job's project.`);
  }
  if (errorAnswer.isAboutQuota) {
    return new QuotaError(`${answer} Waiting does not help: check the billing and the spend limits.`);
  }
  if (status === 429) {
    return new RateLimitError(`${answer} Wait, then try again; check the rate limits of the project.`);
  }
  if (status < 400) {
    return new OpenAIError(`${answer} Redirects are not followed: set openaiBaseUrl to where the API is.`);
  }
  return new OpenAIError(
    `${answer} ${status < 500 ? 'Check openaiBaseUrl and the job itself.' : "Try again; see the provider's status page."}`,
  );
}

/** ` (insufficient_quota, request id req_…)`, as far as the answer has them in a form that can hold no key. */
function detailsOf({ headers, codes: [code] }: ErrorAnswer): string {
  const requestId = headers['x-request-id'];
  const parts = [
    ...(code ? [code] : []),
    ...(requestId && /^req_[a-z0-9]{1,64}$/i.test(requestId) ? [`request id ${requestId}`] : []),
  ];
  return parts.length > 0 ? ` (${parts.join(', ')})` : '';
}
