/**
 * The errors a caller can meet. Their `name` is the contract: AWS reports it as the error type, so Step Functions can
 * match it in `ErrorEquals`. Their messages say what to do next. They hold neither a credential nor any prose of the
 * provider's, because its messages can quote a part of the key.
 */

/** The request is not one that this function understands. Nothing was sent anywhere. */
export class InvalidRequestError extends Error {
  override readonly name = 'InvalidRequestError';
}

/** The secret that holds the API key is missing, denied, malformed, or could not be read in time. */
export class ApiKeyError extends Error {
  override readonly name = 'ApiKeyError';
}

/** The provider refuses the credential, even after a refresh. */
export class AuthenticationError extends Error {
  override readonly name = 'AuthenticationError';
}

/** No project has a fine-tuning job with this id. */
export class JobNotFoundError extends Error {
  override readonly name = 'JobNotFoundError';
}

/** The provider asks to slow down (429) for longer than we can wait. */
export class RateLimitError extends Error {
  override readonly name = 'RateLimitError';
}

/** The provider refuses (429) for a reason that no waiting cures, such as a spent budget. */
export class QuotaError extends Error {
  override readonly name = 'QuotaError';
}

/** The work was done in part. Trying again is safe, and does the rest. */
export class IncompleteError extends Error {
  override readonly name = 'IncompleteError';
}

/** The table that holds extensions could not be read or written. */
export class StateError extends Error {
  override readonly name = 'StateError';
}

/** The provider could not be reached, did not answer in time, failed, refused, or broke the promises of its API. */
export class OpenAIError extends Error {
  override readonly name = 'OpenAIError';
}

/** An error as answers and log lines hold it. */
export interface NamedError {
  name: string;
  message: string;
}

/** Whatever was thrown, as an error: JavaScript lets anything be thrown. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/** Name and message of whatever was thrown, and nothing else that may hang on it. */
export function namedError(thrown: unknown): NamedError {
  const { name, message } = asError(thrown);
  return { name, message };
}

const named = [
  InvalidRequestError,
  ApiKeyError,
  AuthenticationError,
  JobNotFoundError,
  RateLimitError,
  QuotaError,
  IncompleteError,
  StateError,
  OpenAIError,
];

/** What `errorType` is if the function fails, and what Step Functions can catch. */
export type ErrorName = InstanceType<(typeof named)[number]>['name'];

/** The same error with another message. One that has none of our names becomes a plain Error. */
export function withMessage(error: Error, message: string): Error {
  const Named = named.find((candidate) => error instanceof candidate) ?? Error;
  return new Named(message);
}
