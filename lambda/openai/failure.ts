import { HTTPError, NetworkError, SchemaValidationError } from 'ky';
import type { TimeLeft } from '../curfew/context.ts';
import type { FailedCancel } from '../curfew/job.ts';
import {
  ApiKeyError,
  AuthenticationError,
  JobNotFoundError,
  OpenAIError,
  QuotaError,
  RateLimitError,
  toError,
} from '../errors.ts';
import { AnswerTooLongError, AttemptTimeoutError, CredentialChangedError } from './fetch.ts';
import { askedWaitMs, codesIn, type HttpAnswer, isAboutPace, isAboutQuota, isWorthRetrying } from './refusal.ts';

/** Returns an error answer of ky's in our terms. Its data is text, because `fetch` drops the type of its content. */
export function toAnswer({ response, data }: HTTPError): HttpAnswer {
  return { status: response.status, headers: response.headers, body: typeof data === 'string' ? data : '' };
}

/**
 * Turns whatever went wrong in a call into an error that a caller can catch by name.
 *
 * No text of the answer is quoted, only its status, its machine-readable code and its request id: the rest could hold a
 * part of the key. For the same reason there is no `cause`.
 *
 * @param purpose what the call was for, as in `retrieve the job "ftjob-1"`.
 */
export function toNamedFailure(thrown: unknown, purpose: string): Error {
  const failure = toError(thrown);
  const failed = `Could not ${purpose}:`;
  const openAIError = (message: string) => new OpenAIError(`${failed} ${message}`);
  const notTheApi = (what: string) => openAIError(`${what}. Check that openaiBaseUrl is an OpenAI API.`);
  if (failure instanceof ApiKeyError || failure instanceof OpenAIError) return failure;
  if (failure instanceof HTTPError) return refusedError(toAnswer(failure), failed);
  if (failure instanceof CredentialChangedError) return refusedError(failure.answer, failed);
  if (failure instanceof NetworkError) return openAIError(describeNetworkError(failure));
  if (failure instanceof AnswerTooLongError) return notTheApi('the answer is longer than any of the API');
  if (failure instanceof SyntaxError) return notTheApi('the answer is not JSON');
  if (failure instanceof SchemaValidationError) {
    const fields = failure.issues.map(({ path = [] }) =>
      path.map((part) => (typeof part === 'object' ? part.key : part)).join('.'),
    );
    const missing = fields.map((field) => field || 'the whole body').join(', ');
    return notTheApi(`the answer lacks what the API promises (${missing})`);
  }
  if (failure.name === 'AbortError' || failure.name === 'TimeoutError') {
    return openAIError('time ran out before the provider answered. Try again.');
  }
  return openAIError(`unexpected ${failure.name} in this function. Try again; if it persists, report it as a bug.`);
}

function describeNetworkError({ cause }: NetworkError): string {
  const reason = toError(toError(cause).cause);
  if (reason instanceof AttemptTimeoutError) {
    return "the provider did not answer in time. Try again; see the provider's status page.";
  }
  const code = 'code' in reason && typeof reason.code === 'string' ? reason.code : reason.name;
  return `the connection failed (${code}). Check openaiBaseUrl and the function's network.`;
}

function refusedError(refusal: HttpAnswer, failed: string): Error {
  const { status } = refusal;
  const answer = `${failed} the provider answered ${status}${describeDetails(refusal)}.`;
  if (isAboutQuota(refusal)) {
    return new QuotaError(`${answer} Waiting does not help: check the billing, the spend limits and the account.`);
  }
  if (status === 401 || status === 403) {
    return new AuthenticationError(
      `${answer} Check that the credential is active and may read and cancel fine-tuning jobs.`,
    );
  }
  if (status === 429)
    return new RateLimitError(`${answer} Wait, then try again; check the rate limits of the project.`);
  if (status < 400) {
    return new OpenAIError(`${answer} Redirects are not followed: set openaiBaseUrl to where the API is.`);
  }
  const advice =
    status < 500 ? 'Check openaiBaseUrl and the job itself.' : "Try again; see the provider's status page.";
  return new OpenAIError(`${answer} ${advice}`);
}

/** Returns details such as ` (insufficient_quota, request id req_…)`, if their form rules out that they hold a key. */
function describeDetails(refusal: HttpAnswer): string {
  const code = codesIn(refusal).find((candidate) => /^[a-z_]+$/i.test(candidate));
  const requestId = refusal.headers.get('x-request-id') ?? '';
  const isRequestId = /^req_[a-z0-9]{1,64}$/i.test(requestId);
  const details = [code, isRequestId && `request id ${requestId}`].filter(Boolean);
  return details.length > 0 ? ` (${details.join(', ')})` : '';
}

/** Returns the error for a job that its provider does not know. */
export function notFoundError(jobId: string): JobNotFoundError {
  return new JobNotFoundError(
    `There is no fine-tuning job "${jobId}". Check the job id, and that the key belongs to the job's project.`,
  );
}

/** Returns whether a failed call may succeed later, within the time that is left. */
export function mayRetry(error: Error, { endsAt }: TimeLeft): boolean {
  if (!(error instanceof HTTPError)) return error instanceof NetworkError;
  const answer = toAnswer(error);
  const waitMs = askedWaitMs(answer.headers) ?? 0;
  return !isAboutPace(answer) && isWorthRetrying(answer) && performance.now() + waitMs < endsAt;
}

/** Statuses of a refused cancel that say nothing about this job. */
const impersonalStatuses: ReadonlySet<number> = new Set([401, 402, 403, 408, 429]);

/** Returns why a cancel failed, and whether another one is worth it. */
export function toFailedCancel(thrown: unknown, purpose: string, time: TimeLeft, isClosed: boolean): FailedCancel {
  const error = toNamedFailure(thrown, purpose);
  const failed = { kind: 'failed' as const, error, mayRetry: false, isFree: false, isRefusal: false };
  if (thrown instanceof CredentialChangedError) return { ...failed, mayRetry: true, isFree: true };
  if (!(thrown instanceof HTTPError)) return { ...failed, mayRetry: thrown instanceof NetworkError };
  const answer = toAnswer(thrown);
  const isFree = isAboutPace(answer);
  return {
    ...failed,
    // The rate limit makes the next look wait.
    mayRetry: isFree ? isWorthRetrying(answer) && !isClosed : mayRetry(thrown, time),
    askedWaitMs: askedWaitMs(answer.headers),
    isFree,
    isRefusal: answer.status >= 400 && answer.status < 500 && !impersonalStatuses.has(answer.status),
  };
}
