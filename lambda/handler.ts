import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { awsClientSettings } from './aws-client-settings.ts';
import { createHandler } from './pipeline.ts';
import { createLogger, createMetrics } from './telemetry.ts';

/** The entry point of the Lambda function. */
export const handler = createHandler(process.env, {
  secretsManager: new SecretsManagerClient(awsClientSettings),
  eventBridge: new EventBridgeClient(awsClientSettings),
  logger: createLogger(),
  metrics: createMetrics(),
});
