import { Token } from 'aws-cdk-lib';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import leven from 'leven';
import * as v from 'valibot';
import { zeroBudgetError } from '../../lambda/project-settings.ts';
import {
  type ProjectOverrides,
  projectNamePattern,
  projectSchema,
  settingsSchema,
  text,
  trueOrFalse,
  wholeNumber,
} from '../../lambda/settings.ts';

const logLevels = ['DEBUG', 'INFO', 'WARN', 'ERROR'] as const;
const retentions = Object.values(RetentionDays)
  .filter((days) => typeof days === 'number')
  .filter((days) => days !== RetentionDays.INFINITE);

const stackSchema = v.object({
  ...settingsSchema.entries,
  // The alarm on missing sweeps evaluates three periods of this length. CloudWatch limits them to a day in all if they
  // are shorter than an hour, else to a week, and each period to a day.
  sweepEveryMinutes: v.optional(wholeNumber(1, 'minutes', 1440), 5),
  notifyEmail: v.optional(text(/^[^\s@]+@[^\s@]+$/, 'an e-mail address')),
  notifyTopicArn: v.optional(text(/^arn:[\w-]+:sns:[\w-]+:\d{12}:[\w-]{1,256}$/, 'the ARN of an SNS topic')),
  logLevel: v.optional(v.picklist(logLevels, `one of ${logLevels.join(', ')}`), 'INFO'),
  logRetentionDays: v.optional(
    v.union(
      [v.picklist(retentions), v.pipe(v.string(), v.regex(/^\d+$/), v.transform(Number), v.picklist(retentions))],
      `one of ${retentions.join(', ')}`,
    ),
    90,
  ),
  enabled: v.optional(trueOrFalse, true),
});
type StackSettings = v.InferOutput<typeof stackSchema>;

/** All settings of a deployment: those of the function, and of the stack around it. */
export interface CurfewSettings extends StackSettings {
  /** The overrides of each project, by name; empty in a deployment without `projects`. */
  projects: Record<string, ProjectOverrides>;
}

/** The default of each setting, which `cdk.json` repeats. */
export const defaults: StackSettings = v.parse(stackSchema, {});

/** The names of all settings. */
export const settingNames: readonly string[] = [...Object.keys(stackSchema.entries), 'projects'];

/**
 * Returns the name that a misspelt key probably stands for: one within two edits, or one that it is a prefix of.
 *
 * @returns undefined if none is similar, so the key is probably not ours.
 */
export function closestName(key: string, names: readonly string[]): string | undefined {
  const lower = key.toLowerCase();
  const almost = names.find((name) => leven(lower, name.toLowerCase()) <= 2);
  return almost ?? names.find((name) => lower !== '' && name.toLowerCase().startsWith(lower));
}

/**
 * Checks settings and fills in the defaults.
 *
 * @param given typed values or text; unresolved tokens pass unchecked, and `undefined` means unset.
 * @param noun what the caller calls a setting, such as `prop`.
 * @throws Error naming each invalid setting, with the allowed values.
 */
export function checkedSettings(given: { projects?: unknown }, noun: string): CurfewSettings {
  const settings = check(stackSchema, given, (key) => `${noun} "${key}"`);
  if (settings.timeBudgetMinutes === 0 && !settings.dryRun) {
    throw new Error(`${noun} ${zeroBudgetError}`);
  }
  return { ...settings, projects: checkedProjects(given.projects ?? {}, `${noun} "projects"`) };
}

function checkedProjects(given: unknown, where: string): CurfewSettings['projects'] {
  const projects = Object.entries(object(given, where)).map(([name, overrides]) => {
    if (!projectNamePattern.test(name)) {
      throw new Error(`${where}: the name ${JSON.stringify(name)} must be 1 to 64 letters, digits, "-" or "_"`);
    }
    const project = `project "${name}" in ${where}`;
    const naming = (key: string) => `"${key}" of ${project}`;
    return [name, check(projectSchema, object(overrides, project), naming)] as const;
  });
  return Object.fromEntries(projects);
}

/** Checks values, except for tokens, which have no value yet. */
function check<Schema extends typeof stackSchema | typeof projectSchema>(
  schema: Schema,
  given: object,
  naming: (key: string) => string,
): v.InferOutput<Schema> {
  // A token contains no wildcard, so one in the text around it would get into a policy.
  const isToken = ([key, value]: [string, unknown]) =>
    key in schema.entries && Token.isUnresolved(value) && !/[*?]/.test(String(value));
  const entries = Object.entries(given).filter(([, value]) => value !== undefined);
  const known = entries.filter((entry) => !isToken(entry));
  const result = v.safeParse(schema, Object.fromEntries(known));
  if (!result.success) throw new Error(result.issues.map((issue) => complaint(issue, naming)).join('\n'));
  return { ...result.output, ...Object.fromEntries(entries.filter(isToken)) };
}

function complaint(issue: v.BaseIssue<unknown>, naming: (key: string) => string): string {
  const name = naming(v.getDotPath(issue) ?? '');
  if (issue.expected === 'never') return `${name} is not a setting of projects`;
  const value = JSON.stringify(issue.input) ?? String(issue.input);
  // A URL may hold a password.
  const quoted = value.includes('@') && value.includes('//') ? '' : ` is ${value}, but`;
  return `${name}${quoted} must be ${issue.message}`;
}

function object(given: unknown, where: string): object {
  if (typeof given === 'object' && given !== null && !Array.isArray(given)) return given;
  throw new Error(`${where} must be an object`);
}
