import * as v from 'valibot';
import type { CurfewRequest } from './contract.ts';
import { customizationArnPattern, jobIdPattern } from './curfew/job.ts';
import { InvalidRequestError } from './errors.ts';

const jobId = v.pipe(
  v.string('must be a string'),
  v.check(
    (id) => jobIdPattern.test(id) || customizationArnPattern.test(id),
    'must be a letter or digit, then up to 127 letters, digits or any of "-_.:", or the ARN of a Bedrock customization job',
  ),
);
const trueOrFalse = v.boolean('must be true or false');
/** The default makes requests with false and requests without the field identical. */
const dryRun = v.exactOptional(trueOrFalse, false);
const zeroOrMore = v.exactOptional(
  v.pipe(v.number('must be a number'), v.finite('must be a finite number'), v.minValue(0, 'must be 0 or more')),
);
const cancelLimitText = 'must be a whole number, 1 or more, or "none"';
const cancelLimit = v.exactOptional(
  v.union(
    [v.pipe(v.number(), v.safeInteger(cancelLimitText), v.minValue(1, cancelLimitText)), v.literal('none')],
    cancelLimitText,
  ),
);
const minutesText = 'must be a whole number of minutes, 1 to 43200';
const minutes = v.pipe(
  v.number(minutesText),
  v.check((given) => Number.isInteger(given) && given >= 1 && given <= 43_200, minutesText),
);
const project = v.exactOptional(v.string('must be the name of a project'));

/** Who asked and why, as the request claims. */
export const requestedBySchema = v.pipe(
  v.string('must be a string'),
  v.regex(/^(?=.*\S)[^\p{Cc}]{1,100}$/su, 'must be 1 to 100 characters, not all blank, without control characters'),
);
const requestedBy = v.exactOptional(requestedBySchema);

/** Returns a schema for an object with these fields and no others. Rejects arrays, which `strictObject` accepts. */
const object = <const Entries extends v.ObjectEntries>(entries: Entries, example: string) => {
  const message = `must be an object, such as ${example}`;
  const isObject = (input: unknown) => typeof input === 'object' && input !== null && !Array.isArray(input);
  return v.pipe(v.custom<object>(isObject, message), v.strictObject(entries, message));
};

const schemas = {
  jobId: v.strictObject({ jobId, dryRun, project, requestedBy }),
  sweep: v.strictObject({
    sweep: object(
      {
        timeBudgetMinutes: zeroOrMore,
        // No default: if the field is omitted, the setting applies.
        dryRun: v.exactOptional(trueOrFalse),
        lookbackDays: zeroOrMore,
        cancelLimit,
        project,
      },
      '{} or {"dryRun": true}',
    ),
    requestedBy,
  }),
  stopAll: v.strictObject({ stopAll: object({ dryRun, project }, '{} or {"dryRun": true}'), requestedBy }),
  list: v.strictObject({ list: object({ project }, '{}'), requestedBy }),
  extend: v.strictObject({
    extend: object({ jobId, minutes, project }, '{"jobId": "ftjob-…", "minutes": 120}'),
    requestedBy,
  }),
};

/** The keys that identify the kind of request. */
export const requestKeys = ['jobId', 'sweep', 'stopAll', 'list', 'extend'] as const;

const forms =
  'send one of {"jobId": "ftjob-…"}, {"sweep": {}}, {"stopAll": {}}, {"list": {}}, {"extend": {"jobId": "ftjob-…", "minutes": 120}}';
const maxQuotedName = 50;

/**
 * Parses what a caller sent.
 *
 * @returns the request, in one of its five forms, with nothing else in it.
 * @throws InvalidRequestError naming the field that is wrong and what it must be. Values are never quoted.
 */
export function parseRequest(given: unknown): CurfewRequest {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new InvalidRequestError(`The request is not a JSON object: ${forms}.`);
  }
  const [key, another] = requestKeys.filter((candidate) => Object.hasOwn(given, candidate));
  if (key === undefined) {
    const names = Object.keys(given)
      .slice(0, 3)
      .map((name) => `"${name.slice(0, maxQuotedName)}"`);
    const has = names.length > 0 ? ` It has ${names.join(', ')}.` : '';
    throw new InvalidRequestError(`The request has none of the keys that say what to do: ${forms}.${has}`);
  }
  if (another !== undefined) throw new InvalidRequestError(`The request has both "${key}" and "${another}": ${forms}.`);
  const parsed = v.safeParse(schemas[key], given);
  if (parsed.success) return parsed.output;
  const problems = new Set(parsed.issues.map(describeIssue));
  throw new InvalidRequestError(`The request is not valid: ${[...problems].join('; ')}.`);
}

/** Returns the part of a request that names its project and job. */
export function selectionOf(request: CurfewRequest): { project?: string; jobId?: string } {
  if ('jobId' in request) return request;
  if ('sweep' in request) return request.sweep;
  if ('stopAll' in request) return request.stopAll;
  return 'list' in request ? request.list : request.extend;
}

/** Returns who asked, if readable, even from an invalid request. */
export function requestedByIn(given: unknown): string | undefined {
  return v.is(v.looseObject({ requestedBy: requestedBySchema }), given) ? given.requestedBy : undefined;
}

/** Returns a sentence such as `"sweep.dryRun" must be true or false`. */
function describeIssue(issue: v.BaseIssue<unknown>): string {
  const field = `"${v.getDotPath(issue)?.slice(0, maxQuotedName)}"`;
  if (issue.expected === 'never') return `${field} is not a known field`;
  return issue.received === 'undefined' ? `${field} is missing` : `${field} ${issue.message}`;
}
