import { toError } from '../errors.ts';
import type { Context, Project } from './context.ts';
import type { Job, UnreadableEntry } from './job.ts';

/** The result of listing a project. */
export interface Listing {
  project: Project;
  /** The jobs that have not finished, each once. */
  unfinished: Job[];
  /** How many jobs there were within the look-back, including finished ones. */
  inspected: number;
  unreadable: UnreadableEntry[];
  hasFirstPage: boolean;
  /** Why listing failed, unless time ran out. */
  error?: Error;
  /** Why the next page was not there when time ran out. */
  cutShortBy?: Error;
}

/**
 * Lists a project's jobs, newest first, up to the page on which every job is older than the look-back. Ends early if
 * listing fails or after two thirds of the time. Never throws. A look-back of 0 lists everything. `withBudgets` also
 * reads metadata, and counts an unfinished job without a creation time as unreadable.
 */
export async function listJobs(
  project: Project,
  { lookbackDays, withBudgets }: { lookbackDays: number; withBudgets: boolean },
  { now, time }: Context,
): Promise<Listing> {
  const listing: Listing = { project, unfinished: [], inspected: 0, unreadable: [], hasFirstPage: false };
  const oldest = lookbackDays === 0 ? Number.NEGATIVE_INFINITY : now - lookbackDays * 86_400;
  const seen = new Set<string>();
  const unreadable = new Map<string | number, UnreadableEntry>();
  let previous = Number.POSITIVE_INFINITY;
  let isNewestFirst = true;
  try {
    for await (const page of project.provider.list({ signal: time.listingSignal, withMetadata: withBudgets })) {
      listing.hasFirstPage = true;
      for (const entry of page.unreadable) unreadable.set(entry.jobId ?? unreadable.size, entry);
      for (const job of page.jobs) {
        // Pages overlap if jobs are created between calls.
        if (seen.has(job.id)) continue;
        if (withBudgets && job.createdAt === null && job.phase !== 'finished') {
          unreadable.set(job.id, { jobId: job.id, unreadableFields: ['created_at'] });
          continue;
        }
        seen.add(job.id);
        if ((job.createdAt ?? previous) > previous) isNewestFirst = false;
        previous = job.createdAt ?? previous;
        if ((job.createdAt ?? 0) < oldest) continue;
        listing.inspected += 1;
        if (job.phase !== 'finished') listing.unfinished.push(job);
      }
      const times = page.jobs.flatMap(({ createdAt }) => createdAt ?? []);
      if (isNewestFirst && times.length > 0 && times.every((createdAt) => createdAt < oldest)) break;
    }
  } catch (thrown) {
    if (time.listingSignal.aborted) listing.cutShortBy = toError(thrown);
    else listing.error = toError(thrown);
  }
  // An entry does not count if another page had the job in readable form.
  listing.unreadable = [...unreadable.values()].filter(({ jobId }) => jobId === undefined || !seen.has(jobId));
  return listing;
}
