import { SecretsProvider } from '@aws-lambda-powertools/parameters/secrets';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { ApiKeyError, asError } from '../errors.ts';

/** The value of a secret, as Secrets Manager has it. */
export type SecretValue = string | Uint8Array | undefined;

/** Reads secrets, and keeps each for five minutes. */
export interface SecretReader {
  /** Throws ApiKeyError. */
  read(secretName: string): Promise<SecretValue>;
  /** Without the value that is kept. Throws ApiKeyError. */
  readAfresh(secretName: string): Promise<SecretValue>;
  /** Keeps its value no longer: a secret that is malformed has to be read again once it is mended. */
  forget(secretName: string): void;
}

const maxAgeSeconds = 300;

/** A reader over one client, for as long as the function stays warm. */
export function createSecretReader(secretsManager: SecretsManagerClient): SecretReader {
  const provider = new SecretsProvider({ awsSdkV3Client: secretsManager });
  const forgotten = new Set<string>();
  const read = async (secretName: string, forceFetch: boolean): Promise<SecretValue> => {
    try {
      return await provider.get(secretName, { maxAge: maxAgeSeconds, forceFetch });
    } catch (error) {
      throw unreadable(error, secretName);
    }
  };
  return {
    read: (secretName) => read(secretName, forgotten.delete(secretName)),
    readAfresh: (secretName) => read(secretName, true),
    forget: (secretName) => forgotten.add(secretName),
  };
}

const advice: Record<string, string> = {
  ResourceNotFoundException: 'Create it, or set secretName to the one that exists.',
  AccessDeniedException:
    "Allow the function's role to read it, and to decrypt with its KMS key if that is your own (secretKmsKeyArn).",
  DecryptionFailure: "Allow the function's role to decrypt with the secret's KMS key (secretKmsKeyArn).",
  InvalidRequestException: 'It may be scheduled for deletion: restore it.',
};

function unreadable(error: unknown, secretName: string): ApiKeyError {
  // The provider wraps what the AWS client threw.
  const { name } = asError(asError(error).cause);
  return new ApiKeyError(
    `Secrets Manager did not give the secret "${secretName}" (${name}). ` +
      (advice[name] ?? 'Try again; if it persists, check the network and the AWS Health Dashboard.'),
  );
}
