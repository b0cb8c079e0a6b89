import * as v from 'valibot';
import { jobIdPattern } from './curfew/job.ts';
import { InvalidRequestError } from './errors.ts';

/** What every request may say, whatever it asks for. */
interface Attributed {
  /** Who asks and why, as in `alice, INC-1234`, for the log and for events: 1 to 100 characters. A claim, not proof. */
  requestedBy?: string;
}
interface OfProject {
  /** The name of one project. Left out, all of them are meant. */
  project?: string;
}
interface Rehearsable extends OfProject {
  /** Only say what would happen. */
  dryRun?: boolean;
}

/** `{"jobId": "ftjob-…"}`: cancel this one job if it is still in progress. */
export interface CancelRequest extends Attributed, Rehearsable {
  jobId: string;
}
/** `{"sweep": {}}`: cancel every job past its deadline. Each field stands in for the setting of that name. */
export interface SweepRequest extends Attributed {
  sweep: OfProject & {
    /** A job's own budget still comes first. 0 is allowed here. */
    timeBudgetMinutes?: number;
    /** False arms what is set to `dryRun`, if `project` names it or there is only one project. */
    dryRun?: boolean;
    /** 0 looks at everything. */
    lookbackDays?: number;
    cancelLimit?: number | 'none';
  };
}
/** `{"stopAll": {}}`: cancel every job in progress, whatever its age, budget, exemption or extension. */
export interface StopAllRequest extends Attributed {
  stopAll: Rehearsable;
}
/** `{"list": {}}`: say what runs, and what will become of it. */
export interface ListRequest extends Attributed {
  list: OfProject;
}
/** `{"extend": {"jobId": "ftjob-…", "minutes": 120}}`: let this job run on. */
export interface ExtendRequest extends Attributed {
  extend: OfProject & {
    jobId: string;
    /** From now: a whole number, 1 to 43,200. A deadline never becomes earlier. */
    minutes: number;
  };
}
/** What the function can be asked. */
export type CurfewRequest = CancelRequest | SweepRequest | StopAllRequest | ListRequest | ExtendRequest;

/** A schema for each field of a request and for no others, optional where the field is. */
type FieldsOf<Request> = {
  [Field in keyof Request]-?: object extends Pick<Request, Field>
    ? v.ExactOptionalSchema<v.GenericSchema<Request[Field]>, Request[Field] | undefined>
    : v.GenericSchema<unknown, Request[Field]>;
};

const jobId = v.pipe(
  v.string('must be a string'),
  v.regex(jobIdPattern, 'must be a letter or digit, then up to 127 letters, digits or any of "-_.:"'),
);
const trueOrFalse = v.boolean('must be true or false');
/** Left out, it is false, so requests that say so and those that do not are equal. */
const dryRun = v.exactOptional(trueOrFalse, false);
const zeroOrMore = v.exactOptional(
  v.pipe(
    v.number('must be a number'),
    v.finite('must be a finite number'),
    v.minValue(0, 'must be 0 or more'),
  ),
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
  v.integer(minutesText),
  v.minValue(1, minutesText),
  v.maxValue(43_200, minutesText),
);
const project = v.exactOptional(v.string('must be the name of a project'));

/** Who asked and why, as the request claims. */
export const requestedBySchema = v.pipe(
  v.string('must be a string'),
  v.regex(
    /^(?=.*\S)[^\p{Cc}]{1,100}$/su,
    'must be 1 to 100 characters, not all blank, without control characters',
  ),
);
const requestedBy = v.exactOptional(requestedBySchema);
const attributedSchema = v.looseObject({ requestedBy: requestedBySchema });

/** An object with these fields and no others. An array has no fields, but would pass for one. */
const object = <const Entries extends v.ObjectEntries>(entries: Entries, example: string) => {
  const message = `must be an object, such as ${example}`;
  return v.pipe(
    v.custom<object>(
      (input) => typeof input === 'object' && input !== null && !Array.isArray(input),
      message,
    ),
    v.strictObject(entries, message),
  );
};

const schemas = {
  jobId: v.strictObject({ jobId, dryRun, project, requestedBy } satisfies FieldsOf<CancelRequest>),
  sweep: v.strictObject({
    sweep: object(
      {
        timeBudgetMinutes: zeroOrMore,
        // Left out, the setting holds.
        dryRun: v.exactOptional(trueOrFalse),
        lookbackDays: zeroOrMore,
        cancelLimit,
        project,
      } satisfies FieldsOf<SweepRequest['sweep']>,
      '{} or {"dryRun": true}',
    ),
    requestedBy,
  } satisfies FieldsOf<SweepRequest>),
  stopAll: v.strictObject({
    stopAll: object(
      { dryRun, project } satisfies FieldsOf<StopAllRequest['stopAll']>,
      '{} or {"dryRun": true}',
    ),
    requestedBy,
  } satisfies FieldsOf<StopAllRequest>),
  list: v.strictObject({
    list: object({ project } satisfies FieldsOf<ListRequest['list']>, '{}'),
    requestedBy,
  } satisfies FieldsOf<ListRequest>),
  extend: v.strictObject({
    extend: object(
      { jobId, minutes, project } satisfies FieldsOf<ExtendRequest['extend']>,
      '{"jobId": "ftjob-…", "minutes": 120}',
    ),
    requestedBy,
  } satisfies FieldsOf<ExtendRequest>),
};

/** The keys by which requests are told apart. */
export const requestKeys = ['jobId', 'sweep', 'stopAll', 'list', 'extend'] as const;

const longestNameQuoted = 50;

const forms =
  'send one of {"jobId": "ftjob-…"}, {"sweep": {}}, {"stopAll": {}}, {"list": {}}, {"extend": {"jobId": "ftjob-…", "minutes": 120}}';

/**
 * Reads what a caller sent.
 *
 * @param given a request of whatever shape.
 * @returns the request, one of the five forms, with nothing else in it.
 * @throws InvalidRequestError naming the field that is wrong and what it must be. Values are never quoted.
 */
export function parseRequest(given: unknown): CurfewRequest {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new InvalidRequestError(`The request is not a JSON object: ${forms}.`);
  }
  const [key, another] = requestKeys.filter((candidate) => Object.hasOwn(given, candidate));
  if (key === undefined) {
    const others = Object.keys(given)
      .slice(0, 3)
      .map((name) => `"${name.slice(0, longestNameQuoted)}"`);
    const has = others.length > 0 ? ` It has ${others.join(', ')}.` : '';
    throw new InvalidRequestError(`The request has none of the keys that say what to do: ${forms}.${has}`);
  }
  if (another !== undefined) {
    throw new InvalidRequestError(`The request has both "${key}" and "${another}": ${forms}.`);
  }
  const parsed = v.safeParse(schemas[key], given);
  if (parsed.success) return parsed.output;
  const wrong = new Set(parsed.issues.map(describe));
  throw new InvalidRequestError(`The request is not valid: ${[...wrong].join('; ')}.`);
}

/** Who asked, as far as that can be read; even of what is no request, so its refusal can name whoever sent it. */
export function requestedByIn(given: unknown): string | undefined {
  return v.is(attributedSchema, given) ? given.requestedBy : undefined;
}

/** `"sweep.dryRun" must be true or false`, or that the field is unknown. */
function describe(issue: v.BaseIssue<unknown>): string {
  const field = `"${v.getDotPath(issue)?.slice(0, longestNameQuoted)}"`;
  if (issue.expected === 'never') return `${field} is not a known field`;
  return issue.received === 'undefined' ? `${field} is missing` : `${field} ${issue.message}`;
}
