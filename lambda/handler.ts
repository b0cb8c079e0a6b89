import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { secretsManagerSettings } from './api-key.ts';
import { eventBridgeSettings } from './notifications.ts';
import { createHandler } from './pipeline.ts';
import { createLogger, createMetrics } from './telemetry.ts';

/** The entry point of the Lambda function. */
export const handler = createHandler(process.env, {
  secretsManager: new SecretsManagerClient(secretsManagerSettings),
  eventBridge: new EventBridgeClient(eventBridgeSettings),
  logger: createLogger(),
  metrics: createMetrics(),
});
