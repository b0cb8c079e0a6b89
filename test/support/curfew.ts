import type { Logger } from '@aws-lambda-powertools/logger';
import type { Metrics } from '@aws-lambda-powertools/metrics';
import { type AwsStub, startAwsStub } from '../../infra/local/aws/stub/server.ts';
import type { SecretAnswer } from '../../infra/local/aws/stub/services.ts';
import type { SimulatedJob } from '../../infra/local/providers/simulated-job.ts';
import { type FineTuningSimulator, startFineTuningSimulator } from '../../infra/local/providers/simulator.ts';
import { createAwsClients } from '../../lambda/aws/clients.ts';
import type { CancelAnswer, ExtendAnswer, ListAnswer, StopAllAnswer, SweepAnswer } from '../../lambda/contract.ts';
import { type ProjectOverrides, parseSettings, type Settings, settingsVariable } from '../../lambda/settings.ts';
import { lambdaContext } from './lambda-context.ts';
import { type LogLine, RecordingLogger, RecordingMetrics } from './recorders.ts';

/** The environment of the function, with these settings. */
export function environmentWith(settings: object): Record<string, string> {
  return { [settingsVariable]: JSON.stringify({ tableName: 'curfew-table', ...settings }), AWS_REGION: 'us-east-1' };
}

// The function reads its settings on load.
Object.assign(process.env, environmentWith({}));
const { createHandler } = await import('../../lambda/handler.ts');

/** The key that the simulated OpenAI accepts in every test. */
export const apiKey = 'sk-proj-4nXq7TzLw2VbYc9RkDm5';

/** The AWS credentials of the function in every test. */
export const awsCredentials = { accessKeyId: 'AKIATEST', secretAccessKey: 'a-secret-access-key' };

/** How long an invocation may take, as in the stack. */
const timeoutMilliseconds = 900_000;

const projectsPath = '/fine-tuning-curfew/projects/test';

/** The function with everything around it on loopback: the fine-tuning API, AWS, its log. */
export interface Curfew extends AsyncDisposable {
  /** The provider of the top-level settings. Projects may name others. */
  openai: FineTuningSimulator;
  aws: AwsStub;
  /** The written documents in CloudWatch's Embedded Metric Format. */
  metricDocuments: LogLine[];
  logLines: LogLine[];
  cancel(jobId: string, options?: DryRun & InProject & Asking): Promise<CancelAnswer>;
  sweep(request?: SweepOptions, asking?: Asking): Promise<SweepAnswer>;
  stopAll(request?: DryRun & InProject, asking?: Asking): Promise<StopAllAnswer>;
  list(request?: InProject, asking?: Asking): Promise<ListAnswer>;
  extend(jobId: string, minutes: number, options?: InProject & Asking): Promise<ExtendAnswer>;
  /** Invokes the function with any event, as Lambda would. */
  invoke(event: unknown, remainingMilliseconds?: number): Promise<unknown>;
}

/** Options of any request. */
interface Asking {
  requestedBy?: string;
  remainingMilliseconds?: number;
}
interface InProject {
  project?: string;
}
interface DryRun {
  dryRun?: boolean;
}
interface SweepOptions extends DryRun, InProject {
  timeBudgetMinutes?: number;
  lookbackDays?: number;
  cancelLimit?: number | 'none';
}

export interface CurfewOptions {
  jobs?: Iterable<SimulatedJob>;
  /** The answer for every secret not in `secrets`. */
  secret?: SecretAnswer;
  secrets?: Record<string, SecretAnswer>;
  settings?: Partial<Settings & { eventBusName: string }>;
  /** What each project overrides, by its name. */
  projects?: Record<string, ProjectOverrides>;
  /** Topics on which any message stops every job. */
  stopAllTopics?: string[];
  /** Replaces the logger that records its lines. */
  logger?: Logger;
  /** Replaces the metrics that record their documents. */
  metrics?: Metrics;
}

/** Starts a curfew for one test; `await using` takes it down. */
export async function startCurfew({
  jobs = [],
  secret = { SecretString: apiKey },
  secrets = {},
  settings,
  projects,
  stopAllTopics = [],
  ...recorders
}: CurfewOptions = {}): Promise<Curfew> {
  await using starting = new AsyncDisposableStack();
  const openai = starting.use(await startFineTuningSimulator({ jobs, apiKeys: [apiKey] }));
  const parameters = projects ? parametersFor(projects) : {};
  const awsStub = starting.use(await startAwsStub({ secret, secrets, parameters }));
  const aws = createAwsClients({ endpoint: awsStub.url, region: 'us-east-1', credentials: awsCredentials });

  const functionSettings = parseSettings(
    environmentWith({
      openaiBaseUrl: openai.baseUrl,
      ...settings,
      stopAllTopics,
      ...(projects && { projectList: { path: projectsPath, parts: Object.keys(parameters).length } }),
    }),
  );
  const logger = new RecordingLogger(functionSettings.name);
  const metrics = new RecordingMetrics(functionSettings.name);
  const handler = createHandler(functionSettings, { aws, logger, metrics, ...recorders });
  const invoke = (event: unknown, remainingMilliseconds = timeoutMilliseconds) =>
    handler(event, lambdaContext(remainingMilliseconds));
  /** Typed as the documents promise it; whether that is true is for the test to check. */
  const ask = async <Answer>(request: object, { remainingMilliseconds, ...asking }: Asking = {}) =>
    (await invoke({ ...request, ...asking }, remainingMilliseconds)) as Answer;
  const running = starting.move();
  return {
    openai,
    aws: awsStub,
    metricDocuments: metrics.documents,
    logLines: logger.lines,
    invoke,
    cancel: (jobId, options) => ask({ jobId }, options),
    sweep: (sweep = {}, asking) => ask({ sweep }, asking),
    stopAll: (stopAll = {}, asking) => ask({ stopAll }, asking),
    list: (list = {}, asking) => ask({ list }, asking),
    extend: (jobId, minutes, { project, ...asking } = {}) =>
      ask({ extend: { jobId, minutes, ...(project !== undefined && { project }) } }, asking),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** Returns the endpoints of the fine-tuning API that were called, in order. */
export function endpoints(openai: FineTuningSimulator): string[] {
  return openai.calls.map((call) => call.endpoint);
}

/** Returns the parameters in which the stack would keep these projects, a few in each. */
function parametersFor(projects: Record<string, ProjectOverrides>): Record<string, string> {
  const named = Object.entries(projects).map(([name, overrides]) => ({ name, ...overrides }));
  const perParameter = 8;
  const entries = Array.from({ length: Math.ceil(named.length / perParameter) }, (_, index) => [
    `${projectsPath}/${String(index).padStart(4, '0')}`,
    JSON.stringify(named.slice(index * perParameter, (index + 1) * perParameter)),
  ]);
  return Object.fromEntries(entries);
}
