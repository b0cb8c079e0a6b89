import type { SecretsProvider } from '@aws-lambda-powertools/parameters/secrets';
import { Hash } from '@smithy/hash-node';
import { HttpRequest } from '@smithy/protocol-http';
import { SignatureV4 } from '@smithy/signature-v4';
import { ApiKeyError, toError } from '../errors.ts';
import { orAborted } from '../rate-limit.ts';
import type { AwsClients } from './clients.ts';

/** Where a project's key is: a secret, and the field in it if the secret is a JSON object. */
interface KeyPlace {
  secretName: string;
  secretField: string;
}

/** How long a secret is cached in a warm function. A rotated key is noticed earlier, because the old one is refused. */
const maxAgeSeconds = 300;

/**
 * Returns access to the keys for one invocation. Each secret is read once and refreshed at most once, however many
 * projects share it and however many calls are refused. Both methods throw ApiKeyError, at the latest when time is up;
 * `refresh` returns whether there is now another key than the refused one.
 *
 * @param signal fires when time is up. It also ends the AWS client's own retries.
 */
export function createApiKeys(secrets: SecretsProvider, signal: AbortSignal) {
  const cached = new Map<string, Promise<SecretContents>>();
  const refreshed = new Map<string, Promise<SecretContents>>();

  const get = async (secretName: string, forceFetch: boolean): Promise<SecretContents> => {
    const got = secrets.get(secretName, { maxAge: maxAgeSeconds, forceFetch });
    const secret = await orAborted(got, signal).catch((error) => {
      throw unreadableSecret(error, secretName, signal.aborted);
    });
    return parseSecret(secret);
  };

  const read = (secretName: string, forceFetch: boolean): Promise<SecretContents> => {
    const reads = forceFetch ? refreshed : cached;
    const reading = reads.get(secretName) ?? get(secretName, forceFetch);
    reads.set(secretName, reading);
    return reading;
  };

  const forceRead = async (place: KeyPlace): Promise<string> => {
    const reading = read(place.secretName, true);
    const key = selectKey(await reading, place);
    cached.set(place.secretName, reading);
    return key;
  };

  return (place: KeyPlace) => {
    const current = async (): Promise<string> => {
      const contents = await read(place.secretName, false);
      try {
        return selectKey(contents, place);
      } catch {
        // The secret may have been fixed since it was cached.
        return forceRead(place);
      }
    };
    return {
      current,
      // Another refused call may have refreshed it already.
      refresh: async (refused: string) => (await current()) !== refused || (await forceRead(place)) !== refused,
    };
  };
}

function unreadableSecret(error: unknown, secretName: string, isTimeUp: boolean): ApiKeyError {
  const failed = `Secrets Manager did not return the secret "${secretName}"`;
  if (isTimeUp) return new ApiKeyError(`${failed} in time. Try again.`);
  // Powertools wraps the AWS client's error.
  const { name } = toError(toError(error).cause);
  const fallback = 'Try again; if it persists, check the network and the AWS Health Dashboard.';
  return new ApiKeyError(`${failed} (${name}). ${advice[name] ?? fallback}`);
}

/** What a secret holds: one key, keys in fields, or a problem. */
type SecretContents = { key: string } | { fields: Map<string, unknown> } | { problem: string };

/** Parses a secret, once for the hundreds of projects whose keys it may hold. */
function parseSecret(secret: string | Uint8Array | undefined): SecretContents {
  if (secret === undefined) return { problem: 'is empty' };
  if (typeof secret !== 'string') return { problem: 'is binary' };
  const text = secret.trim();
  if (!text.startsWith('{')) return { key: text };
  try {
    return { fields: new Map(Object.entries(JSON.parse(text))) };
  } catch {
    // The parser's error would quote the secret.
    return { problem: 'starts like a JSON object but is not valid JSON' };
  }
}

/** Returns a project's key. Error messages never quote the secret. */
function selectKey(contents: SecretContents, { secretName, secretField }: KeyPlace): string {
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
  if (!/^[\x21-\x7e]+$/.test(key)) throw wrong('holds a key with a line break, a space or a character outside ASCII');
  if (/^["'`]|["'`]$/.test(key)) throw wrong('holds a key in quotes');
  if (/^(export\b|[A-Za-z_]\w*=[^=])/.test(key)) throw wrong('holds a line of shell script, not just the key');
  return key;
}

const advice: Record<string, string> = {
  ResourceNotFoundException: 'Create it, or set secretName to the one that exists.',
  AccessDeniedException:
    "Allow the function's role to read it, and to decrypt with its KMS key if that is your own (secretKmsKeyArn).",
  DecryptionFailure: "Allow the function's role to decrypt with the secret's KMS key (secretKmsKeyArn).",
  InvalidRequestException: 'It may be scheduled for deletion: restore it.',
};

/** Returns the headers that sign a call to Bedrock's OpenAI API with the function's role. Throws ApiKeyError. */
export async function signForBedrock(
  credentials: AwsClients['credentials'],
  region: string,
  method: string,
  { protocol, hostname, port, host, pathname, searchParams }: URL,
): Promise<Record<string, string>> {
  const signer = new SignatureV4({ service: 'bedrock-mantle', region, credentials, sha256: Hash.bind(null, 'sha256') });
  const request = new HttpRequest({
    method,
    protocol,
    hostname,
    ...(port !== '' && { port: Number(port) }),
    path: pathname,
    query: Object.fromEntries(searchParams),
    headers: { host },
  });
  try {
    return (await signer.sign(request)).headers;
  } catch (error) {
    throw new ApiKeyError(
      `A call to Bedrock could not be signed (${toError(error).name}). Check that the function has a role.`,
    );
  }
}
