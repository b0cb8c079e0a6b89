import ky, { HTTPError } from 'ky';
import onetime from 'onetime';
import * as v from 'valibot';
import type { TimeLeft } from '../curfew/context.ts';
import {
  type CancelReply,
  earliestTime,
  type FineTuningProvider,
  type Job,
  type JobPage,
  jobIdPattern,
  latestTime,
  type Phase,
  phases,
} from '../curfew/job.ts';
import { OpenAIError } from '../errors.ts';
import { LateTurnError, RateLimit } from '../rate-limit.ts';
import { mayRetry, notFoundError, refusalIn, toFailedCancel, toNamedFailure } from './failure.ts';
import { type Credential, createFetch } from './fetch.ts';

/** Statuses of OpenAI, Azure and Bedrock's OpenAI API. */
const statuses: Record<Phase, string[]> = {
  waiting: ['validating_files', 'pending', 'queued'],
  running: ['running', 'resuming'],
  cancelling: ['cancelling', 'canceling', 'cancel_requested', 'stopping'],
  finished: ['succeeded', 'failed', 'cancelled', 'canceled'],
  other: ['pausing', 'paused'],
};
const phaseOf = (status: string) => phases.find((phase) => statuses[phase].includes(status));

const unixSeconds = v.pipe(v.number(), v.minValue(earliestTime), v.maxValue(latestTime));

/** The fields of a job that the rules need. Only id and status are required; a malformed field counts as absent. */
const jobSchema = v.pipe(
  v.object({
    id: v.pipe(v.string(), v.regex(jobIdPattern)),
    status: v.pipe(v.string(), v.nonEmpty(), v.maxLength(64)),
    created_at: v.fallback(v.nullish(unixSeconds, null), null),
    estimated_finish: v.fallback(v.nullish(unixSeconds, null), null),
    model: v.fallback(v.nullish(v.pipe(v.string(), v.maxLength(256)), null), null),
    metadata: v.optional(v.unknown()),
  }),
  v.transform(
    ({ id, status, created_at, estimated_finish, model, metadata }): Job => ({
      id,
      status,
      phase: phaseOf(status) ?? 'other',
      wasCancelled: status === 'cancelled' || status === 'canceled',
      isKnownStatus: phaseOf(status) !== undefined,
      createdAt: created_at,
      startedAt: null,
      estimatedFinish: estimated_finish,
      model,
      ...parseMetadata(metadata),
    }),
  ),
);

const pageSize = 100;
const pageSchema = v.object({ data: v.array(v.unknown()), has_more: v.nullish(v.boolean()) });
const text = v.fallback(v.string(), '');
/** The readable part of any entry. */
const entrySchema = v.fallback(v.object({ id: text, status: text }), { id: '', status: '' });
/** Some providers send an empty answer to a cancel. */
const cancelSchema = v.union([
  jobSchema,
  v.pipe(
    v.union([v.undefined(), v.null(), v.strictObject({})]),
    v.transform(() => null),
  ),
]);

export interface FineTuningOptions {
  /** Such as `https://api.openai.com/v1`. */
  baseUrl: string;
  openaiProject: string | undefined;
  credential: Credential;
  maxConcurrency: number;
  time: TimeLeft;
}

const retries = 3;
const firstRetryMs = 300;
const errorStatuses = Array.from({ length: 200 }, (_, index) => 400 + index);

