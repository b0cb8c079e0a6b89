import type { Logger } from '@aws-lambda-powertools/logger';
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import type { Metrics } from '@aws-lambda-powertools/metrics';
import type { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import { createApiKeySource } from './api-key.ts';
import type { CancelResult } from './conditional-cancel.ts';
import { type Deadline, deadlineIn } from './deadline.ts';
import { unwrap } from './envelope.ts';
import { OpenAIError } from './errors.ts';
import { createFineTuningApi, type FineTuningApi } from './fine-tuning-api.ts';
import { createNotifier } from './notifications.ts';
import { createOpenAIClient } from './openai-client.ts';
import { type CancelRequest, parseRequest, type SweepRequest } from './request.ts';
import { type Requester, requesterOf } from './requester.ts';
import { settingsFrom } from './settings.ts';
import type { SweepResult } from './sweep-result.ts';
import { runCancel, runSweep, type Surroundings } from './tasks.ts';

/** The AWS CLI waits 60 seconds for the answer to an invocation, then sends it again. */
const longestCancelMilliseconds = 50_000;
/** The deadlines of the tasks end them long before; this is for what no deadline reaches. */
const lastMilliseconds = 50;

type Result = CancelResult | SweepResult;

/** What outlives one invocation, beside the settings. */
export interface Services {
  secretsManager: SecretsManagerClient;
  eventBridge: EventBridgeClient;
  logger: Logger;
  metrics: Metrics;
}

/**
 * The function as Lambda calls it.
 *
 * @param environment the environment variables that the stack sets.
 * @returns a handler that takes either request, bare or in an envelope of an AWS service, and returns its result, or
 * throws an error that errors.ts names.
 */
export function createHandler(
  environment: Record<string, string | undefined>,
  { secretsManager, eventBridge, logger, metrics }: Services,
) {
  const settings = settingsFrom(environment);
  const apiKey = createApiKeySource(secretsManager, settings.secretName, settings.secretField);

  const apiUntil = (deadline: Deadline): FineTuningApi =>
    createFineTuningApi(createOpenAIClient(settings.openaiBaseUrl, apiKey, deadline));

  const deadlineOf = (request: CancelRequest | SweepRequest, remainingMilliseconds: number): Deadline =>
    deadlineIn(
      'sweep' in request ? remainingMilliseconds : Math.min(remainingMilliseconds, longestCancelMilliseconds),
    );

  const run = (request: CancelRequest | SweepRequest, deadline: Deadline, surroundings: Surroundings) => {
    const api = apiUntil(deadline);
    const { timeBudgetMinutes, dryRun, lookbackDays } = settings;
    return 'sweep' in request
      ? runSweep(api, { timeBudgetMinutes, dryRun, lookbackDays, ...request.sweep }, deadline, surroundings)
      : runCancel(api, { dryRun: false, timeBudgetMinutes, ...request }, surroundings);
  };

  const handle = async (event: unknown, from: Requester | undefined, context: Context): Promise<Result> => {
    const request = parseRequest(event);
    const deadline = deadlineOf(request, context.getRemainingTimeInMillis());
    const requestedBy = from ?? requesterOf(request, settings);
    const notifier = createNotifier(eventBridge, deadline.tellUntil, ({ jobId }, reason) =>
      logger.error(`No event could be published for ${jobId} (${reason}). What was decided stands.`, {
        jobId,
      }),
    );
    try {
      return await run(request, deadline, { requestedBy, logger, metrics, notifier });
    } finally {
      await notifier.flush();
    }
  };

  const answer = (event: unknown, context: Context) =>
    unwrap(event, settings.stopAllTopics, (request, from) =>
      handle(request, from, context).catch((error) => {
        logger.error(error.message, error);
        throw error;
      }),
    );

  return middy<unknown, Awaited<ReturnType<typeof answer>>>({
    timeoutEarlyInMillis: lastMilliseconds,
    timeoutEarlyResponse: () => {
      throw new OpenAIError('The time was up before the answer was ready. Try again.');
    },
  })
    .use(injectLambdaContext(logger))
    .handler(answer);
}
