import { HTTPError, NetworkError, SchemaValidationError } from 'ky';
import * as v from 'valibot';
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
import { ThrottledError } from '../rate-limit.ts';

export interface HttpAnswer {
  status: number;
  headers: Headers;
  body: string;
}

/** What an unsuccessful answer says. */
export interface Refusal {
  status: number;
  /** `code` and `type` of the body `{"error": {"code", "type", …}}`, if they look like codes. */
  codes: string[];
  requestId: string;
  /** The wait that the provider asks for, in milliseconds. */
  askedWaitMs: number | undefined;
  /** It is about money, quota or the account, so waiting does not help. */
  isAboutQuota: boolean;
  /** It is about the rate of calls, so waiting helps. */
  isThrottled: boolean;
  /** The same call may succeed later, as the provider says or else its own clients assume. */
  isTemporary: boolean;
}

export class AttemptTimeoutError extends Error {}
/** The body is longer than any answer of the API. */
export class AnswerTooLongError extends Error {}
export class ThrottledAnswerError extends ThrottledError {
  readonly answer: HttpAnswer;

  constructor(answer: HttpAnswer, { askedWaitMs = 0, isTemporary }: Refusal) {
    super();
    this.askedMs = askedWaitMs;
    this.mayRetry = isTemporary;
    this.answer = answer;
  }
}
/** A cancel was refused, but its key has been replaced since. */
export class CredentialChangedError extends Error {
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super();
    this.refusal = refusal;
  }
}

/** Codes of refusals that waiting does not fix; see OpenAI's help on spend limits. */
const quotaCodes: ReadonlySet<string> = new Set([
  'insufficient_quota',
  'credit_balance_exhausted',
  'billing_hard_limit_reached',
  'organization_spend_limit_exceeded',
  'project_spend_limit_exceeded',
  'organization_usage_limit_exceeded',
  'billing_not_active',
]);
/** Words in other codes of that kind, about money, a quota, or the state of the account. */
const quotaWords =
  /quota|billing|balance|credit|spend|payment|unpaid|funds|budget|subscription|account|suspend|deactivat|not_active|inactive/i;
const throttlingWords = /rate|requests|tokens|throttl|overload/i;
const quotaStatuses: ReadonlySet<number> = new Set([400, 403, 429]);
const temporaryStatuses: ReadonlySet<number> = new Set([408, 409, 429]);
/** HTTP statuses of a refused cancel that have nothing to do with the job. */
const unrelatedStatuses: ReadonlySet<number> = new Set([401, 402, 403, 408, 429]);

const code = v.fallback(v.pipe(v.string(), v.regex(/^[\w.-]{1,64}$/)), '');
const errorBody = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({ error: v.object({ code: v.optional(code, ''), type: v.optional(code, '') }) }),
);

/** Parses a refusal. Ignores the message in its body, which may quote part of the key. */
export function readRefusal({ status, headers, body }: HttpAnswer): Refusal {
  const parsed = v.safeParse(errorBody, body);
  const codes = parsed.success ? Object.values(parsed.output.error).filter((code) => code !== '') : [];
  const waitMs = askedWaitMs(headers);
  const isListed = codes.some((code) => quotaCodes.has(code));
  const soundsThrottled = codes.some((code) => throttlingWords.test(code)) || waitMs !== undefined;
  const soundsLikeQuota = isListed || (!soundsThrottled && codes.some((code) => quotaWords.test(code)));
  const isAboutQuota = status === 402 || (quotaStatuses.has(status) && soundsLikeQuota);
  const hint = headers.get('x-should-retry');
  const isTemporary = hint === 'true' || (hint !== 'false' && (temporaryStatuses.has(status) || status >= 500));
  return {
    status,
    codes,
    requestId: String(headers.get('x-request-id')),
    askedWaitMs: waitMs,
    isAboutQuota,
    isThrottled: status === 429 && !isAboutQuota,
    isTemporary: isTemporary && !isAboutQuota,
  };
}

/**
 * Returns the wait that the provider asks for, in milliseconds: `retry-after-ms`, or `retry-after` in seconds or as a date.
 * A date is compared with the answer's own `Date`, because our clocks may differ.
 */
export function askedWaitMs(headers: Headers): number | undefined {
  const milliseconds = Number.parseFloat(String(headers.get('retry-after-ms')));
  if (milliseconds >= 0) return milliseconds;
  const after = String(headers.get('retry-after'));
  const seconds = Number.parseFloat(after);
  if (seconds >= 0) return seconds * 1000;
  const until = Date.parse(after);
  const answeredAt = Date.parse(String(headers.get('date')));
  return Number.isNaN(until) ? undefined : Math.max(0, until - (Number.isNaN(answeredAt) ? Date.now() : answeredAt));
}

