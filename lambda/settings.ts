import * as v from 'valibot';
import { isLoopback, providers } from './providers.ts';

/** A setting that reads as text matching `pattern`; `allowed` is what an error says of it. */
export const textSetting = (pattern: RegExp, allowed: string) =>
  v.pipe(v.string(allowed), v.regex(pattern, allowed));

/** A setting that reads as a whole number of `unit`, `least` or more, and up to `most` if that is given. */
export const wholeNumberSetting = (least: number, unit: string, most = Number.POSITIVE_INFINITY) => {
  const allowed = `a whole number of ${unit}, ${least} ${Number.isFinite(most) ? `to ${most}` : 'or more'}`;
  return v.pipe(
    textSetting(/^\d{1,9}$/, allowed),
    v.transform(Number),
    v.minValue(least, allowed),
    v.maxValue(most, allowed),
  );
};

const cancelLimit = v.pipe(
  textSetting(/^([1-9]\d{0,8}|none)$/, 'a whole number of jobs, 1 or more, or "none"'),
  v.transform((text) => (text === 'none' ? 'none' : Number(text))),
);
const dryRun = v.pipe(
  v.picklist(['true', 'false'], 'true or false'),
  v.transform((text) => text === 'true'),
);
const allowedBaseUrl = 'an https URL, or http on loopback, without user, query or fragment';
const baseUrl = v.pipe(
  v.string(allowedBaseUrl),
  v.check(isAllowedBaseUrl, allowedBaseUrl),
  v.transform((url) => url.replace(/\/+$/, '')),
);

/** What a project can set for itself, as text. */
const projectEntries = {
  provider: v.picklist(providers, `one of ${providers.join(', ')}`),
  openaiBaseUrl: baseUrl,
  openaiProject: textSetting(/^[\w-]{1,128}$/, "the id of a project at the provider's"),
  secretName: textSetting(
    /^(arn:[\w-]+:secretsmanager:[\w-]+:\d{12}:secret:)?[\w/+=.@-]{1,512}$/,
    'the name or ARN of a secret in Secrets Manager',
  ),
  secretField: textSetting(/^\S{1,128}$/, 'the name of a field in the secret, without spaces'),
  secretKmsKeyArn: textSetting(
    /^arn:[\w-]+:kms:[\w-]+:\d{12}:key\/[\w-]+$/,
    'the ARN of a key in KMS, not of an alias',
  ),
  timeBudgetMinutes: wholeNumberSetting(0, 'minutes'),
  lookbackDays: wholeNumberSetting(0, 'days'),
  cancelLimit,
  dryRun,
};

/** What differs from the top-level settings in one project: from text to typed settings. */
export const projectSchema = v.strictObject({
  provider: v.exactOptional(projectEntries.provider),
  openaiBaseUrl: v.exactOptional(projectEntries.openaiBaseUrl),
  openaiProject: v.exactOptional(projectEntries.openaiProject),
  secretName: v.exactOptional(projectEntries.secretName),
  secretField: v.exactOptional(projectEntries.secretField),
  secretKmsKeyArn: v.exactOptional(projectEntries.secretKmsKeyArn),
  timeBudgetMinutes: v.exactOptional(projectEntries.timeBudgetMinutes),
  lookbackDays: v.exactOptional(projectEntries.lookbackDays),
  cancelLimit: v.exactOptional(projectEntries.cancelLimit),
  dryRun: v.exactOptional(projectEntries.dryRun),
});
export type ProjectOverrides = v.InferOutput<typeof projectSchema>;

/** The name of a project in the context key `projects`. */
export const projectNamePattern = /^[\w-]{1,64}$/;

