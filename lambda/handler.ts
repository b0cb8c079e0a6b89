import { Logger } from '@aws-lambda-powertools/logger';
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import { Metrics } from '@aws-lambda-powertools/metrics';
import middy from '@middy/core';
import type { Context as LambdaContext } from 'aws-lambda';
import onetime from 'onetime';
import PQueue from 'p-queue';
import { createAwsClients } from './aws/clients.ts';
import { createProjectList } from './aws/project-list.ts';
import { createReport, createSeenJobs, type FullReport, type ReportOptions } from './aws/report.ts';
import { openTable } from './aws/table.ts';
import type { CurfewAnswer, CurfewRequest, QueueAnswer, TopicAnswer } from './contract.ts';
import { cancelJob, toCancelAnswer } from './curfew/cancel.ts';
import type { Context, Project } from './curfew/context.ts';
import { extend } from './curfew/extend.ts';
import { list } from './curfew/list.ts';
import { stopAll, sweep } from './curfew/sweep.ts';
import { incompleteError, throwIfAllFailed } from './curfew/tally.ts';
import { type Delivery, unwrap } from './envelope.ts';
import { OpenAIError } from './errors.ts';
import { metricsNamespace } from './names.ts';
import { resolveProject } from './project-settings.ts';
import { connectProjects, findJob, selectProjects } from './projects.ts';
import { parseRequest, requestedByIn } from './request.ts';
import { type FunctionSettings, parseSettings } from './settings.ts';

/** The AWS CLI waits 60 seconds for an answer, then sends the request again. */
const interactiveTimeoutMs = 50_000;
/** Last-resort timeout. Work normally ends well before it. */
const lastResortMs = 50;
/** Time reserved for the answer and the last event. */
const maxReserveMs = 3_000;
/** Records of a batch share the rate limit and the time left, so more at once would only queue. */
const maxConcurrentRecords = 5;

/** State kept while the function is warm. */
interface WarmFunction extends ReportOptions {
  readProjects: ReturnType<typeof createProjectList>;
}

/** Shared by all records of an invocation. */
interface Invocation {
  warm: WarmFunction;
  shared: Omit<Context, 'requestedBy' | 'report'>;
  /** Returns the time left to publish one event. */
  publishTimeMs: () => number;
  /** The projects, each with one rate limit. */
  projects: () => Promise<Project[]>;
}

/**
 * Returns the Lambda handler. It takes any request, bare or in the envelope of an AWS service, and returns the answer or
 * throws one of the errors in errors.ts.
 */
export function createHandler(settings: FunctionSettings, services: Omit<ReportOptions, 'settings' | 'seen'>) {
  const { aws, logger } = services;
  const { projectList } = settings;
  const only = projectList ? [] : [resolveProject(undefined, settings, {}, settings.functionRegion)];
  const warm: WarmFunction = {
    ...services,
    settings,
    readProjects: projectList ? createProjectList(projectList, settings, aws.parameterStore, logger) : async () => only,
    seen: createSeenJobs(),
  };
  return middy<unknown, CurfewAnswer | QueueAnswer | TopicAnswer>({
    timeoutEarlyInMillis: lastResortMs,
    timeoutEarlyResponse: () => {
      const error = new OpenAIError('Time ran out before the answer was ready. Try again.');
      createReport(warm, 'unknown', () => 0).failed(error);
      throw error;
    },
  })
    .use(injectLambdaContext(logger))
    .handler((event, context) => invoke(event, startInvocation(event, context, warm)));
}

