import { SecretsProvider } from '@aws-lambda-powertools/parameters/secrets';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { fromEnv } from '@aws-sdk/credential-provider-env';
import type { AwsCredentialIdentity } from '@aws-sdk/types';
import onetime from 'onetime';

/** Endpoint, region and credentials. The default for each comes from the environment, as in Lambda. */
export interface AwsAccess {
  endpoint?: string;
  region?: string;
  credentials?: AwsCredentialIdentity;
}

export type AwsClients = ReturnType<typeof createAwsClients>;

/** Timeouts for one attempt, in milliseconds. AWS is close and fast. */
const requestHandler = { connectionTimeout: 1_000, requestTimeout: 3_000, throwOnRequestTimeout: true };

/** With three attempts, a silent service costs ten seconds at most. DynamoDB's client has a higher default. */
const maxAttempts = 3;

/** Creates each client once. Those that a plain cancel does not need are loaded on first use. */
export function createAwsClients(access: AwsAccess = {}) {
  const configuration = { requestHandler, maxAttempts, ...access };
  return {
    secrets: new SecretsProvider({ awsSdkV3Client: new SecretsManagerClient(configuration) }),
    eventBridge: new EventBridgeClient(configuration),
    dynamoDB: onetime(async () => new (await import('./late-sdk.ts')).DynamoDBClient(configuration)),
    parameterStore: onetime(async () => {
      const { SSMProvider } = await import('@aws-lambda-powertools/parameters/ssm');
      return new SSMProvider({ clientConfig: configuration });
    }),
    /** Returns the credentials of the function's own role. */
    credentials: async () => access.credentials ?? (await fromEnv()()),
    /** For clients of other regions. */
    access,
  };
}
