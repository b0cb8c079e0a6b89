/** Parses Bedrock's model customization jobs, which are trusted no more than any other provider's answers. */

import * as v from 'valibot';
import {
  customizationArnPattern,
  earliestTime,
  type Job,
  type JobPage,
  latestTime,
  type Phase,
} from '../curfew/job.ts';
import { OpenAIError } from '../errors.ts';

const phases = new Map<string, Phase>([
  ['Stopping', 'cancelling'],
  ['Completed', 'finished'],
  ['Failed', 'finished'],
  ['Stopped', 'finished'],
]);

const toSeconds = v.transform((date: Date) => date.getTime() / 1000);
const time = v.fallback(v.pipe(v.date(), toSeconds, v.minValue(earliestTime), v.maxValue(latestTime)), Number.NaN);
/** Only some kinds of jobs have training details. Without them, a job counts as running. */
const trainingSchema = v.object({ status: v.optional(v.string()), creationTime: time });
export const jobSchema = v.pipe(
  v.object({
    jobArn: v.pipe(v.string(), v.regex(customizationArnPattern)),
    status: v.pipe(v.string(), v.nonEmpty(), v.maxLength(64)),
    statusDetails: v.fallback(v.object({ trainingDetails: v.optional(trainingSchema) }), {}),
    creationTime: time,
    baseModelArn: v.fallback(v.string(), ''),
  }),
  v.transform(({ jobArn, status, statusDetails: { trainingDetails: training }, creationTime, baseModelArn }): Job => {
    const isWaiting = training?.status === 'NotStarted';
    return {
      id: jobArn,
      status,
      phase: status === 'InProgress' ? (isWaiting ? 'waiting' : 'running') : (phases.get(status) ?? 'other'),
      wasCancelled: status === 'Stopped',
      isKnownStatus: status === 'InProgress' || phases.has(status),
      createdAt: creationTime || null,
      startedAt: isWaiting ? null : training?.creationTime || null,
      estimatedFinish: null,
      model: baseModelArn.split('/').at(-1) || null,
      metadata: {},
      hasInvalidMetadata: false,
    };
  }),
);
/** AWS does not document whether it leaves out an empty list. */
export const tagsSchema = v.optional(v.array(v.object({ key: v.string(), value: v.string() })), []);
export const entriesSchema = v.optional(v.array(v.unknown()), []);

/** Sorts the entries of a page into jobs and unreadable ones. */
export function parseEntries(entries: unknown[]): JobPage {
  const page: JobPage = { jobs: [], unreadable: [] };
  for (const entry of entries) {
    const parsed = v.safeParse(jobSchema, entry);
    if (parsed.success) page.jobs.push(parsed.output);
    else {
      const unreadableFields = parsed.issues.map((issue) => v.getDotPath(issue) ?? 'the whole entry');
      const jobId = unreadableFields.includes('jobArn') ? undefined : Object(entry).jobArn;
      page.unreadable.push({ jobId, unreadableFields });
    }
  }
  return page;
}

/** Returns part of an answer, checked against the schema. Throws OpenAIError. */
export function check<Schema extends v.GenericSchema>(
  schema: Schema,
  given: unknown,
  purpose: string,
): v.InferOutput<Schema> {
  const parsed = v.safeParse(schema, given);
  if (parsed.success) return parsed.output;
  throw new OpenAIError(`Could not ${purpose}: the answer is not what Bedrock's API promises. Try again.`);
}
