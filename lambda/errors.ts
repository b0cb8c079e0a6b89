/**
 * Errors a caller can receive. AWS reports `name` as the error type, so Step Functions can match it in `ErrorEquals`.
 * A message says what to do next. It never contains a credential, or text from the provider, which could quote one.
 */

/** Returns an error class with this name. */
export const named = <Name extends string>(name: Name) =>
  class extends Error {
    override readonly name = name;
  };

/** The request is invalid. Nothing was sent anywhere. */
export class InvalidRequestError extends named('InvalidRequestError') {}
/** The secret with the API key is missing, denied or malformed, or could not be read in time. */
export class ApiKeyError extends named('ApiKeyError') {}
/** The provider refuses the credential, even after a fresh read. */
export class AuthenticationError extends named('AuthenticationError') {}
/** No project has a fine-tuning job with this id. */
export class JobNotFoundError extends named('JobNotFoundError') {}
/** The provider asks to slow down (429) for longer than we can wait. */
export class RateLimitError extends named('RateLimitError') {}
/** The provider refuses for a reason that waiting does not fix, such as a spent budget. */
export class QuotaError extends named('QuotaError') {}
/** Only part of the work was done. Sending the request again is safe and does the rest. */
export class IncompleteError extends named('IncompleteError') {}
/** The table of jobs or the list of projects could not be read or written. */
export class StateError extends named('StateError') {}
/** The provider could not be reached, did not answer in time, failed, or broke its API contract. */
export class OpenAIError extends named('OpenAIError') {}

const namedErrors = [
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

/** The value of `errorType` when the function fails. */
export type ErrorName = InstanceType<(typeof namedErrors)[number]>['name'];

/** An error as it appears in answers and log lines. */
export interface NamedError {
  name: string;
  message: string;
}

/** Converts whatever was thrown to an Error. */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/** Returns only the name and message of whatever was thrown. */
export function toNamedError(thrown: unknown): NamedError {
  const { name, message } = toError(thrown);
  return { name, message };
}

/** Returns the same kind of error with another message. */
export function withMessage(error: Error, message: string): Error {
  const Named = namedErrors.find((candidate) => error instanceof candidate) ?? Error;
  return new Named(message);
}
