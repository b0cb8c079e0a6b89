import type { Node } from 'constructs';
import { type CurfewSettings, checkedSettings, closestName, settingNames } from './settings.ts';

/**
 * Reads and checks the CDK context.
 *
 * @param node of the app.
 * @returns the settings from `cdk.json` and `-c key=value`, with the defaults for the rest.
 * @throws Error naming each invalid, misspelt or truncated key, with the allowed values.
 */
export function contextOf(node: Node): CurfewSettings {
  // A misspelt key would silently keep its default. The context also holds other tools' keys.
  const complaints = Object.keys(node.getAllContext()).flatMap((key) => {
    const meant = settingNames.includes(key) ? undefined : closestName(key, settingNames);
    return meant ? [`context key "${key}" is not a setting: did you mean "${meant}"?`] : [];
  });
  if (complaints.length > 0) throw new Error(complaints.join('\n'));
  const given = settingNames.map((key): [string, unknown] => [key, node.tryGetContext(key) ?? undefined]);
  const { projects, ...settings } = Object.fromEntries(given);
  return checkedSettings({ ...settings, projects: fromJson(projects) }, 'context key');
}

/** With `-c projects=…`, the object arrives as JSON text. */
function fromJson(projects: unknown): unknown {
  if (typeof projects !== 'string') return projects;
  try {
    return JSON.parse(projects);
  } catch (cause) {
    throw new Error('context key "projects" must be an object, on the command line as JSON', { cause });
  }
}
