import type { Node } from 'constructs';
import { type CurfewSettings, checkedSettings, closestName, settingNames } from './settings.ts';

/**
 * Reads and checks the CDK context.
 *
 * @param node of the app.
 * @returns the settings from `cdk.json` and `-c key=value`, with the defaults for the rest.
 * @throws Error naming each key that is wrong, misspelt or cut short, and what is allowed.
 */
export function contextOf(node: Node): CurfewSettings {
  // A misspelt key would leave its default in force without a word. The context holds keys of others too.
  const complaints = Object.keys(node.getAllContext()).flatMap((key) => {
    const meant = settingNames.includes(key) ? undefined : closestName(key, settingNames);
    return meant ? [`context key "${key}" is not a setting: did you mean "${meant}"?`] : [];
  });
  if (complaints.length > 0) throw new Error(complaints.join('\n'));
  const given = settingNames.map((key): [string, unknown] => [key, node.tryGetContext(key) ?? undefined]);
  const { projects, ...settings } = Object.fromEntries(given);
  return checkedSettings({ ...settings, projects: fromJson(projects) }, 'context key');
}

/** With `-c projects=…` the object comes as text. */
function fromJson(projects: unknown): unknown {
  if (typeof projects !== 'string') return projects;
  try {
    return JSON.parse(projects);
  } catch (cause) {
    throw new Error('context key "projects" must be an object, on the command line as JSON', { cause });
  }
}
