import * as v from 'valibot';

export const providers = ['openai', 'azure', 'bedrock', 'bedrock-customization'] as const;
export type Provider = (typeof providers)[number];

const bedrockHost = /^bedrock-mantle\.([a-z0-9-]+)\.api\.aws$/;
const azureHost = /\.(azure\.com|azure\.us|azure\.cn|cognitive\.microsoft\.com)$/;

/** Returns the provider that a URL belongs to, by its host. Unknown hosts count as OpenAI-compatible. */
export function providerOf(baseUrl: string): Provider {
  const hostname = URL.parse(baseUrl)?.hostname ?? '';
  if (bedrockHost.test(hostname)) return 'bedrock';
  return azureHost.test(hostname) ? 'azure' : 'openai';
}

/** Returns the region in the host of a Bedrock URL; undefined if it names none, as on loopback. */
export function bedrockRegionOf(baseUrl: string): string | undefined {
  return bedrockHost.exec(URL.parse(baseUrl)?.hostname ?? '')?.[1];
}

/** Returns whether a URL stays on this machine. */
export function isLoopback({ hostname }: URL): boolean {
  return /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
}

/** Returns a schema for text that matches a pattern. An error says that it must be `allowed`. */
export const text = (pattern: RegExp, allowed: string) => v.pipe(v.string(allowed), v.regex(pattern, allowed));

/** Returns a schema for a whole number or its digits: `-c key=value` and resolved tokens arrive as text. */
export const wholeNumber = (min: number, unit: string, max?: number) =>
  numberBetween(min, max, `a whole number of ${unit}, ${min} ${max === undefined ? 'or more' : `to ${max}`}`);

/** Returns a schema for a whole number, 1 or more, or the word `none`. */
const wholeNumberOrNone = (unit: string) => {
  const allowed = `a whole number of ${unit}, 1 or more, or "none"`;
  return v.union([v.literal('none'), numberBetween(1, undefined, allowed)], allowed);
};

const numberBetween = (min: number, max: number | undefined, allowed: string) =>
  v.pipe(
    v.union([v.number(), v.pipe(v.string(), v.regex(/^\d{1,9}$/, allowed))], allowed),
    // Checked before the transformation, so errors quote the original value.
    v.check(
      (given) => Number.isInteger(Number(given)) && Number(given) >= min && Number(given) <= (max ?? 999_999_999),
      allowed,
    ),
    v.transform(Number),
  );

export const trueOrFalse = v.pipe(
  v.union([v.boolean(), v.picklist(['true', 'false'])], 'true or false'),
  v.transform((given) => given === true || given === 'true'),
);

const allowedBaseUrl = 'an https URL, or http on loopback, without user, query or fragment';
const baseUrl = v.pipe(
  v.string(allowedBaseUrl),
  v.check(isAllowedBaseUrl, allowedBaseUrl),
  v.transform((url) => url.replace(/\/+$/, '')),
);

/** The settings that a project can override. */
const projectEntries = {
  provider: v.exactOptional(v.picklist(providers, `one of ${providers.join(', ')}`)),
  openaiBaseUrl: v.exactOptional(baseUrl),
  openaiProject: v.exactOptional(text(/^[\w-]{1,128}$/, 'the id of a project at the provider')),
  region: v.exactOptional(text(/^[a-z]{2,4}(-[a-z]+)+-\d$/, 'an AWS region, such as us-east-1')),
  secretName: v.exactOptional(
    text(
      /^(arn:[\w-]+:secretsmanager:[\w-]+:\d{12}:secret:)?[\w/+=.@-]{1,512}$/,
      'the name or ARN of a secret in Secrets Manager',
    ),
  ),
  secretField: v.exactOptional(text(/^\S{1,128}$/, 'the name of a field in the secret, without spaces')),
  secretKmsKeyArn: v.exactOptional(
    text(/^arn:[\w-]+:kms:[\w-]+:\d{12}:key\/[\w-]+$/, 'the ARN of a KMS key, not of an alias'),
  ),
  timeBudgetMinutes: v.exactOptional(wholeNumber(0, 'minutes')),
  queueLimitMinutes: v.exactOptional(wholeNumberOrNone('minutes')),
  lookbackDays: v.exactOptional(wholeNumber(0, 'days')),
  cancelLimit: v.exactOptional(wholeNumberOrNone('jobs')),
  dryRun: v.exactOptional(trueOrFalse),
};

