import { setTimeout as sleep } from 'node:timers/promises';
import type { BedrockClientConfig } from '@aws-sdk/client-bedrock';
import onetime from 'onetime';
import * as v from 'valibot';
import type { TimeLeft } from '../curfew/context.ts';
import { type CancelReply, customizationArnPattern, type FineTuningProvider, type Job } from '../curfew/job.ts';
import { AuthenticationError, JobNotFoundError, OpenAIError, QuotaError, RateLimitError, toError } from '../errors.ts';
import { LateTurnError, orAborted, RateLimit, ThrottledError } from '../rate-limit.ts';
import { check, entriesSchema, jobSchema, parseEntries, tagsSchema } from './job.ts';

export interface CustomizationOptions {
  region: string;
  /** Endpoint and credentials, if not from the environment. */
  access: BedrockClientConfig;
  maxConcurrency: number;
  time: TimeLeft;
}

const maxAttemptMs = 10_000;
const maxAttempts = 4;
const firstWaitMs = 300;
/** An address without a route fails sooner than a slow answer. */
const requestHandler = { connectionTimeout: 1_000 };
const pageSize = 100;
/** HTTP statuses of a refused stop that have nothing to do with the job. */
const unrelatedStatuses: ReadonlySet<number> = new Set([401, 402, 403, 408, 429]);
/** AWS may send an empty page before the last one. */
const maxIdlePages = 3;
/** Finished jobs are never read. */
const listedStatuses = ['InProgress', 'Stopping'] as const;

class AttemptTimeoutError extends Error {}

type Call<Output> = (options: { abortSignal: AbortSignal }) => Promise<Output>;

/** Connects to Bedrock's model customization jobs in one region, for one invocation. */
export function createCustomization(options: CustomizationOptions): FineTuningProvider {
  const { region, access, maxConcurrency, time } = options;
  const limit = new RateLimit(maxConcurrency, time.endsAt);
  /** Loads the SDK on first use. Its retries are off: stops are never repeated, and `read` has its own. */
  const loaded = onetime(async () => {
    const sdk = await import('./late-bedrock.ts');
    return { sdk, client: new sdk.BedrockClient({ requestHandler, ...access, region, maxAttempts: 1 }) };
  });

  /** Makes a reading call when its turn comes, and retries transient failures. */
  const read = async <Output>(purpose: string, subject: string, call: Call<Output>, callerSignal: AbortSignal) => {
    const signal = AbortSignal.any([callerSignal, time.signal]);
    for (let attempts = 1; ; attempts += 1) {
      try {
        return await limit.run(() => attempt(call, signal), { subject, isCancel: false, signal });
      } catch (error) {
        const mayRetry = isTransient(error) && attempts < maxAttempts && !signal.aborted;
        if (!mayRetry) throw toNamedFailure(error, purpose, signal.aborted);
        await sleep(firstWaitMs * 2 ** (attempts - 1), undefined, { signal }).catch(() => {});
      }
    }
  };

  /** Returns the tags of a job, which are its metadata, or why they could not be read. */
  const readTags = async (
    resourceARN: string,
    signal: AbortSignal,
  ): Promise<Pick<Job, 'metadata' | 'metadataError'>> => {
    const { sdk, client } = await loaded();
    const purpose = `list the tags of the job "${resourceARN}"`;
    try {
      const command = new sdk.ListTagsForResourceCommand({ resourceARN });
      const answer = await read(purpose, resourceARN, (options) => client.send(command, options), signal);
      const tags = check(tagsSchema, answer.tags, purpose);
      return { metadata: Object.fromEntries(tags.map(({ key, value }) => [key, value])) };
    } catch (error) {
      return { metadata: {}, metadataError: toError(error) };
    }
  };

  return {
    mayHave: (jobId) => customizationArnPattern.exec(jobId)?.[1] === region,

    async retrieve(jobIdentifier, { signal, withMetadata }) {
      const { sdk, client } = await loaded();
      const purpose = `retrieve the job "${jobIdentifier}"`;
      const command = new sdk.GetModelCustomizationJobCommand({ jobIdentifier });
      const [found, tags] = await Promise.all([
        read(purpose, jobIdentifier, (options) => client.send(command, options), signal),
        withMetadata ? readTags(jobIdentifier, signal) : {},
      ]);
      const job = check(jobSchema, found, purpose);
      if (job.id !== jobIdentifier) throw new OpenAIError(`Could not ${purpose}: the answer is about another job.`);
      return { ...job, ...tags };
    },

    async cancel(jobIdentifier): Promise<CancelReply> {
      const { sdk, client } = await loaded();
      const command = new sdk.StopModelCustomizationJobCommand({ jobIdentifier });
      const stop = () => attempt((options) => client.send(command, options), time.signal);
      try {
        await limit.run(stop, { subject: jobIdentifier, isCancel: true, signal: time.signal });
        return { kind: 'accepted', job: null };
      } catch (thrown) {
        if (thrown instanceof LateTurnError) return { kind: 'not_sent' };
        const error = toNamedFailure(thrown, `stop the job "${jobIdentifier}"`, time.signal.aborted);
        const isUncounted = thrown instanceof ThrottledError;
        const status = statusOf(thrown);
        return {
          kind: 'failed',
          error,
          mayRetry: isUncounted ? !limit.isClosed : isTransient(thrown),
          isUncounted,
          // Such as ConflictException, which is HTTP 400: the job has just finished.
          isRefusal: status >= 400 && status < 500 && !unrelatedStatuses.has(status) && !(error instanceof QuotaError),
        };
      }
    },

    async *list({ signal, withMetadata }) {
      const { sdk, client } = await loaded();
      const purpose = 'list the jobs';
      const seen = new Set<string>();
      for (const statusEquals of listedStatuses) {
        let nextToken: string | undefined;
        let idlePages = 0;
        do {
          const command = new sdk.ListModelCustomizationJobsCommand({
            statusEquals,
            sortBy: 'CreationTime',
            sortOrder: 'Descending',
            maxResults: pageSize,
            nextToken,
          });
          const page = await read(purpose, 'list', (options) => client.send(command, options), signal);
          const { jobs, unreadable } = parseEntries(check(entriesSchema, page.modelCustomizationJobSummaries, purpose));
          const withTags = async (job: Job) => ({ ...job, ...(await readTags(job.id, signal)) });
          yield { jobs: withMetadata ? await Promise.all(jobs.map(withTags)) : jobs, unreadable };
          // If time ran out during the tags, the list is incomplete.
          signal.throwIfAborted();
          idlePages = jobs.some(({ id }) => !seen.has(id)) ? 0 : idlePages + 1;
          for (const { id } of jobs) seen.add(id);
          nextToken = page.nextToken;
          if (nextToken !== undefined && idlePages === maxIdlePages) {
            throw new OpenAIError(`Could not ${purpose}: pages without new jobs claim that more follow. Try again.`);
          }
        } while (nextToken !== undefined);
      }
    },
  };
}

