import type { Logger } from '@aws-lambda-powertools/logger';
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import type { Metrics } from '@aws-lambda-powertools/metrics';
import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import pLimit from 'p-limit';
import type { ListAnswer, StopAllAnswer, SweepAnswer } from './answers.ts';
import { createApiKeys } from './aws/api-keys.ts';
import { createBedrockTokens } from './aws/bedrock-token.ts';
import type { AwsClients } from './aws/clients.ts';
import { type Delivery, type QueueAnswer, type TopicAnswer, unwrap } from './aws/envelope.ts';
import { SeenJobs } from './aws/log.ts';
import { createProjectList } from './aws/project-list.ts';
import { createPublisher } from './aws/publisher.ts';
import { createReporter, type Reporter, reportFailure } from './aws/report.ts';
import { createSecretReader, type SecretReader } from './aws/secrets.ts';
import { createTable } from './aws/table.ts';
import type { CancelAnswer } from './curfew/decision.ts';
import type { ExtendAnswer } from './curfew/extend.ts';
import type { JobTable } from './curfew/job-table.ts';
import { callsAtOnce, type Project } from './curfew/projects.ts';
import { type TimeLeft, timeLeftOf } from './curfew/time-left.ts';
import { InvalidRequestError, OpenAIError } from './errors.ts';
import { createOpenAIClient } from './openai/client.ts';
import { createFineTuningApi } from './openai/fine-tuning-api.ts';
import type { ProjectSettings } from './project-settings.ts';
import { projectNamedIn, projectsMeant } from './projects-meant.ts';
import { bedrockRegionOf } from './providers.ts';
import { type CurfewRequest, parseRequest, requestedByIn } from './request.ts';
import { type FunctionSettings, settingsFrom } from './settings.ts';
import { cancelJob, extendJob, listJobs, stopAllJobs, sweepJobs, type Work } from './work.ts';

/** The AWS CLI waits 60 seconds for the answer to an invocation, then sends it again. */
const longestQuickMilliseconds = 50_000;
/** The time left of each invocation ends its work long before; this is for what that does not reach. */
const lastMilliseconds = 50;
/** Records of a batch share the rate limit and the time: more at once would only wait for each other. */
const recordsAtOnce = 5;

type Answer = CancelAnswer | SweepAnswer | StopAllAnswer | ListAnswer | ExtendAnswer;

/** What the function works with, beside its settings. */
export interface Services {
  aws: AwsClients;
  logger: Logger;
  metrics: Metrics;
}

/** What outlives an invocation. */
interface WarmFunction extends Services {
  settings: FunctionSettings;
  secrets: SecretReader;
  projectList: () => Promise<ProjectSettings[]>;
  table: JobTable;
  seen: SeenJobs;
  /** The position of the project to start the next sweep at; undefined before the first. */
  nextProject: number | undefined;
}

/** What one invocation works with; all its records share it. */
interface Invocation {
  warm: WarmFunction;
  time: TimeLeft;
  reporter: Reporter;
  /** The projects, each with one client and one gate. */
  projects: () => Promise<Project[]>;
}

/**
 * The function as Lambda calls it.
 *
 * @param environment the environment variables that the stack sets.
 * @returns a handler that takes any request, bare or in an envelope of an AWS service, and returns its answer, or
 * throws an error that errors.ts names.
 */
export function createHandler(environment: Record<string, string | undefined>, services: Services) {
  const settings = settingsFrom(environment);
  const warm: WarmFunction = {
    ...services,
    settings,
    secrets: createSecretReader(services.aws.secretsManager),
    projectList: createProjectList(settings, services.aws.parameterStore, services.logger),
    table: createTable(settings.tableName, services.aws.dynamoDB),
    seen: new SeenJobs(),
    nextProject: undefined,
  };
  return middy<unknown, Answer | QueueAnswer<Answer> | TopicAnswer<Answer>>({
    timeoutEarlyInMillis: lastMilliseconds,
    timeoutEarlyResponse: () => {
      const error = new OpenAIError('Time ran out before the answer was ready. Try again.');
      reportFailure(error, 'unknown', services);
      throw error;
    },
  })
    .use(injectLambdaContext(services.logger))
    .handler((event, context) => invoke(event, context, warm));
}

