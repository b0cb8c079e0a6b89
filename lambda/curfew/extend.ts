import { isoOf } from './decision.ts';
import { isInProgress } from './job.ts';
import type { JobTable } from './job-table.ts';
import type { FoundJob } from './projects.ts';
import { judge } from './time-budget.ts';
import type { TimeLeft } from './time-left.ts';

/** The answer to an extension. Deadlines are ISO 8601, null if the job is exempt. */
export interface ExtendAnswer {
  project?: string;
  jobId: string;
  status: string;
  previousDeadline: string | null;
  deadline: string | null;
}

/** What an extension works with. */
export interface ExtendScene {
  table: JobTable;
  time: Pick<TimeLeft, 'stop'>;
  /** The present, in Unix milliseconds. */
  nowMilliseconds: number;
  requestedBy: string;
}

/**
 * Lets a job in progress run for `minutes` from now, if that is later than its deadline. Never shortens it.
 *
 * @throws StateError if the table cannot be read or written.
 */
export async function extend(
  { project, job }: FoundJob,
  minutes: number,
  { table, time, nowMilliseconds, requestedBy }: ExtendScene,
): Promise<ExtendAnswer> {
  const answer = (previous: number | null, deadline: number | null): ExtendAnswer => ({
    ...(project.name !== undefined && { project: project.name }),
    jobId: job.id,
    status: job.status,
    previousDeadline: isoOf(previous),
    deadline: isoOf(deadline),
  });
  const { deadlineSeconds } = judge(job, project.rules, nowMilliseconds);
  if (deadlineSeconds === null) return answer(null, null);
  const record = (await table.read([job.id], time.stop)).get(job.id) ?? {};
  if (record instanceof Error) throw record;
  const previousSeconds = Math.max(deadlineSeconds, record.extendedUntilSeconds ?? 0);
  const untilSeconds = Math.floor(nowMilliseconds / 1000) + minutes * 60;
  if (!isInProgress(job.status) || untilSeconds <= previousSeconds) {
    return answer(previousSeconds, previousSeconds);
  }
  return answer(previousSeconds, await table.extend(job.id, untilSeconds, requestedBy, time.stop));
}
