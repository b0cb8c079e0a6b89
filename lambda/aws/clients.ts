import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { SSMClient } from '@aws-sdk/client-ssm';
import { fromEnv } from '@aws-sdk/credential-provider-env';
import type { AwsCredentialIdentity, Provider } from '@aws-sdk/types';

/** Where AWS is, and as whom to speak to it. What is left out comes from the environment, as in Lambda. */
export interface AwsAccess {
  endpoint?: string;
  region?: string;
  credentials?: AwsCredentialIdentity;
}

/** The clients for AWS. Those that a plain cancel does not need are loaded when they are first asked for. */
export interface AwsClients {
  secretsManager: SecretsManagerClient;
  eventBridge: EventBridgeClient;
  dynamoDB(): Promise<DynamoDBClient>;
  parameterStore(): Promise<SSMClient>;
  /** The credentials of the function's own role. */
  credentials: Provider<AwsCredentialIdentity>;
  destroy(): void;
}

/** Time limits, in milliseconds, for one attempt, because AWS is near and quick. */
const requestHandler = { connectionTimeout: 1_000, requestTimeout: 3_000, throwOnRequestTimeout: true };

/** DynamoDB has a default of its own. With three, a service that is silent costs ten seconds at most. */
const maxAttempts = 3;

/** The clients, each made once. */
export function createAwsClients(access: AwsAccess = {}): AwsClients {
  const configuration = { requestHandler, maxAttempts, ...access };
  const secretsManager = new SecretsManagerClient(configuration);
  const eventBridge = new EventBridgeClient(configuration);
  let dynamoDB: Promise<DynamoDBClient> | undefined;
  let parameterStore: Promise<SSMClient> | undefined;
  return {
    secretsManager,
    eventBridge,
    dynamoDB: () => {
      dynamoDB ??= import('./dynamodb.ts').then((sdk) => new sdk.DynamoDBClient(configuration));
      return dynamoDB;
    },
    parameterStore: () => {
      parameterStore ??= import('./parameter-store.ts').then((sdk) => new sdk.SSMClient(configuration));
      return parameterStore;
    },
    credentials: async () => access.credentials ?? (await fromEnv()()),
    destroy: () => {
      secretsManager.destroy();
      eventBridge.destroy();
      void dynamoDB?.then((client) => client.destroy());
      void parameterStore?.then((client) => client.destroy());
    },
  };
}