/** The settings that the function is told, from text, as environment variables and `-c key=value` hold it. */
export const settingsSchema = v.object({
  ...projectEntries,
  name: textSetting(/^[A-Za-z][A-Za-z0-9-]{0,39}$/, 'a letter, then up to 39 letters, digits or "-"'),
  warnBeforeMinutes: wholeNumberSetting(0, 'minutes'),
  provider: v.optional(projectEntries.provider),
  openaiProject: v.optional(projectEntries.openaiProject),
  secretKmsKeyArn: v.optional(projectEntries.secretKmsKeyArn),
});
export type Settings = v.InferOutput<typeof settingsSchema>;

/** OpenAI's own. */
export const defaultBaseUrl = 'https://api.openai.com/v1';

/** What holds where nothing is said. `cdk.json` shows the same. */
export const defaultSettings: Settings = {
  name: 'fine-tuning-curfew',
  secretName: 'openai/api-key',
  secretField: 'apiKey',
  timeBudgetMinutes: 360,
  lookbackDays: 30,
  cancelLimit: 20,
  warnBeforeMinutes: 30,
  openaiBaseUrl: defaultBaseUrl,
  dryRun: false,
};

/** Where each setting of the function is found in its environment. */
export const environmentNames = {
  name: 'CURFEW_NAME',
  secretName: 'SECRET_NAME',
  secretField: 'SECRET_FIELD',
  timeBudgetMinutes: 'TIME_BUDGET_MINUTES',
  lookbackDays: 'LOOKBACK_DAYS',
  cancelLimit: 'CANCEL_LIMIT',
  warnBeforeMinutes: 'WARN_BEFORE_MINUTES',
  openaiBaseUrl: 'OPENAI_BASE_URL',
  provider: 'PROVIDER',
  openaiProject: 'OPENAI_PROJECT',
  dryRun: 'DRY_RUN',
  /** Topics on which any message means that every job must stop, separated by commas. */
  stopAllTopics: 'STOP_ALL_TOPIC_ARNS',
  /** The path in Parameter Store below which the projects are kept; absent if there is only one, made of the above. */
  projectsPath: 'PROJECTS_PATH',
  /** The table of extensions and of what was published. */
  tableName: 'TABLE_NAME',
  /** The bus that our events go to, by name or ARN. */
  eventBusName: 'EVENT_BUS_NAME',
  /** Set by Lambda itself. */
  region: 'AWS_REGION',
} as const;

const functionSchema = v.object({
  ...settingsSchema.entries,
  stopAllTopics: v.pipe(
    v.optional(v.string(), ''),
    v.transform((text): ReadonlySet<string> => new Set(text.split(',').filter((arn) => arn !== ''))),
  ),
  projectsPath: v.optional(v.string()),
  tableName: v.string(),
  eventBusName: v.optional(v.string(), 'default'),
  region: v.string(),
});
export type FunctionSettings = v.InferOutput<typeof functionSchema>;

/** The settings of this function, checked. Throws a ValiError if the environment is not what the stack writes. */
export function settingsFrom(environment: Record<string, string | undefined>): FunctionSettings {
  const named = Object.entries(environmentNames).map(([key, name]) => [key, environment[name]]);
  return v.parse(functionSchema, Object.fromEntries(named));
}

/** The environment variables that hold these settings. */
export function environmentFor(settings: Settings): Record<string, string> {
  const named = Object.keys(settingsSchema.entries).flatMap((key) => {
    const name = Object.entries(environmentNames).find(([setting]) => setting === key)?.[1];
    const value: unknown = Object.entries(settings).find(([setting]) => setting === key)?.[1];
    return name === undefined || value === undefined ? [] : [[name, String(value)] as const];
  });
  return Object.fromEntries(named);
}

/** The key travels to this URL: encrypted, or not off this machine. */
function isAllowedBaseUrl(text: string): boolean {
  const url = URL.parse(text);
  // The parser mends what it can: `https:///v1` would mean the host `v1`.
  if (!url || !/^https?:\/\/[^\s/?#@\\]+(\/[^\s?#\\]*)?$/i.test(text)) return false;
  // The same host under another name, by which we would not know whose it is.
  if (url.hostname.endsWith('.')) return false;
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url));
}
