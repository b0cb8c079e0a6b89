import { Logger, type LogItem } from '@aws-lambda-powertools/logger';
import { Metrics } from '@aws-lambda-powertools/metrics';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { Context } from 'aws-lambda';
import { defaults } from '../../infra/context.ts';
import { type AwsStub, type SecretAnswer, startAwsStub } from '../../infra/local/aws-stub.ts';
import {
  type FineTuningSimulator,
  type SimulatedJob,
  startFineTuningSimulator,
} from '../../infra/local/fine-tuning-simulator.ts';
import { awsClientSettings } from '../../lambda/aws-client-settings.ts';
import type { CancelResult } from '../../lambda/conditional-cancel.ts';
import { metricsNamespace, serviceName } from '../../lambda/names.ts';
import { createHandler } from '../../lambda/pipeline.ts';
import { environmentFor, type Settings } from '../../lambda/settings.ts';
import type { SweepResult } from '../../lambda/sweep-result.ts';

/** The key that the simulated OpenAI accepts in every test. */
export const apiKey = 'sk-proj-4nXq7TzLw2VbYc9RkDm5';

/** A log line as it would be written. */
export type LogLine = Record<string, unknown>;

/** The function with everything around it on loopback: OpenAI, Secrets Manager, its log. */
export interface Curfew extends AsyncDisposable {
  openai: FineTuningSimulator;
  aws: AwsStub;
  /** The documents in CloudWatch's Embedded Metric Format that were written. */
  metricDocuments: LogLine[];
  logLines: LogLine[];
  cancel(
    jobId: string,
    options?: { dryRun?: boolean; remainingMilliseconds?: number },
  ): Promise<CancelResult>;
  sweep(
    request?: { timeBudgetMinutes?: number; dryRun?: boolean; lookbackDays?: number },
    options?: { remainingMilliseconds?: number },
  ): Promise<SweepResult>;
  /** Any event at all, as Lambda would hand it over. */
  invoke(event: unknown, remainingMilliseconds?: number): Promise<unknown>;
}

export interface CurfewOptions {
  jobs?: Iterable<SimulatedJob>;
  secret?: SecretAnswer;
  settings?: Partial<Settings>;
  /** More environment variables. */
  environment?: Record<string, string>;
  /** In place of the one that records its lines. */
  logger?: Logger;
  metrics?: Metrics;
}

/** Starts a curfew for one test; `await using` takes it down. */
export async function startCurfew({
  jobs = [],
  secret,
  settings,
  environment,
  logger,
  metrics,
}: CurfewOptions = {}): Promise<Curfew> {
  await using starting = new AsyncDisposableStack();
  const openai = starting.use(await startFineTuningSimulator({ jobs, apiKeys: [apiKey] }));
  const aws = starting.use(await startAwsStub(secret ?? { SecretString: apiKey }));
  const client = {
    endpoint: aws.url,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  };
  const secretsManager = new SecretsManagerClient({ ...awsClientSettings, ...client });
  const eventBridge = new EventBridgeClient({ ...awsClientSettings, ...client });
  starting.defer(() => secretsManager.destroy());
  starting.defer(() => eventBridge.destroy());
  const recording = new RecordingLogger();
  const recordingMetrics = new RecordingMetrics();
  const stackEnvironment = environmentFor({ ...defaults, openaiBaseUrl: openai.baseUrl, ...settings });
  const handler = createHandler(
    { ...stackEnvironment, ...environment },
    {
      secretsManager,
      eventBridge,
      logger: logger ?? recording,
      metrics: metrics ?? recordingMetrics,
    },
  );
  const invoke = (event: unknown, remainingMilliseconds = 300_000) =>
    handler(event, lambdaContext(remainingMilliseconds));
  const running = starting.move();
  return {
    openai,
    aws,
    metricDocuments: recordingMetrics.documents,
    logLines: recording.lines,
    invoke,
    cancel: async (jobId, { remainingMilliseconds, ...options } = {}) =>
      (await invoke({ jobId, ...options }, remainingMilliseconds)) as CancelResult,
    sweep: async (request = {}, { remainingMilliseconds } = {}) =>
      (await invoke({ sweep: request }, remainingMilliseconds)) as SweepResult,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** The endpoints that OpenAI was asked, in order. */
export function endpoints(openai: FineTuningSimulator): string[] {
  return openai.calls.map((call) => call.endpoint);
}

/** Writes its lines into an array. */
class RecordingLogger extends Logger {
  readonly lines: LogLine[] = [];

  constructor() {
    super({ serviceName, logLevel: 'DEBUG' });
  }

  protected override printLog(_level: number, log: LogItem): void {
    this.lines.push(JSON.parse(JSON.stringify(log.getAttributes())));
  }
}

/** Writes its documents into an array. */
class RecordingMetrics extends Metrics {
  readonly documents: LogLine[] = [];

  constructor() {
    super({ namespace: metricsNamespace, serviceName });
  }

  override publishStoredMetrics(): this {
    if (this.hasStoredMetrics()) this.documents.push(JSON.parse(JSON.stringify(this.serializeMetrics())));
    this.clearMetrics();
    return this;
  }
}

/** What Lambda tells of an invocation. */
export function lambdaContext(remainingMilliseconds: number): Context {
  const end = Date.now() + remainingMilliseconds;
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionName: 'fine-tuning-curfew',
    functionVersion: '$LATEST',
    invokedFunctionArn: 'arn:aws:lambda:us-east-1:000000000000:function:fine-tuning-curfew',
    memoryLimitInMB: '512',
    awsRequestId: 'request-1',
    logGroupName: '/aws/lambda/fine-tuning-curfew',
    logStreamName: 'stream',
    getRemainingTimeInMillis: () => Math.max(0, end - Date.now()),
    done: () => {},
    fail: () => {},
    succeed: () => {},
  };
}
