import { addAbortListener } from 'node:events';
import { ApiKeyError } from '../errors.ts';
import type { CredentialSource } from '../providers.ts';
import type { SecretReader, SecretValue } from './secrets.ts';

/** Where a project's key is. */
export interface KeyPlace {
  secretName: string;
  /** The field, if the secret is a JSON object. */
  secretField: string;
}

/**
 * The keys that one invocation takes from secrets: one read of each secret and one refresh at most, however many
 * projects share it and however many calls are refused at once.
 *
 * A secret is the bare key, or a JSON object with keys in its fields. White space around a key is trimmed.
 */
export function createApiKeys(reader: SecretReader): (place: KeyPlace) => CredentialSource {
  const reads = new Map<string, Promise<Contents>>();
  const refreshes = new Map<string, Promise<Contents>>();

  const keyFrom = async (reading: Promise<Contents>, place: KeyPlace): Promise<string> => {
    const contents = await reading;
    try {
      return keyIn(contents, place);
    } catch (error) {
      reader.forget(place.secretName);
      throw error;
    }
  };

  return (place) => {
    const { secretName } = place;
    const latest = () =>
      keyFrom(
        once(reads, secretName, () => reader.read(secretName).then(contentsOf)),
        place,
      );
    return {
      current: (signal) => orTimeUp(latest(), signal, secretName),
      refreshed: async (refused, signal) => {
        // Another call may have been refused before, and have refreshed it.
        const key = await orTimeUp(latest(), signal, secretName);
        if (key !== refused) return key;
        const fresh = once(refreshes, secretName, () => reader.readAfresh(secretName).then(contentsOf));
        // If it fails, what was read before still serves the projects whose key is in another field.
        fresh.then(
          () => reads.set(secretName, fresh),
          () => {},
        );
        return orTimeUp(keyFrom(fresh, place), signal, secretName);
      },
    };
  };
}

/** What was asked for first, however often it is asked for. */
function once<Value>(
  asked: Map<string, Promise<Value>>,
  name: string,
  ask: () => Promise<Value>,
): Promise<Value> {
  const value = asked.get(name) ?? ask();
  asked.set(name, value);
  return value;
}

/** What is in a secret: one key, keys in fields, or why there is none. */
type Contents = { key: string } | { fields: Map<string, unknown> } | { problem: string };

/** Parsed once for each secret: it may hold the keys of hundreds of projects. */
function contentsOf(secret: SecretValue): Contents {
  if (secret === undefined) return { problem: 'is empty' };
  if (typeof secret !== 'string') return { problem: 'is binary' };
  const text = secret.trim();
  if (!text.startsWith('{')) return { key: text };
  try {
    return { fields: new Map(Object.entries(JSON.parse(text))) };
  } catch {
    // The parser's error quotes the text.
    return { problem: 'starts like a JSON object but is not valid JSON' };
  }
}

/** Finds a project's key. No message quotes any of the secret. */
function keyIn(contents: Contents, { secretName, secretField }: KeyPlace): string {
  const wrong = (what: string) =>
    new ApiKeyError(
      `The secret "${secretName}" ${what}. Put the API key into it, as plain text or as {"${secretField}": "…"}: ` +
        `aws secretsmanager put-secret-value --secret-id ${secretName} --secret-string …`,
    );
  if ('problem' in contents) throw wrong(contents.problem);
  const given = 'key' in contents ? contents.key : contents.fields.get(secretField);
  if (typeof given !== 'string') throw wrong(`is a JSON object without a text field "${secretField}"`);
  const key = given.trim();
  if (key === '') throw wrong('is empty');
  // A line break would end the HTTP header, and an error about that could quote the header.
  if (!/^[\x21-\x7e]+$/.test(key)) {
    throw wrong('holds a key with a line break, a space or a character outside ASCII');
  }
  return key;
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