/** Parses the refusal in a ky error. Its data is text, because our `fetch` drops the content type. */
export function refusalIn({ response: { status, headers }, data }: HTTPError): Refusal {
  return readRefusal({ status, headers, body: String(data) });
}

/** Returns whether ky should retry a failed call in the time left. The rate limit itself repeats rate-limited calls. */
export function mayRetry(error: Error, { endsAt }: TimeLeft): boolean {
  if (!(error instanceof HTTPError)) return error instanceof NetworkError;
  const { isThrottled, isTemporary, askedWaitMs = 0 } = refusalIn(error);
  return !isThrottled && isTemporary && performance.now() + askedWaitMs < endsAt;
}

/** Returns why a cancel failed, and whether to try another one. */
export function toFailedCancel(thrown: unknown, purpose: string, time: TimeLeft, isClosed: boolean): FailedCancel {
  const error = toNamedFailure(thrown, purpose);
  const failed = { kind: 'failed' as const, error, isUncounted: false, isRefusal: false };
  if (thrown instanceof CredentialChangedError) return { ...failed, mayRetry: true, isUncounted: true };
  if (!(thrown instanceof HTTPError)) return { ...failed, mayRetry: thrown instanceof NetworkError };
  const { status, isThrottled, isTemporary, askedWaitMs } = refusalIn(thrown);
  return {
    ...failed,
    // The rate limit delays the next look.
    mayRetry: isThrottled ? isTemporary && !isClosed : mayRetry(thrown, time),
    askedWaitMs,
    isUncounted: isThrottled,
    isRefusal: status >= 400 && status < 500 && !unrelatedStatuses.has(status),
  };
}

/**
 * Converts any failure of a call into an error that callers can catch by name.
 *
 * Quotes only the status, the machine-readable code and the request id of an answer: the rest could contain part of the
 * key. For the same reason, there is no `cause`.
 *
 * @param purpose what the call was for, as in `retrieve the job "ftjob-1"`.
 */
export function toNamedFailure(thrown: unknown, purpose: string): Error {
  const failure = toError(thrown);
  const failed = `Could not ${purpose}:`;
  const openAIError = (message: string) => new OpenAIError(`${failed} ${message}`);
  const notTheApi = (what: string) => openAIError(`${what}. Check that openaiBaseUrl is an OpenAI API.`);
  if (failure instanceof ApiKeyError || failure instanceof OpenAIError) return failure;
  if (failure instanceof HTTPError) return refusedError(refusalIn(failure), failed);
  if (failure instanceof CredentialChangedError) return refusedError(failure.refusal, failed);
  if (failure instanceof NetworkError) return openAIError(describeNetworkError(failure));
  if (failure instanceof AnswerTooLongError) return notTheApi('the answer is longer than any answer of the API');
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

function refusedError({ status, codes, requestId, isAboutQuota }: Refusal, failed: string): Error {
  // Text in these forms cannot be a key.
  const code = codes.find((candidate) => /^[a-z_]+$/i.test(candidate));
  const id = /^req_[a-z0-9]{1,64}$/i.test(requestId) && `request id ${requestId}`;
  const details = [code, id].filter(Boolean).join(', ');
  const answer = `${failed} the provider answered ${status}${details && ` (${details})`}.`;
  if (isAboutQuota) {
    return new QuotaError(`${answer} Waiting does not help: check the billing, the spend limits and the account.`);
  }
  if (status === 401 || status === 403) {
    const advice = 'Check that the credential is active and may read and cancel fine-tuning jobs.';
    return new AuthenticationError(`${answer} ${advice}`);
  }
  if (status === 429) {
    return new RateLimitError(`${answer} Wait, then try again; check the rate limits of the project.`);
  }
  const advice =
    status < 400
      ? 'Redirects are not followed: set openaiBaseUrl to where the API is.'
      : status < 500
        ? 'Check openaiBaseUrl and the job itself.'
        : "Try again; see the provider's status page.";
  return new OpenAIError(`${answer} ${advice}`);
}

/** Returns the error for a job that its provider does not know. */
export function notFoundError(jobId: string): JobNotFoundError {
  return new JobNotFoundError(
    `There is no fine-tuning job "${jobId}". Check the job id, and that the key belongs to the job's project.`,
  );
}