const answeredSchema = v.object({ $metadata: v.object({ httpStatusCode: v.number() }) });

/** Returns the HTTP status of an SDK error; 0 if there was no answer. */
const statusOf = (thrown: unknown) => (v.is(answeredSchema, thrown) ? thrown.$metadata.httpStatusCode : 0);

/** Makes one attempt with our own timeout, which includes the body. Throws ThrottledError if it is rate-limited. */
async function attempt<Output>(call: Call<Output>, signal: AbortSignal): Promise<Output> {
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(new AttemptTimeoutError()), maxAttemptMs);
  try {
    return await orAborted(call({ abortSignal: AbortSignal.any([signal, timeout.signal]) }), timeout.signal);
  } catch (error) {
    if (timeout.signal.aborted) throw timeout.signal.reason;
    const isThrottled = statusOf(error) === 429 || toError(error).name === 'ThrottlingException';
    throw isThrottled ? new ThrottledError(undefined, { cause: error }) : error;
  } finally {
    clearTimeout(timer);
  }
}

/** Returns whether the same call may succeed later: the answer was missing or cut off, or Bedrock failed. */
function isTransient(error: unknown): boolean {
  const status = statusOf(error);
  if (isUnreadable(error) || error instanceof ThrottledError) return false;
  return status < 300 || status === 408 || status === 409 || status >= 500;
}

/** Returns whether the SDK could not parse the answer. */
const isUnreadable = (error: unknown): boolean => error instanceof SyntaxError || error instanceof TypeError;

/** Converts an SDK error into one that callers can catch by name. Never quotes its text. */
function toNamedFailure(thrown: unknown, purpose: string, isTimeUp: boolean): Error {
  const error = toError(thrown instanceof ThrottledError ? thrown.cause : thrown);
  const status = statusOf(error);
  const failed = `Could not ${purpose}:`;
  const answered = `${failed} Bedrock answered ${error.name}.`;
  const openAIError = (message: string) => new OpenAIError(`${failed} ${message}`);
  if (thrown instanceof ThrottledError) return new RateLimitError(`${answered} Wait, then try again.`);
  if (isTimeUp) return openAIError('time ran out before Bedrock answered. Try again.');
  if (error.name === 'ResourceNotFoundException') return new JobNotFoundError(`${answered} Check the ARN of the job.`);
  if (error.name === 'ServiceQuotaExceededException') return new QuotaError(`${answered} Check the account's quotas.`);
  if (status === 401 || status === 403) {
    return new AuthenticationError(`${answered} Check that the function's role may use Bedrock in this region.`);
  }
  if (error instanceof AttemptTimeoutError) return openAIError('Bedrock did not answer in time. Try again.');
  if (isUnreadable(error)) return openAIError("the answer is not what Bedrock's API promises. Try again.");
  if (status < 300) {
    // The SDK gives a lost connection the name TimeoutError.
    const code = 'code' in error ? error.code : error.name;
    return openAIError(`the connection failed (${code}). Check the region and the function's network.`);
  }
  return new OpenAIError(`${answered} ${status < 500 ? 'Check the job itself.' : 'See the AWS Health Dashboard.'}`);
}
