import type { Node } from 'constructs';
import * as v from 'valibot';
import { settingsSchema, textSetting, wholeNumberSetting } from '../lambda/settings.ts';

const logLevels = ['DEBUG', 'INFO', 'WARN', 'ERROR'] as const;

const contextSchema = v.object({
  ...settingsSchema.entries,
  // Alarms on missing sweeps cannot look further; and there is a daily sweep anyway.
  sweepEveryMinutes: wholeNumberSetting(1, 'minutes', 1440),
  logLevel: v.picklist(logLevels, `one of ${logLevels.join(', ')}`),
  // Leaves out what the AWS emulator cannot create.
  emulator: v.optional(
    v.pipe(
      v.literal('true', 'true, or not given at all'),
      v.transform(() => true),
    ),
  ),
  notifyEmail: v.optional(textSetting(/^[^\s@]+@[^\s@]+$/, 'an e-mail address')),
});

/** All that the stack can be told, from `cdk.json` and `-c key=value`. */
export type CurfewContext = v.InferOutput<typeof contextSchema>;

/**
 * Reads and checks the CDK context.
 *
 * @throws Error naming each key that is wrong, and what is allowed there.
 */
export function contextOf(node: Node): CurfewContext {
  const texts = Object.keys(contextSchema.entries).flatMap((key) => {
    const value: unknown = node.tryGetContext(key);
    return value === undefined ? [] : [[key, String(value)] as const];
  });
  const parsed = v.safeParse(contextSchema, Object.fromEntries(texts));
  if (parsed.success) return parsed.output;
  const lines = parsed.issues.map((issue) => {
    const key = v.getDotPath(issue);
    const given = issue.input === undefined ? 'is missing' : `is ${JSON.stringify(issue.input)}`;
    return `context key "${key}" ${given}, but must be ${issue.message} (cdk.json, or -c ${key}=…)`;
  });
  throw new Error(lines.join('\n'));
}
