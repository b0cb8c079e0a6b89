import * as v from 'valibot';
import { InvalidRequestError } from './errors.ts';
import { jobIdPattern } from './fine-tuning-api.ts';

const jobId = v.pipe(
  v.string('must be a string'),
  v.regex(jobIdPattern, 'must be 1 to 128 letters, digits, "-" or "_"'),
);
const dryRun = v.exactOptional(v.boolean('must be true or false'));
const zeroOrMore = v.exactOptional(
  v.pipe(
    v.number('must be a number'),
    v.finite('must be a finite number'),
    v.minValue(0, 'must be 0 or more'),
  ),
);

const cancelRequestSchema = v.strictObject({ jobId, dryRun });
const sweepRequestSchema = v.strictObject({
  sweep: v.strictObject(
    { timeBudgetMinutes: zeroOrMore, dryRun, lookbackDays: zeroOrMore },
    'must be an object, such as {} or {"dryRun": true}',
  ),
});

/** `{"jobId": "ftjob-…", "dryRun"?: boolean}`: cancel this one job if it is still in progress. */
export type CancelRequest = v.InferOutput<typeof cancelRequestSchema>;
/** `{"sweep": {"timeBudgetMinutes"?, "dryRun"?, "lookbackDays"?}}`: cancel every job past its time budget. */
export type SweepRequest = v.InferOutput<typeof sweepRequestSchema>;

const bothForms =
  'send {"jobId": "ftjob-…"} to cancel one job, or {"sweep": {}} to cancel all that are past their time budget';

/**
 * Reads what a caller sent.
 *
 * @param event the payload of the invocation, of whatever shape.
 * @returns the request, one of the two forms, with nothing else in it.
 * @throws InvalidRequestError naming the field that is wrong and what it must be. Values are never quoted.
 */
export function parseRequest(event: unknown): CancelRequest | SweepRequest {
  if (typeof event !== 'object' || event === null || Array.isArray(event)) {
    throw new InvalidRequestError(`The request is not a JSON object: ${bothForms}.`);
  }
  const isCancel = Object.hasOwn(event, 'jobId');
  const isSweep = Object.hasOwn(event, 'sweep');
  if (isCancel && isSweep) {
    throw new InvalidRequestError(`The request has both "jobId" and "sweep": ${bothForms}.`);
  }
  if (!isCancel && !isSweep) {
    throw new InvalidRequestError(`The request has neither "jobId" nor "sweep": ${bothForms}.`);
  }
  const parsed = v.safeParse(isCancel ? cancelRequestSchema : sweepRequestSchema, event);
  if (parsed.success) return parsed.output;
  throw new InvalidRequestError(`The request is not valid: ${parsed.issues.map(describe).join('; ')}.`);
}

/** `"sweep.dryRun" must be true or false`, or that the field is unknown. */
function describe(issue: v.BaseIssue<unknown>): string {
  const field = `"${v.getDotPath(issue)}"`;
  return issue.expected === 'never' ? `${field} is not a known field` : `${field} ${issue.message}`;
}
