import type { Node } from 'constructs';
import * as v from 'valibot';
import { settingsSchema, textSetting, wholeNumberSetting } from '../lambda/settings.ts';

const logLevels = ['DEBUG', 'INFO', 'WARN', 'ERROR'] as const;

const contextSchema = v.object({
  ...settingsSchema.entries,
  // Alarms on missing sweeps cannot look further; and there is a daily sweep anyway.
  sweepEveryMinutes: wholeNumberSetting(1, 'minutes', 1440),
  logLevel: v.picklist(logLevels, `one of ${logLevels.join(', ')}`),
  notifyEmail: v.optional(textSetting(/^[^\s@]+@[^\s@]+$/, 'an e-mail address')),
});

/** All that the stack can be told, from `cdk.json` and `-c key=value`. */
export type CurfewContext = v.InferOutput<typeof contextSchema>;

/** What holds where nothing is said. `cdk.json` shows the same. */
export const defaults: CurfewContext = {
  secretName: 'openai/api-key',
  secretField: 'apiKey',
  timeBudgetMinutes: 360,
  sweepEveryMinutes: 5,
  lookbackDays: 30,
  openaiBaseUrl: 'https://api.openai.com/v1',
  dryRun: false,
  logLevel: 'INFO',
};

/**
 * Reads and checks the CDK context.
 *
 * @throws Error naming each key that is wrong, and what is allowed there.
 */
export function contextOf(node: Node): CurfewContext {
  const texts = Object.keys(contextSchema.entries).flatMap((key) => {
    const value: unknown =
      node.tryGetContext(key) ?? Object.entries(defaults).find(([name]) => name === key)?.[1];
    return value === undefined ? [] : [[key, String(value)] as const];
  });
  const parsed = v.safeParse(contextSchema, Object.fromEntries(texts));
  if (parsed.success) return parsed.output;
  const lines = parsed.issues.map((issue) => {
    const key = v.getDotPath(issue);
    return `context key "${key}" is ${JSON.stringify(issue.input)}, but must be ${issue.message} (cdk.json, or -c ${key}=…)`;
  });
  throw new Error(lines.join('\n'));
}
