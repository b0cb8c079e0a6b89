/**
 * The errors a caller can meet. Their `name` is the contract: AWS reports it as the error type, so that
 * Step Functions can match it in `ErrorEquals`. Their messages say what to do next. They carry neither the
 * key nor anything that OpenAI wrote in prose, because its messages can quote a part of the key.
 */

/** The request is not one that this function understands. Nothing was sent anywhere. */
export class InvalidRequestError extends Error {
  override readonly name = 'InvalidRequestError';
}

/** The secret that holds the API key is missing, denied, malformed, or could not be read in time. */
export class ApiKeyError extends Error {
  override readonly name = 'ApiKeyError';
}

/** OpenAI refuses the API key, also after it was read afresh from Secrets Manager. */
export class AuthenticationError extends Error {
  override readonly name = 'AuthenticationError';
}

/** OpenAI knows no fine-tuning job with this id. */
export class JobNotFoundError extends Error {
  override readonly name = 'JobNotFoundError';
}

/** OpenAI asks to slow down (429), for longer than the retries could wait. */
export class RateLimitError extends Error {
  override readonly name = 'RateLimitError';
}

/** OpenAI could not be reached, did not answer in time, failed, refused, or sent what its API does not promise. */
export class OpenAIError extends Error {
  override readonly name = 'OpenAIError';
}
