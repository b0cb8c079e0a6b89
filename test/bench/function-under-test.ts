import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { defaults } from '../../infra/context.ts';
import { awsClientSettings } from '../../lambda/aws-client-settings.ts';
import { metricsNamespace, serviceName } from '../../lambda/names.ts';
import { createHandler } from '../../lambda/pipeline.ts';
import { environmentFor } from '../../lambda/settings.ts';
import { lambdaContext } from '../support/lambda-context.ts';
import { forkProgram } from './forked.ts';
import { SilentLogger, SilentMetrics } from './silent-telemetry.ts';

/** The function in this process, with AWS and OpenAI in others. */
export interface FunctionUnderTest extends AsyncDisposable {
  awsUrl: string;
  invoke(request: unknown): Promise<unknown>;
}

/**
 * Starts it.
 *
 * @param openaiBaseUrl the OpenAI that it speaks to.
 * @param publishes whether what it cancels is published on EventBridge; otherwise the client drops it at once.
 */
export async function startFunction(
  openaiBaseUrl: string,
  { publishes = true } = {},
): Promise<FunctionUnderTest> {
  const aws = await forkProgram('aws');
  const client = {
    endpoint: aws.greeting,
    region: 'us-east-1',
    credentials: { accessKeyId: 'bench', secretAccessKey: 'bench' },
  };
  const eventBridge = new EventBridgeClient({ ...awsClientSettings, ...client });
  if (!publishes) {
    Object.assign(eventBridge, { send: async () => ({ Entries: [], FailedEntryCount: 0 }) });
  }
  const environment = environmentFor({ ...defaults, openaiBaseUrl });
  const handler = createHandler(environment, {
    secretsManager: new SecretsManagerClient({ ...awsClientSettings, ...client }),
    eventBridge,
    logger: new SilentLogger({ serviceName }),
    metrics: new SilentMetrics({ namespace: metricsNamespace, serviceName }),
  });
  return {
    awsUrl: aws.greeting,
    invoke: (request) => handler(request, lambdaContext(300_000)),
    [Symbol.asyncDispose]: aws[Symbol.asyncDispose],
  };
}
