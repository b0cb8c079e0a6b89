import * as v from 'valibot';
import { type FineTuningApi, isFinished, type JobPage, jobSchema } from '../curfew/job.ts';
import { asError, OpenAIError } from '../errors.ts';
import type { OpenAICall, OpenAIClient } from './client.ts';

const pageSchema = v.object({ data: v.array(v.unknown()), has_more: v.boolean() });
const idSchema = v.object({ id: v.pipe(v.string(), v.nonEmpty()) });
const statusSchema = v.object({ status: v.string() });

const pageSize = 100;
/** A page of jobs with full metadata takes less than a tenth of it. */
const mostPageBytes = 16 * 1024 * 1024;
/** A hundred of them may come at once. */
const mostJobBytes = 1024 * 1024;

/** The fine-tuning endpoints over a client. */
export function createFineTuningApi(openai: OpenAIClient): FineTuningApi {
  /** The errors of cancels that were sent all the same: only the job itself knows what became of them. */
  const sentInVain = new WeakSet<Error>();

  const aboutJob = async (
    jobId: string,
    call: Pick<
      OpenAICall<typeof jobSchema>,
      'method' | 'path' | 'purpose' | 'signal' | 'sent' | 'passesShutGate'
    >,
  ) => {
    const { purpose } = call;
    const job = await openai({ ...call, schema: jobSchema, jobId, mostBytes: mostJobBytes });
    if (job.id === jobId) return job;
    throw new OpenAIError(
      `Could not ${purpose} "${jobId}": the answer is about another job. Check what stands between us and openaiBaseUrl.`,
    );
  };
  const retrieve = (jobId: string, how: Pick<OpenAICall<typeof jobSchema>, 'signal' | 'passesShutGate'>) =>
    aboutJob(jobId, {
      method: 'GET',
      path: `fine_tuning/jobs/${jobId}`,
      purpose: 'retrieve the job',
      ...how,
    });
  return {
    retrieve: (jobId, signal) => retrieve(jobId, { signal }),
    // A rate limit must not hide that a job was cancelled after all.
    retrieveAfter: (failure, jobId) => retrieve(jobId, { passesShutGate: sentInVain.has(failure) }),
    cancel: async (jobId) => {
      let wasSent = false;
      try {
        return await aboutJob(jobId, {
          method: 'POST',
          path: `fine_tuning/jobs/${jobId}/cancel`,
          purpose: 'cancel the job',
          sent: () => {
            wasSent = true;
          },
        });
      } catch (thrown) {
        const error = asError(thrown);
        if (wasSent) sentInVain.add(error);
        throw error;
      }
    },
    list: (signal) => listPages(openai, signal),
  };
}

async function* listPages(openai: OpenAIClient, signal: AbortSignal): AsyncGenerator<JobPage> {
  const cursors = new Set<string | undefined>();
  for (let after: string | undefined; ; ) {
    cursors.add(after);
    const { data, has_more } = await openai({
      method: 'GET',
      path: 'fine_tuning/jobs',
      searchParams: { limit: pageSize, after },
      schema: pageSchema,
      purpose: 'list the fine-tuning jobs',
      mostBytes: mostPageBytes,
      signal,
    });
    after = data.findLast((entry) => v.is(idSchema, entry))?.id;
    yield pageOf(data);
    if (!has_more) return;
    if (cursors.has(after)) {
      throw new OpenAIError(
        'Could not list the fine-tuning jobs: a page is empty or repeats itself, yet says that more follow. ' +
          'Check that openaiBaseUrl is an OpenAI API.',
      );
    }
  }
}

/** Sorts the entries of a page. */
function pageOf(data: unknown[]): JobPage {
  const page: JobPage = { jobs: [], odd: [] };
  for (const entry of data) {
    const parsed = v.safeParse(jobSchema, entry);
    if (!parsed.success) {
      // One that has finished is of no more interest.
      if (v.is(statusSchema, entry) && isFinished(entry.status)) continue;
      const fields = parsed.issues.map((issue) => v.getDotPath(issue) ?? 'the whole entry');
      page.odd.push({ jobId: fields.includes('id') ? undefined : idOf(entry), fields });
    } else {
      page.jobs.push(parsed.output);
    }
  }
  return page;
}

function idOf(entry: unknown): string | undefined {
  return v.is(idSchema, entry) ? entry.id : undefined;
}