/** One invocation: what all its records share, each record, and at the end the events. */
async function invoke(event: unknown, context: Context, warm: WarmFunction) {
  const invocation = begin(timeLeftFor(event, context), warm);
  const limit = pLimit(recordsAtOnce);
  const answers = new Map<string, Promise<Answer>>();

  const handle = async (delivery: Delivery): Promise<Answer> => {
    const requestedBy = requestedByIn(delivery.given) ?? delivery.from;
    try {
      const request = checkedRequest(delivery);
      // Records with equal requests share one answer.
      const key = JSON.stringify(request);
      const answer = answers.get(key) ?? limit(() => carryOut(request, requestedBy, delivery, invocation));
      answers.set(key, answer);
      return await answer;
    } catch (error) {
      invocation.reporter.failed(error, requestedBy);
      throw error;
    }
  };

  try {
    return await unwrap(event, warm.settings.stopAllTopics, handle);
  } finally {
    await invocation.reporter.finish();
  }
}

/** Whoever waits for an answer about one job, or for a list, does not wait for as long as Lambda allows. */
function timeLeftFor(event: unknown, context: Context): TimeLeft {
  const remaining = context.getRemainingTimeInMillis();
  const isQuick = ['jobId', 'list', 'extend'].some((key) => Object.hasOwn(Object(event), key));
  return timeLeftOf(isQuick ? Math.min(remaining, longestQuickMilliseconds) : remaining);
}

function begin(time: TimeLeft, warm: WarmFunction): Invocation {
  const { aws, logger, metrics, settings, table, seen } = warm;
  const publisher = createPublisher(aws.eventBridge, settings.eventBusName, time.publishUntil);
  const reporter = createReporter({
    curfew: settings.name,
    logger,
    metrics,
    publisher,
    table,
    takeBackUntil: time.takeBackUntil,
    seen,
  });
  let projects: Promise<Project[]> | undefined;
  return {
    warm,
    time,
    reporter,
    projects: () => {
      projects ??= warm.projectList().then((all) => reachable(all, time, warm));
      return projects;
    },
  };
}

/** Projects as the rules see them: each with one client and one gate, the keys and tokens shared. */
function reachable(
  all: ProjectSettings[],
  time: TimeLeft,
  { secrets, aws, settings }: WarmFunction,
): Project[] {
  const apiKeyIn = createApiKeys(secrets);
  const tokenFor = createBedrockTokens(aws.credentials);
  return all.map((project) => {
    const { name, provider, openaiBaseUrl, openaiProject, secretName, secretField, ...rules } = project;
    const credentials =
      secretName === undefined
        ? tokenFor(bedrockRegionOf(openaiBaseUrl) ?? settings.region)
        : apiKeyIn({ secretName, secretField });
    const client = createOpenAIClient({
      provider,
      openaiBaseUrl,
      openaiProject,
      credentials,
      time,
      callsAtOnce: callsAtOnce(all.length),
    });
    return { name, rules, api: createFineTuningApi(client) };
  });
}

function checkedRequest({ given, isOurEvent }: Delivery): CurfewRequest {
  if (!isOurEvent) return parseRequest(given);
  throw new InvalidRequestError(
    'This function published the event itself; acting on it would cancel the job it is about. Give the rule an input transformer that builds a request.',
  );
}

async function carryOut(
  request: CurfewRequest,
  requestedBy: string,
  { from, isOthersEvent = false }: Delivery,
  { warm, time, reporter, projects }: Invocation,
): Promise<Answer> {
  const all = await projects();
  const work: Work = {
    projects: projectsMeant(request, all, isOthersEvent),
    requestedBy,
    table: warm.table,
    time,
    reporter,
    warnBeforeMinutes: warm.settings.warnBeforeMinutes,
    mustBeComplete: from !== 'direct',
  };
  if ('jobId' in request) return cancelJob(request, work);
  if ('extend' in request) return extendJob(request, work);
  if ('list' in request) return listJobs(work);
  if ('stopAll' in request) return stopAllJobs(request, work);
  if (projectNamedIn(request) !== undefined) return sweepJobs(request, work);
  // Should time run out, the next sweep goes on with the projects that this one did not reach.
  warm.nextProject ??= Math.floor(Math.random() * all.length);
  return sweepJobs(request, work, warm.nextProject, (last) => {
    warm.nextProject = (last + 1) % all.length;
  });
}