function startInvocation(event: unknown, lambda: LambdaContext, warm: WarmFunction): Invocation {
  const remainingMs = lambda.getRemainingTimeInMillis();
  const isInteractive = ['jobId', 'list', 'extend'].some((key) => Object.hasOwn(Object(event), key));
  const totalMs = isInteractive ? Math.min(remainingMs, interactiveTimeoutMs) : remainingMs;
  const reserveMs = Math.min(maxReserveMs, totalMs / 4);
  const workMs = Math.max(0, Math.floor(totalMs - reserveMs));
  const time = {
    listingSignal: AbortSignal.timeout(Math.floor((workMs * 2) / 3)),
    signal: AbortSignal.timeout(workMs),
    endsAt: performance.now() + workMs,
  };
  const publishMs = (reserveMs * 2) / 3;
  const { settings, aws, readProjects } = warm;
  return {
    warm,
    shared: {
      now: Math.floor(Date.now() / 1000),
      time,
      table: onetime(() => openTable(settings.tableName, aws.dynamoDB, time.signal)),
      warnBeforeMinutes: settings.warnBeforeMinutes,
    },
    // All events still to come share the reserve.
    publishTimeMs: () => Math.floor(Math.max(0, Math.min(publishMs, time.endsAt + publishMs - performance.now()))),
    projects: onetime(async () => connectProjects(await readProjects(), aws, time)),
  };
}

/** Unwraps the event and handles each request. Identical requests in a batch share one answer. */
async function invoke(event: unknown, invocation: Invocation) {
  const { warm } = invocation;
  const queue = new PQueue({ concurrency: maxConcurrentRecords });
  const answers = new Map<string, Promise<CurfewAnswer>>();
  const { stopAllTopics } = warm.settings;
  const ignored = (alarm: string) => warm.logger.info(`The alarm ${alarm} is over, so nothing is stopped.`);

  return unwrap(event, { stopAllTopics, ignored }, async (delivery) => {
    const requestedBy = requestedByIn(delivery.given) ?? delivery.from;
    const report = createReport(warm, requestedBy, invocation.publishTimeMs);
    try {
      if (delivery.refusal) throw delivery.refusal;
      const request = parseRequest(delivery.given);
      const key = JSON.stringify([request, delivery.isForeignEvent]);
      const answer = answers.get(key) ?? queue.add(() => carryOut(request, delivery, report, requestedBy, invocation));
      answers.set(key, answer);
      return await answer;
    } catch (error) {
      report.failed(error);
      throw error;
    }
  });
}

/** Carries out one request: selects its projects, acts, reports and answers. */
async function carryOut(
  request: CurfewRequest,
  { from, isForeignEvent = false }: Delivery,
  report: FullReport,
  requestedBy: string,
  { shared, projects: allProjects }: Invocation,
): Promise<CurfewAnswer> {
  const projects = selectProjects(request, await allProjects(), isForeignEvent);
  const context: Context = { ...shared, requestedBy, report };

  if ('jobId' in request) {
    const { project, job } = await findJob(projects, request.jobId, false);
    const { dryRun = false, jobId } = request;
    const decision = await cancelJob({ project, jobId, reason: 'requested', dryRun, firstLook: job }, context);
    report.cancelled(decision);
    return toCancelAnswer(decision);
  }

  if ('extend' in request) {
    const { jobId, minutes } = request.extend;
    const answer = await extend(await findJob(projects, jobId, true), minutes, context);
    report.extended(answer, minutes);
    return answer;
  }

  if ('list' in request) {
    const result = await list(projects, context);
    report.listed(result);
    return result.answer;
  }

  if ('stopAll' in request) {
    const { answer, tally } = await stopAll(request, projects, context);
    report.stopped(tally, answer.dryRun);
    if (!answer.complete && !answer.dryRun) throw incompleteError('stopAll', tally);
    return answer;
  }

  const startedAt = performance.now();
  const { answer, tally } = await sweep(request, projects, context);
  report.swept(tally, answer.dryRun, performance.now() - startedAt);
  throwIfAllFailed(tally);
  // Nobody reads the answer to an envelope, so unfinished work has to be an error.
  if (from !== 'direct' && (!answer.complete || answer.failed > 0)) throw incompleteError('sweep', tally);
  return answer;
}

const settings = parseSettings(process.env);

export const handler = createHandler(settings, {
  aws: createAwsClients(),
  // The environment variable LOG_LEVEL sets the level.
  logger: new Logger({ serviceName: settings.name }),
  metrics: new Metrics({ namespace: metricsNamespace, serviceName: settings.name }),
});