/** One project's overrides of the deployment's settings. */
export const projectSchema = v.strictObject(projectEntries);
export type ProjectOverrides = v.InferOutput<typeof projectSchema>;

/** The name of a project in `projects`. */
export const projectNamePattern = /^[\w-]{1,64}$/;

export const defaultBaseUrl = 'https://api.openai.com/v1';

/** The settings of the function, with their defaults, which `cdk.json` repeats. */
export const settingsEntries = {
  ...projectEntries,
  name: v.optional(
    text(/^[A-Za-z][A-Za-z0-9-]{0,39}$/, 'a letter, then up to 39 letters, digits or "-"'),
    'fine-tuning-curfew',
  ),
  secretName: v.optional(projectEntries.secretName.wrapped, 'openai/api-key'),
  secretField: v.optional(projectEntries.secretField.wrapped, 'apiKey'),
  timeBudgetMinutes: v.optional(projectEntries.timeBudgetMinutes.wrapped, 360),
  lookbackDays: v.optional(projectEntries.lookbackDays.wrapped, 30),
  cancelLimit: v.optional(projectEntries.cancelLimit.wrapped, 20),
  warnBeforeMinutes: v.optional(wholeNumber(0, 'minutes'), 30),
  openaiBaseUrl: v.optional(projectEntries.openaiBaseUrl.wrapped, defaultBaseUrl),
  dryRun: v.optional(projectEntries.dryRun.wrapped, false),
};
export const settingsSchema = v.object(settingsEntries);
export type Settings = v.InferOutput<typeof settingsSchema>;

/** The settings plus what the stack adds. */
const functionSchema = v.object({
  ...settingsEntries,
  /** Topics on which any message stops every job. */
  stopAllTopics: v.optional(v.array(v.string()), []),
  /** Where the projects are in Parameter Store, and in how many parts. Absent in a deployment without `projects`. */
  projectList: v.exactOptional(v.object({ path: v.string(), parts: v.number() })),
  tableName: v.string(),
  /** The bus for events, by name or ARN. */
  eventBusName: v.optional(v.string(), 'default'),
});
export type FunctionSettings = v.InferOutput<typeof functionSchema> & { functionRegion: string };
/** The settings as the stack writes them. */
export type StackSettings = Omit<v.InferInput<typeof functionSchema>, 'name'>;

/** The environment variable with the settings of the function, as JSON. */
export const settingsVariable = 'CURFEW_SETTINGS';

/** Parses the settings of this function. Throws if the environment is not what the stack writes. */
export function parseSettings(environment: Record<string, string | undefined>): FunctionSettings {
  // The release's template passes unset parameters as empty strings.
  const withoutEmpty = (_key: string, value: unknown) => (value === '' ? undefined : value);
  const settings = v.parse(functionSchema, JSON.parse(environment[settingsVariable] ?? '{}', withoutEmpty));
  return { ...settings, functionRegion: v.parse(v.string(), environment['AWS_REGION']) };
}

/** Returns whether a credential may go to this URL: only encrypted, or to this machine. */
function isAllowedBaseUrl(given: string): boolean {
  const url = URL.parse(given);
  // The parser is lenient: in `https:///v1` it sees the host `v1`.
  if (!url || !/^https?:\/\/[^\s/?#@\\]+(\/[^\s?#\\]*)?$/i.test(given)) return false;
  // A trailing dot names the same host, but would hide which provider's it is.
  if (url.hostname.endsWith('.')) return false;
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url));
}
