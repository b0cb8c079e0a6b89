import { failed, type Operation, ok, type StubAnswer } from './answer.ts';

/** What `GetSecretValue` answers: a value, an error with its AWS name, or nothing at all. */
export type SecretAnswer =
  | { SecretString: string }
  | { SecretBinary: string }
  | { error: string; status: number }
  | 'silence';

/** The secrets of Secrets Manager. */
export interface SecretsStub {
  /** The answer for a secret that `secrets` does not name; undefined if there is no such secret. */
  secret: SecretAnswer | undefined;
  /** The answers by the name or ARN that is asked for. */
  secrets: Map<string, SecretAnswer>;
  /** The names that were asked for, in order. */
  secretReads: string[];
}

export function secretsOperations(stub: SecretsStub): Record<string, Operation> {
  return {
    'secretsmanager.GetSecretValue': (request) => getSecretValue(stub, JSON.parse(request)),
  };
}

function getSecretValue(stub: SecretsStub, { SecretId }: { SecretId: string }): StubAnswer {
  stub.secretReads.push(SecretId);
  const secret = stub.secrets.get(SecretId) ?? stub.secret;
  if (secret === undefined) return failed('ResourceNotFoundException');
  if (secret === 'silence') return undefined;
  if ('error' in secret) return failed(secret.error, secret.status);
  const ARN = `arn:aws:secretsmanager:us-east-1:000000000000:secret:${SecretId}-AbCdEf`;
  return ok({ ARN, Name: SecretId, ...secret });
}
