import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { secretsManagerSettings } from './api-key.ts';
import { createHandler } from './pipeline.ts';
import { createLogger } from './telemetry.ts';

/** The entry point of the Lambda function. */
export const handler = createHandler(process.env, {
  secretsManager: new SecretsManagerClient(secretsManagerSettings),
  logger: createLogger(),
});
