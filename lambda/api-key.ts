import { addAbortListener } from 'node:events';
import { SecretsProvider } from '@aws-lambda-powertools/parameters/secrets';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { ApiKeyError } from './errors.ts';
import { asError } from './thrown.ts';

/** Where the API key comes from. Both throw ApiKeyError, at the latest when `signal` fires. */
export interface ApiKeySource {
  /** The key, from the cache where it is fresh enough. */
  current(signal: AbortSignal): Promise<string>;
  /** A key other than the one that OpenAI refused, if Secrets Manager has another by now; else the same again. */
  refreshed(refusedKey: string, signal: AbortSignal): Promise<string>;
}

const maxAgeSeconds = 300;

/**
 * The key from one secret in Secrets Manager, cached for five minutes.
 *
 * The secret is the bare key, or a JSON object with the key in one field. White space around it is trimmed.
 *
 * @param secretsManager the AWS client.
 * @param secretName name or ARN of the secret.
 * @param secretField the field, where the secret is a JSON object.
 */
export function createApiKeySource(
  secretsManager: SecretsManagerClient,
  secretName: string,
  secretField: string,
): ApiKeySource {
  const provider = new SecretsProvider({ awsSdkV3Client: secretsManager });

  const read = async (forceFetch: boolean): Promise<string> => {
    try {
      const secret = await provider.get(secretName, { maxAge: maxAgeSeconds, forceFetch });
      return keyIn(secret, secretName, secretField);
    } catch (error) {
      // A malformed secret must not stay cached: once it is mended, the next call has to see it.
      provider.clearCache();
      throw error instanceof ApiKeyError ? error : unreadable(error, secretName);
    }
  };

  const readCached = shared(() => read(false));
  const readAfresh = shared(() => read(true));
  return {
    current: (signal) => orTimeUp(readCached(), signal, secretName),
    refreshed: async (refusedKey, signal) => {
      // Another call may have been refused before, and have refreshed it.
      const cachedKey = await orTimeUp(readCached(), signal, secretName);
      return cachedKey === refusedKey ? orTimeUp(readAfresh(), signal, secretName) : cachedKey;
    },
  };
}

/** Calls that ask at the same time, such as the messages of one batch, share one answer. */
function shared<Value>(ask: () => Promise<Value>): () => Promise<Value> {
  let underWay: Promise<Value> | undefined;
  return () => {
    underWay ??= ask().finally(() => {
      underWay = undefined;
    });
    return underWay;
  };
}

/** Finds the key in the secret's value. No message quotes any of it. */
function keyIn(secret: string | Uint8Array | undefined, secretName: string, secretField: string): string {
  const wrong = (what: string) =>
    new ApiKeyError(
      `The secret "${secretName}" ${what}. Put the OpenAI API key into it, as plain text or as {"${secretField}": "…"}: ` +
        `aws secretsmanager put-secret-value --secret-id ${secretName} --secret-string …`,
    );
  if (secret === undefined) throw wrong('is empty');
  if (typeof secret !== 'string') throw wrong('is binary');
  const text = secret.trim();
  const key = text.startsWith('{') ? fieldOf(text, secretField, wrong) : text;
  if (key === '') throw wrong('is empty');
  // A line break would end the HTTP header, and the error that fetch throws on it quotes the header.
  if (!/^[\x21-\x7e]+$/.test(key)) {
    throw wrong('holds a key with a line break, a space or a character outside ASCII');
  }
  return key;
}

function fieldOf(text: string, secretField: string, wrong: (what: string) => ApiKeyError): string {
  let object: unknown;
  try {
    object = JSON.parse(text);
  } catch {
    // The parser's error quotes the text.
    throw wrong('starts like a JSON object but is not valid JSON');
  }
  const value = Object.entries(object ?? {}).find(([name]) => name === secretField)?.[1];
  if (typeof value !== 'string') throw wrong(`is a JSON object without a text field "${secretField}"`);
  return value.trim();
}

const advice: Record<string, string> = {
  ResourceNotFoundException: 'Create it, or set the context key secretName to the one that exists.',
  AccessDeniedException:
    "Allow the function's role to read it, and to decrypt with its KMS key where that is your own.",
  DecryptionFailure: "Allow the function's role to decrypt with the secret's KMS key.",
  InvalidRequestException: 'It may be scheduled for deletion: restore it.',
};

function unreadable(error: unknown, secretName: string): ApiKeyError {
  // The provider wraps what the AWS client threw.
  const { name } = asError(asError(error).cause);
  return new ApiKeyError(
    `Secrets Manager did not give the secret "${secretName}" (${name}). ` +
      (advice[name] ?? 'Try again; where it stays, check the network and the AWS Health Dashboard.'),
  );
}

/** The AWS client has its own retries; this bounds them all by the time that is left. */
async function orTimeUp(key: Promise<string>, signal: AbortSignal, secretName: string): Promise<string> {
  const timeUp = Promise.withResolvers<never>();
  using _listening = addAbortListener(signal, () =>
    timeUp.reject(
      new ApiKeyError(`Secrets Manager did not give the secret "${secretName}" in time. Try again.`),
    ),
  );
  return await Promise.race([key, timeUp.promise]);
}