/** Connects to a project at OpenAI, Azure or another provider with OpenAI's fine-tuning API, for one invocation. */
export function createFineTuning(options: FineTuningOptions): FineTuningProvider {
  const { baseUrl, openaiProject, credential, maxConcurrency, time } = options;
  const limit = new RateLimit(maxConcurrency, time.endsAt);
  const fetch = createFetch(credential, limit, time);
  const api = ky.create({
    prefix: `${baseUrl}/fine_tuning`,
    headers: {
      'user-agent': 'fine-tuning-curfew',
      'openai-project': openaiProject,
    },
    fetch: (input) => fetch(input instanceof Request ? input : new Request(input)),
    // An attempt has our own timeout, which excludes the wait for its turn.
    timeout: false,
    signal: time.signal,
    retry: {
      limit: retries,
      methods: ['get'],
      delay: (attempt) => firstRetryMs * 2 ** (attempt - 1),
      jitter: (delay) => delay * (0.75 + Math.random() / 2),
      // `shouldRetry` decides. ky heeds `Retry-After` only for the statuses listed.
      statusCodes: errorStatuses,
      afterStatusCodes: errorStatuses,
      shouldRetry: ({ error }) => (mayRetry(error, time) ? undefined : false),
    },
  });

  /** Checks that a 404 comes from the API, not a gateway: the same credential can list jobs at this address. */
  const checkAddress = onetime(async (): Promise<void> => {
    try {
      await api.get('jobs', { searchParams: { limit: 1 } }).json(pageSchema);
    } catch (error) {
      if (!isNotFound(error)) throw toNamedFailure(error, 'list the jobs');
      throw new OpenAIError('There is no fine-tuning API at this address (404). Check openaiBaseUrl.');
    }
  });

  return {
    mayHave: (jobId) => jobIdPattern.test(jobId),

    async retrieve(jobId, { signal }): Promise<Job> {
      const purpose = `retrieve the job "${jobId}"`;
      try {
        return checkId(await api.get(`jobs/${jobId}`, { signal }).json(jobSchema), jobId, purpose);
      } catch (error) {
        if (!isNotFound(error)) throw toNamedFailure(error, purpose);
        if (!refusalIn(error).codes.includes('fine_tune_not_found')) await checkAddress();
        throw notFoundError(jobId);
      }
    },

    async cancel(jobId): Promise<CancelReply> {
      const purpose = `cancel the job "${jobId}"`;
      try {
        const job = await api.post(`jobs/${jobId}/cancel`).json(cancelSchema);
        return { kind: 'accepted', job: job && checkId(job, jobId, purpose) };
      } catch (error) {
        if (error instanceof LateTurnError) return { kind: 'not_sent' };
        return toFailedCancel(error, purpose, time, limit.isClosed);
      }
    },

    async *list({ signal }): AsyncGenerator<JobPage> {
      const cursors = new Set<string | undefined>();
      for (let after: string | undefined; ; ) {
        cursors.add(after);
        const { data, has_more } = await api
          .get('jobs', { searchParams: { limit: pageSize, after }, signal })
          .json(pageSchema)
          .catch((error) => {
            throw toNamedFailure(error, 'list the fine-tuning jobs');
          });
        after = data.map((entry) => v.parse(entrySchema, entry).id).findLast((id) => id !== '');
        yield parsePage(data);
        if (!(has_more ?? data.length >= pageSize)) return;
        if (cursors.has(after)) {
          throw new OpenAIError(
            'Could not list the fine-tuning jobs: a page is empty or repeats itself, yet claims that more follow. ' +
              'Check that openaiBaseUrl is an OpenAI API.',
          );
        }
      }
    },
  };
}

const isNotFound = (error: unknown): error is HTTPError => error instanceof HTTPError && error.response.status === 404;

function checkId(job: Job, jobId: string, purpose: string): Job {
  if (job.id === jobId) return job;
  throw new OpenAIError(
    `Could not ${purpose}: the answer is about another job. Check what stands between this function and openaiBaseUrl.`,
  );
}

/** Sorts the entries of a page into jobs and unreadable ones. Skips unreadable entries of finished jobs. */
function parsePage(data: unknown[]): JobPage {
  const page: JobPage = { jobs: [], unreadable: [] };
  for (const entry of data) {
    const parsed = v.safeParse(jobSchema, entry);
    if (parsed.success) {
      page.jobs.push(parsed.output);
      continue;
    }
    const { id, status } = v.parse(entrySchema, entry);
    if (phaseOf(status) === 'finished') continue;
    const unreadableFields = parsed.issues.map((issue) => v.getDotPath(issue) ?? 'the whole entry');
    page.unreadable.push({ jobId: unreadableFields.includes('id') || id === '' ? undefined : id, unreadableFields });
  }
  return page;
}

/** The limits on metadata in the API reference. */
const maxPairs = 16;
const maxKeyLength = 64;
const maxValueLength = 512;

/** Parses metadata, which maps strings to strings. Converts numbers to strings and drops the rest. */
function parseMetadata(given: unknown): Pick<Job, 'metadata' | 'hasInvalidMetadata'> {
  if (given === undefined || given === null) return { metadata: {}, hasInvalidMetadata: false };
  if (typeof given !== 'object' || Array.isArray(given)) return { metadata: {}, hasInvalidMetadata: true };
  const entries = Object.entries(given);
  const readable = entries
    .filter(([key, value]) => key.length <= maxKeyLength && (typeof value === 'string' || Number.isFinite(value)))
    .map(([key, value]): [string, string] => [key, String(value)])
    .filter(([, value]) => value.length <= maxValueLength)
    .slice(0, maxPairs);
  return { metadata: Object.fromEntries(readable), hasInvalidMetadata: readable.length < entries.length };
}
