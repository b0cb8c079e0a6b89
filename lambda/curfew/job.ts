import * as v from 'valibot';

/** What a job id may look like, so none can reach another path of the API. */
export const jobIdPattern = /^[A-Za-z0-9][\w.:-]{0,127}$/;

const inProgress: ReadonlySet<string> = new Set([
  'validating_files',
  'pending',
  'queued',
  'running',
  'resuming',
]);
const cancelled: ReadonlySet<string> = new Set(['cancelled', 'canceled']);
const finished: ReadonlySet<string> = new Set(['succeeded', 'failed', ...cancelled]);
const neither: ReadonlySet<string> = new Set(['pausing', 'paused']);

/** Whether a job of this status can still be cancelled. */
export const isInProgress = (status: string): boolean => inProgress.has(status);
/** Whether a job of this status has come to its end. */
export const isFinished = (status: string): boolean => finished.has(status);
/** Whether that end was a cancellation; the providers spell it in two ways. */
export const isCancelled = (status: string): boolean => cancelled.has(status);
/** Whether we have ever heard of this status. */
export const isKnown = (status: string): boolean =>
  inProgress.has(status) || finished.has(status) || neither.has(status);

/** Unix seconds that are a date: up to the year 5138, so milliseconds are not taken for seconds. */
const unixSeconds = v.pipe(v.number(), v.minValue(0), v.maxValue(100_000_000_000));

/**
 * The part of a fine-tuning job that the rules need; see the vendor's API reference, "The fine-tuning job object".
 * Only `id`, `status` and `created_at` are required. What else is missing or of another shape counts as absent.
 */
export const jobSchema = v.pipe(
  v.object({
    id: v.pipe(v.string(), v.regex(jobIdPattern)),
    /** Kept open: a status that we do not know is no error, the job is left alone. */
    status: v.pipe(v.string(), v.nonEmpty(), v.maxLength(64)),
    created_at: unixSeconds,
    model: v.fallback(v.nullish(v.pipe(v.string(), v.maxLength(256)), null), null),
    estimated_finish: v.fallback(v.nullish(unixSeconds, null), null),
    metadata: v.optional(v.unknown()),
  }),
  v.transform(({ id, status, created_at, model, estimated_finish, metadata }) => ({
    id,
    status,
    createdAtSeconds: created_at,
    model,
    estimatedFinishSeconds: estimated_finish,
    ...textsIn(metadata),
  })),
);
export type Job = v.InferOutput<typeof jobSchema>;

/** So much metadata a job may have, as the vendor's API reference says. */
const mostPairs = 16;
const longestKey = 64;
const longestValue = 512;

/** Metadata maps texts to texts. Whatever else is in it is left out, and `hasOddMetadata` says so. */
function textsIn(given: unknown): { metadata: Record<string, string>; hasOddMetadata: boolean } {
  if (given === undefined || given === null) return { metadata: {}, hasOddMetadata: false };
  if (typeof given !== 'object' || Array.isArray(given)) return { metadata: {}, hasOddMetadata: true };
  const entries = Object.entries(given);
  const texts = entries.filter(
    (entry): entry is [string, string] =>
      typeof entry[1] === 'string' && entry[0].length <= longestKey && entry[1].length <= longestValue,
  );
  return {
    metadata: Object.fromEntries(texts.slice(0, mostPairs)),
    hasOddMetadata: Math.min(texts.length, mostPairs) < entries.length,
  };
}

/** A job in a list that cannot be judged, because one of the fields that it takes cannot be read. */
export interface OddJob {
  /** Undefined if it is the id that cannot be read. */
  jobId: string | undefined;
  /** The fields that cannot be read. */
  fields: string[];
}

/** A page of a list. Odd jobs that have finished are in neither part. */
export interface JobPage {
  jobs: Job[];
  odd: OddJob[];
}

/** The calls that the rules make, and the port through which they make them. All throw named errors. */
export interface FineTuningApi {
  /** `signal` gives the call up earlier than the time that is left does. */
  retrieve(jobId: string, signal?: AbortSignal): Promise<Job>;
  /** Retrieves a job whose cancel failed like this. If it was sent, not even a long rate limit is in the way, once. */
  retrieveAfter(failure: Error, jobId: string): Promise<Job>;
  /** Asks for the cancellation; the job that comes back may still be in progress. Safe to repeat. */
  cancel(jobId: string): Promise<Job>;
  /** All jobs, newest first, page by page; pages may overlap. `signal` ends the listing with an error. */
  list(signal: AbortSignal): AsyncGenerator<JobPage>;
}
