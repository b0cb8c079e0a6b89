import type { Node } from 'constructs';
import { type CurfewSettings, checkedSettings, likelyMeant, settingNames } from './settings.ts';

/**
 * Reads and checks the CDK context.
 *
 * @param node of the app.
 * @returns the settings from `cdk.json` and `-c key=value`, with the defaults for the rest.
 * @throws Error naming each key that is wrong, misspelt or cut short, and what is allowed.
 */
export function contextOf(node: Node): CurfewSettings {
  refuseMisspelt(Object.keys(node.getAllContext()));
  const given = settingNames.map((key): [string, unknown] => [key, node.tryGetContext(key) ?? undefined]);
  const { projects, ...settings } = Object.fromEntries(given);
  return checkedSettings({ ...settings, projects: fromJson(projects) }, 'context key');
}

/** A misspelt key would leave its default in force without a word. The context holds keys of others too. */
function refuseMisspelt(keys: readonly string[]): void {
  const complaints = keys
    .filter((key) => !settingNames.includes(key))
    .flatMap((key) => {
      const meant = likelyMeant(key, settingNames);
      return meant ? [`context key "${key}" is not a setting: did you mean "${meant}"?`] : [];
    });
  if (complaints.length > 0) throw new Error(complaints.join('\n'));
}

/** With `-c projects=…` the object comes as text. */
function fromJson(projects: unknown): unknown {
  if (typeof projects !== 'string') return projects;
  try {
    return JSON.parse(projects);
  } catch (error) {
    throw new Error('context key "projects" must be an object, on the command line as JSON', {
      cause: error,
    });
  }
}
