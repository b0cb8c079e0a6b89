import { createAwsClients } from './aws/clients.ts';
import { createLogger, createMetrics } from './aws/log.ts';
import { createHandler } from './invocation.ts';
import { defaultSettings, environmentNames } from './settings.ts';

const name = process.env[environmentNames.name] ?? defaultSettings.name;

/** The entry point of the Lambda function. */
export const handler = createHandler(process.env, {
  aws: createAwsClients(),
  logger: createLogger(name),
  metrics: createMetrics(name),
});
