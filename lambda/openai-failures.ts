import { type Answer, AttemptTimeout, ConnectionFailure, TimeUp } from './attempt.ts';
import { AuthenticationError, JobNotFoundError, OpenAIError, RateLimitError } from './errors.ts';

/** OpenAI answered, and the status is none of success. */
export class Refusal extends Error {
  readonly answer: Answer;

  constructor(answer: Answer) {
    super(String(answer.status));
    this.answer = answer;
  }
}

/** A successful answer that is not JSON. */
export class NotJson extends Error {}

/** A successful answer whose fields are missing or of the wrong type. */
export class WrongShape extends Error {
  /** Such as `data.0.status`; empty where there was no body. */
  readonly paths: string[];

  constructor(paths: string[]) {
    super(paths.join());
    this.paths = paths;
  }
}

/**
 * Turns whatever went wrong in one call into an error that a caller can catch by name.
 *
 * The original is not attached as a cause, and no text of the answer is quoted, only its status, its machine-readable
 * code and its request id: OpenAI's messages can quote a part of the key.
 *
 * @param error what went wrong.
 * @param call what the call was for, in words, and the job that it was about, if it was about one.
 */
export function namedOpenAIError(
  error: unknown,
  { purpose, jobId }: { purpose: string; jobId?: string },
): Error {
  const failed = `Could not ${purpose}${jobId === undefined ? '' : ` "${jobId}"`}:`;
  if (error instanceof Refusal) return refusal(error.answer, failed, jobId !== undefined);
  if (error instanceof AttemptTimeout) {
    return new OpenAIError(`${failed} OpenAI did not answer in time. Try again; see status.openai.com.`);
  }
  if (error instanceof ConnectionFailure) {
    return new OpenAIError(
      `${failed} the connection failed (${error.code}). Check openaiBaseUrl and the function's network.`,
    );
  }
  if (error instanceof WrongShape) {
    const wrong = error.paths.filter(Boolean).slice(0, 3).join(', ') || 'no body';
    return new OpenAIError(
      `${failed} the answer lacks what the API promises (${wrong}). Check that openaiBaseUrl is an OpenAI API.`,
    );
  }
  if (error instanceof NotJson) {
    return new OpenAIError(`${failed} the answer is not JSON. Check that openaiBaseUrl is an OpenAI API.`);
  }
  if (error instanceof TimeUp) {
    return new OpenAIError(`${failed} the time was up before OpenAI answered. Try again.`);
  }
  return new OpenAIError(
    `${failed} ${error instanceof Error ? error.name : 'an unknown error'} in the client.`,
  );
}

function refusal(refused: Answer, failed: string, isAboutJob: boolean): Error {
  const { status } = refused;
  const answer = `${failed} OpenAI answered ${status}${details(refused)}.`;
  if (status === 401 || status === 403) {
    return new AuthenticationError(
      `${answer} Check that the key in Secrets Manager is active and may read and write fine-tuning jobs.`,
    );
  }
  if (status === 404 && isAboutJob) {
    return new JobNotFoundError(`${answer} Check the job id, and that the key belongs to the job's project.`);
  }
  if (status === 429) {
    return new RateLimitError(
      `${answer} Wait, then try again; check the rate limits and quota of the project.`,
    );
  }
  if (status < 400) {
    return new OpenAIError(`${answer} Redirects are not followed: set openaiBaseUrl to where the API is.`);
  }
  return new OpenAIError(
    `${answer} ${status < 500 ? 'Check openaiBaseUrl and the job itself.' : 'Try again; see status.openai.com.'}`,
  );
}

/** ` (insufficient_quota, request id req_…)`, as far as the answer has them in a form that can hold no key. */
function details({ headers, text }: Answer): string {
  const code = readCode(text);
  const requestId = headers.get('x-request-id');
  const parts = [
    ...(code ? [code] : []),
    ...(requestId && /^req_[a-z0-9]{1,64}$/i.test(requestId) ? [`request id ${requestId}`] : []),
  ];
  return parts.length > 0 ? ` (${parts.join(', ')})` : '';
}

/** The `code`, or else the `type`, of the vendor's error body `{"error": {"message", "type", "param", "code"}}`. */
function readCode(text: string): string | undefined {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof body !== 'object' || body === null || !('error' in body)) return undefined;
  const { error } = body;
  if (typeof error !== 'object' || error === null) return undefined;
  const candidates = ['code' in error && error.code, 'type' in error && error.type];
  return candidates.find((code): code is string => typeof code === 'string' && /^[a-z_]{1,64}$/.test(code));
}
