import type { ExtendAnswer } from '../contract.ts';
import { OpenAIError } from '../errors.ts';
import { inProject } from './cancel.ts';
import type { Context, ProjectJob } from './context.ts';
import { cancelProgress, isActive, loadAndJudge, toIso } from './deadline.ts';

/**
 * Moves the deadline of an active job to `minutes` from now, unless it is later already.
 *
 * @throws StateError if the table cannot be used, OpenAIError if the provider does not say when the job was created.
 */
export async function extend({ project, job }: ProjectJob, minutes: number, context: Context): Promise<ExtendAnswer> {
  const { table, now, requestedBy } = context;
  const answer = (previous: number | null, deadline: number | null): ExtendAnswer => ({
    ...inProject(project),
    jobId: job.id,
    status: job.status,
    previousDeadline: toIso(previous),
    deadline: toIso(deadline),
  });
  if (!isActive(job)) return answer(null, null);
  if (job.createdAt === null) {
    throw new OpenAIError(
      `The job "${job.id}" has no readable creation time, so it has no deadline to extend. Cancel it by its id if it has to stop.`,
    );
  }
  const { row, judgement, readError } = await loadAndJudge(project, job, true, context);
  if (readError) throw readError;
  const { deadline } = judgement;
  if (cancelProgress(row, now) === 'recent' || deadline === null) return answer(null, null);
  const until = now + minutes * 60;
  if (until <= deadline) return answer(deadline, deadline);
  return answer(deadline, await table().extend(job.id, until, requestedBy));
}
