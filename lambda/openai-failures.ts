import { isHTTPError, isNetworkError, isTimeoutError, SchemaValidationError } from 'ky';
import { AuthenticationError, JobNotFoundError, OpenAIError, RateLimitError } from './errors.ts';
import { asError } from './thrown.ts';

/**
 * Turns whatever went wrong in one call into an error that a caller can catch by name.
 *
 * The original is not attached as a cause: ky's errors hold the request, and with it the key. For the same reason
 * no text of the answer is quoted, only its status, its machine-readable code and its request id.
 *
 * @param error what ky threw.
 * @param call what the call was for, in words, and the job that it was about, if it was about one.
 */
export function namedOpenAIError(
  error: unknown,
  { purpose, jobId }: { purpose: string; jobId?: string },
): Error {
  const failed = `Could not ${purpose}${jobId === undefined ? '' : ` "${jobId}"`}:`;
  if (isHTTPError(error)) return refusal(error.response, error.data, failed, jobId !== undefined);
  if (isTimeoutError(error)) {
    return new OpenAIError(`${failed} OpenAI did not answer in time. Try again; see status.openai.com.`);
  }
  if (isConnectionFailure(error)) {
    return new OpenAIError(
      `${failed} the connection failed (${networkCode(error)}). Check openaiBaseUrl and the function's network.`,
    );
  }
  if (error instanceof SchemaValidationError) {
    return new OpenAIError(
      `${failed} the answer lacks what the API promises (${wrongFields(error)}). Check that openaiBaseUrl is an OpenAI API.`,
    );
  }
  if (error instanceof SyntaxError) {
    return new OpenAIError(`${failed} the answer is not JSON. Check that openaiBaseUrl is an OpenAI API.`);
  }
  if (error instanceof DOMException) {
    return new OpenAIError(`${failed} the time was up before OpenAI answered. Try again.`);
  }
  return new OpenAIError(`${failed} ${asError(error).name} in the client.`);
}

/** The connection failed before the answer; or, which fetch says by a TypeError, in its body. */
export function isConnectionFailure(error: unknown): error is Error {
  return isNetworkError(error) || error instanceof TypeError;
}

function refusal(response: Response, body: unknown, failed: string, isAboutJob: boolean): Error {
  const answer = `${failed} OpenAI answered ${response.status}${details(response, body)}.`;
  const { status } = response;
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
function details(response: Response, body: unknown): string {
  const code = readCode(body);
  const requestId = response.headers.get('x-request-id');
  const parts = [
    ...(code ? [code] : []),
    ...(requestId && /^req_[a-z0-9]{1,64}$/i.test(requestId) ? [`request id ${requestId}`] : []),
  ];
  return parts.length > 0 ? ` (${parts.join(', ')})` : '';
}

/** The `code`, or else the `type`, of the vendor's error body `{"error": {"message", "type", "param", "code"}}`. */
function readCode(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null || !('error' in body)) return undefined;
  const { error } = body;
  if (typeof error !== 'object' || error === null) return undefined;
  const candidates = ['code' in error && error.code, 'type' in error && error.type];
  return candidates.find((code): code is string => typeof code === 'string' && /^[a-z_]{1,64}$/.test(code));
}

/** `ECONNREFUSED` and the like, from the chain of causes that fetch leaves. */
function networkCode(error: Error): string {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if ('code' in cause && typeof cause.code === 'string') return cause.code;
  }
  return 'no code';
}

/** The paths of the fields that are missing or of the wrong type, such as `data.0.status`. */
function wrongFields(error: SchemaValidationError): string {
  const paths = error.issues.map((issue) =>
    (issue.path ?? []).map((part) => String(typeof part === 'object' ? part.key : part)).join('.'),
  );
  return paths.slice(0, 3).join(', ') || 'no body';
}
