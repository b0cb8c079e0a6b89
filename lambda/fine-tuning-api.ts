import * as v from 'valibot';
import { OpenAIError } from './errors.ts';
import type { OpenAIClient } from './openai-client.ts';

/** What a job id may look like, so that none can reach another path of the API. */
export const jobIdPattern = /^[A-Za-z0-9_-]{1,128}$/;

/** The part of OpenAI's fine-tuning job that we use; see its API reference, "The fine-tuning job object". */
export const jobSchema = v.object({
  id: v.pipe(v.string(), v.regex(jobIdPattern)),
  /** Kept open: a status that we do not know is not an error, it is left alone. */
  status: v.pipe(v.string(), v.nonEmpty()),
  /** Unix seconds. */
  created_at: v.number(),
  model: v.optional(v.string()),
  metadata: v.nullish(v.record(v.string(), v.unknown())),
});
export type Job = v.InferOutput<typeof jobSchema>;

export const jobPageSchema = v.object({ data: v.array(jobSchema), has_more: v.boolean() });

/** The three endpoints that this project needs. All throw the errors that errors.ts names. */
export interface FineTuningApi {
  retrieve(jobId: string): Promise<Job>;
  /** Asks for the cancellation; the job that comes back may still be in progress. Safe to repeat. */
  cancel(jobId: string): Promise<Job>;
  /** All jobs, newest first, page by page; no job comes twice. `signal` ends the listing with an error. */
  list(signal: AbortSignal): AsyncGenerator<Job[]>;
}

const pageSize = 100;

/** The fine-tuning endpoints over a client. */
export function createFineTuningApi(openai: OpenAIClient): FineTuningApi {
  return {
    retrieve: (jobId) =>
      openai({
        method: 'get',
        path: `fine_tuning/jobs/${jobId}`,
        schema: jobSchema,
        purpose: 'retrieve the job',
        jobId,
      }),
    cancel: (jobId) =>
      openai({
        method: 'post',
        path: `fine_tuning/jobs/${jobId}/cancel`,
        schema: jobSchema,
        purpose: 'cancel the job',
        jobId,
      }),
    list: (signal) => listPages(openai, signal),
  };
}

async function* listPages(openai: OpenAIClient, signal: AbortSignal): AsyncGenerator<Job[]> {
  const cursors = new Set<string | undefined>();
  let previousIds = new Set<string>();
  for (let after: string | undefined; ; ) {
    cursors.add(after);
    const page = await openai({
      method: 'get',
      path: 'fine_tuning/jobs',
      searchParams: { limit: pageSize, after },
      schema: jobPageSchema,
      purpose: 'list the fine-tuning jobs',
      signal,
    });
    // A page may overlap with the one before it while jobs come and go.
    const known = previousIds;
    const jobs = page.data.filter((job) => !known.has(job.id));
    after = page.data.at(-1)?.id;
    if (page.has_more && cursors.has(after)) {
      throw new OpenAIError(
        'Could not list the fine-tuning jobs: a page is empty or repeats itself, yet says that more follow. ' +
          'Check that openaiBaseUrl is an OpenAI API.',
      );
    }
    yield jobs;
    if (!page.has_more) return;
    previousIds = new Set(page.data.map((job) => job.id));
  }
}
