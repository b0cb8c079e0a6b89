import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as errors from '../../lambda/errors.ts';

const { InvalidRequestError, JobNotFoundError, AuthenticationError, ApiKeyError, RateLimitError, QuotaError } = errors;
const { IncompleteError, OpenAIError, StateError } = errors;

test('every error has the name that callers catch, and keeps it with another message', () => {
  const named = {
    ...{ InvalidRequestError, ApiKeyError, AuthenticationError, JobNotFoundError, RateLimitError, QuotaError },
    ...{ IncompleteError, StateError, OpenAIError },
  };
  for (const [name, Named] of Object.entries(named)) {
    const error = errors.withMessage(new Named('No.'), 'Not at all.');
    assert.ok(error instanceof Named, name);
    assert.deepEqual(errors.toNamedError(error), { name, message: 'Not at all.' });
  }
  assert.deepEqual(errors.toNamedError(errors.withMessage(new RangeError('No.'), 'Not at all.')).name, 'Error');
  assert.deepEqual(errors.toNamedError('No.'), { name: 'Error', message: 'No.' });
});
