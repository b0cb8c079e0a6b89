import type { Logger } from '@aws-lambda-powertools/logger';
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import { createApiKeySource } from './api-key.ts';
import { type CancelResult, conditionalCancel } from './conditional-cancel.ts';
import { type Deadline, deadlineIn } from './deadline.ts';
import { OpenAIError } from './errors.ts';
import { createFineTuningApi, type FineTuningApi } from './fine-tuning-api.ts';
import { createOpenAIClient } from './openai-client.ts';
import { parseRequest } from './request.ts';
import { settingsFrom } from './settings.ts';
import { type SweepResult, sweep } from './sweep.ts';
import { logCancel, logSweep, sweepReportTo } from './telemetry.ts';

/** The AWS CLI waits 60 seconds for the answer to an invocation, then sends it again. */
const longestCancelMilliseconds = 50_000;
/** The deadlines of the tasks end them long before; this is for what no deadline reaches. */
const lastMilliseconds = 50;

/** What outlives one invocation, beside the settings. */
export interface Services {
  secretsManager: SecretsManagerClient;
  logger: Logger;
}

/**
 * The function as Lambda calls it.
 *
 * @param environment the environment variables that the stack sets.
 * @returns a handler that takes either request and returns its result, or throws an error that errors.ts names.
 */
export function createHandler(
  environment: Record<string, string | undefined>,
  { secretsManager, logger }: Services,
) {
  const settings = settingsFrom(environment);
  const apiKey = createApiKeySource(secretsManager, settings.secretName, settings.secretField);

  const apiUntil = (deadline: Deadline): FineTuningApi =>
    createFineTuningApi(
      createOpenAIClient(settings.openaiBaseUrl, apiKey, deadline.stop, deadline.attemptTimeoutMilliseconds),
    );

  const answer = async (event: unknown, context: Context): Promise<CancelResult | SweepResult> => {
    const request = parseRequest(event);
    const remainingMilliseconds = context.getRemainingTimeInMillis();
    if ('jobId' in request) {
      const deadline = deadlineIn(Math.min(remainingMilliseconds, longestCancelMilliseconds));
      const api = apiUntil(deadline);
      const { result } = await conditionalCancel(api, request.jobId, request.dryRun ?? false);
      logCancel(logger, result);
      return result;
    }
    const options = {
      timeBudgetMinutes: request.sweep.timeBudgetMinutes ?? settings.timeBudgetMinutes,
      dryRun: request.sweep.dryRun ?? settings.dryRun,
      lookbackDays: request.sweep.lookbackDays ?? settings.lookbackDays,
    };
    const deadline = deadlineIn(remainingMilliseconds);
    const { result, listingError } = await sweep(
      apiUntil(deadline),
      options,
      deadline,
      Date.now(),
      sweepReportTo(logger),
    );
    logSweep(logger, result);
    if (listingError !== undefined) throw listingError;
    return result;
  };

  return middy<unknown, CancelResult | SweepResult>({
    timeoutEarlyInMillis: lastMilliseconds,
    timeoutEarlyResponse: () => {
      throw new OpenAIError('The time was up before the answer was ready. Try again.');
    },
  })
    .use(injectLambdaContext(logger, { resetKeys: true }))
    .onError(({ error }) => {
      if (error) logger.error('The request failed', error);
    })
    .handler(answer);
}
