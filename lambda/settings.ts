import * as v from 'valibot';

/** What the function is told by its environment, and where each setting stands there. */
export const environmentNames = {
  secretName: 'SECRET_NAME',
  secretField: 'SECRET_FIELD',
  timeBudgetMinutes: 'TIME_BUDGET_MINUTES',
  lookbackDays: 'LOOKBACK_DAYS',
  openaiBaseUrl: 'OPENAI_BASE_URL',
  dryRun: 'DRY_RUN',
  stopAllTopics: 'STOP_ALL_TOPIC_ARNS',
} as const;

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

/** From text, as environment variables and `-c key=value` hold it, to typed settings. */
export const settingsSchema = v.object({
  secretName: textSetting(/^[\w/+=.@:-]{1,512}$/, 'the name or ARN of a secret in Secrets Manager'),
  secretField: textSetting(/^\S{1,128}$/, 'the name of a field in the secret, without spaces'),
  timeBudgetMinutes: wholeNumberSetting(0, 'minutes'),
  lookbackDays: wholeNumberSetting(0, 'days'),
  openaiBaseUrl: v.pipe(
    v.string(),
    v.check(isAllowedBaseUrl, 'an https URL, or http on loopback, without user, query or fragment'),
    v.transform((url) => url.replace(/\/+$/, '')),
  ),
  dryRun: v.pipe(
    v.picklist(['true', 'false'], 'true or false'),
    v.transform((text) => text === 'true'),
  ),
});

/** Which topics stop every job: wired by the construct, not told by the context. */
const functionSchema = v.object({
  ...settingsSchema.entries,
  stopAllTopics: v.pipe(
    v.optional(v.string(), ''),
    v.transform((text): ReadonlySet<string> => new Set(text.split(',').filter((arn) => arn !== ''))),
  ),
});
export type Settings = v.InferOutput<typeof settingsSchema>;

/** The settings of this function, checked. Throws a ValiError where the environment is not what the stack writes. */
export function settingsFrom(
  environment: Record<string, string | undefined>,
): v.InferOutput<typeof functionSchema> {
  const named = Object.entries(environmentNames).map(([key, name]) => [key, environment[name]]);
  return v.parse(functionSchema, Object.fromEntries(named));
}

/** The environment variables that hold these settings. */
export function environmentFor(settings: Settings): Record<string, string> {
  return {
    [environmentNames.secretName]: settings.secretName,
    [environmentNames.secretField]: settings.secretField,
    [environmentNames.timeBudgetMinutes]: String(settings.timeBudgetMinutes),
    [environmentNames.lookbackDays]: String(settings.lookbackDays),
    [environmentNames.openaiBaseUrl]: settings.openaiBaseUrl,
    [environmentNames.dryRun]: String(settings.dryRun),
  };
}

/** The key travels to this URL: encrypted, or not off this machine. */
function isAllowedBaseUrl(text: string): boolean {
  const url = URL.parse(text);
  if (!url || url.username || url.password || url.search || url.hash) return false;
  const isLoopback = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname);
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback);
}
