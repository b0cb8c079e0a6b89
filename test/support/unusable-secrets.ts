import type { SecretAnswer } from '../../infra/local/aws/stub/services.ts';
import { apiKey } from './curfew.ts';

/** Every way in which a secret holds no usable key, and what ApiKeyError says about it. */
export const unusableSecrets: Record<string, { secret: SecretAnswer; message: RegExp }> = {
  missing: {
    secret: { error: 'ResourceNotFoundException', status: 400 },
    message: /ResourceNotFoundException.*Create it/,
  },
  denied: {
    secret: { error: 'AccessDeniedException', status: 400 },
    message: /AccessDeniedException.*role to read it/,
  },
  undecryptable: {
    secret: { error: 'DecryptionFailure', status: 400 },
    message: /DecryptionFailure.*KMS key/,
  },
  deleted: {
    secret: { error: 'InvalidRequestException', status: 400 },
    message: /InvalidRequestException.*restore it/,
  },
  throttled: {
    secret: { error: 'ThrottlingException', status: 400 },
    message: /ThrottlingException.*Try again/,
  },
  down: {
    secret: { error: 'InternalServiceError', status: 500 },
    message: /InternalServiceError.*Try again/,
  },
  binary: { secret: { SecretBinary: Buffer.from(apiKey).toString('base64') }, message: /is binary/ },
  empty: { secret: { SecretString: '' }, message: /is empty/ },
  'white space': { secret: { SecretString: ' \n' }, message: /is empty/ },
  'JSON without the field': {
    secret: { SecretString: JSON.stringify({ key: apiKey }) },
    message: /without a text field "apiKey"/,
  },
  'JSON with a number there': {
    secret: { SecretString: '{"apiKey": 7}' },
    message: /without a text field "apiKey"/,
  },
  'JSON with an empty field': { secret: { SecretString: '{"apiKey": " "}' }, message: /is empty/ },
  'broken JSON': { secret: { SecretString: `{"apiKey": "${apiKey}"` }, message: /not valid JSON/ },
  'two keys': { secret: { SecretString: `${apiKey} ${apiKey}` }, message: /a line break, a space or a character/ },
  'a key with "Bearer"': { secret: { SecretString: `Bearer ${apiKey}` }, message: /a space/ },
  'a line break in the field': {
    secret: { SecretString: JSON.stringify({ apiKey: `${apiKey}\n${apiKey}` }) },
    message: /a line break/,
  },
  'non-Latin characters': { secret: { SecretString: `${apiKey}ключ` }, message: /a character outside ASCII/ },
  'a Latin character outside ASCII': { secret: { SecretString: `${apiKey}é` }, message: /a character outside ASCII/ },
  'double quotes': { secret: { SecretString: `"${apiKey}"` }, message: /a key in quotes/ },
  'single quotes': { secret: { SecretString: `'${apiKey}'` }, message: /a key in quotes/ },
  'one quote, left over': { secret: { SecretString: `${apiKey}"` }, message: /a key in quotes/ },
  'quotes in the field': { secret: { SecretString: JSON.stringify({ apiKey: `"${apiKey}"` }) }, message: /in quotes/ },
  'a line of an .env file': { secret: { SecretString: `OPENAI_API_KEY=${apiKey}` }, message: /a line of a shell/ },
  'a quoted line of an .env file': {
    secret: { SecretString: `API_KEY="${apiKey}"` },
    message: /quotes|a line of a shell/,
  },
  'a name in lower case': { secret: { SecretString: `openai_api_key=${apiKey}` }, message: /a line of a shell/ },
  'an export': { secret: { SecretString: `export OPENAI_API_KEY=${apiKey}` }, message: /a space|a line of a shell/ },
};
