import type { SecretAnswer } from '../../infra/local/aws/stub/services.ts';
import { apiKey } from './curfew.ts';

interface UnusableSecret {
  secret: SecretAnswer;
  message: RegExp;
}
/** Secrets Manager returns this error instead of a secret. */
const error = (name: string, message: RegExp, status = 400): UnusableSecret => ({
  secret: { error: name, status },
  message: new RegExp(`${name}.*${message.source}`),
});
const text = (SecretString: string, message: RegExp): UnusableSecret => ({ secret: { SecretString }, message });
const json = (value: object, message: RegExp) => text(JSON.stringify(value), message);

/** Every way in which a secret lacks a usable key, and what ApiKeyError says about it. */
export const unusableSecrets: Record<string, UnusableSecret> = {
  missing: error('ResourceNotFoundException', /Create it/),
  denied: error('AccessDeniedException', /role to read it/),
  undecryptable: error('DecryptionFailure', /KMS key/),
  deleted: error('InvalidRequestException', /restore it/),
  throttled: error('ThrottlingException', /Try again/),
  down: error('InternalServiceError', /Try again/, 500),
  binary: { secret: { SecretBinary: Buffer.from(apiKey).toString('base64') }, message: /is binary/ },
  empty: text('', /is empty/),
  'white space': text(' \n', /is empty/),
  'JSON without the field': json({ key: apiKey }, /without a text field "apiKey"/),
  'JSON with a number there': json({ apiKey: 7 }, /without a text field "apiKey"/),
  'JSON with an empty field': json({ apiKey: ' ' }, /is empty/),
  'broken JSON': text(`{"apiKey": "${apiKey}"`, /not valid JSON/),
  'two keys': text(`${apiKey} ${apiKey}`, /a line break, a space or a character/),
  'a key with "Bearer"': text(`Bearer ${apiKey}`, /a space/),
  'a line break in the field': json({ apiKey: `${apiKey}\n${apiKey}` }, /a line break/),
  'non-Latin characters': text(`${apiKey}ключ`, /a character outside ASCII/),
  'a Latin character outside ASCII': text(`${apiKey}é`, /a character outside ASCII/),
  'double quotes': text(`"${apiKey}"`, /a key in quotes/),
  'single quotes': text(`'${apiKey}'`, /a key in quotes/),
  'one quote, left over': text(`${apiKey}"`, /a key in quotes/),
  'quotes in the field': json({ apiKey: `"${apiKey}"` }, /in quotes/),
  'a line of an .env file': text(`OPENAI_API_KEY=${apiKey}`, /a line of shell script/),
  'a quoted line of an .env file': text(`API_KEY="${apiKey}"`, /quotes|a line of shell script/),
  'a name in lower case': text(`openai_api_key=${apiKey}`, /a line of shell script/),
  'an export': text(`export OPENAI_API_KEY=${apiKey}`, /a space|a line of shell script/),
};
