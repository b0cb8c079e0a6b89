import type { Node } from 'constructs';
import { type CurfewSettings, checkedSettings, settingNames } from './settings.ts';
import { checkSpelling } from './spelling.ts';

/**
 * Reads and checks the CDK context.
 *
 * @param node of the app.
 * @returns the settings from `cdk.json` and `-c key=value`, with the defaults for the rest.
 * @throws Error naming each key that is wrong or misspelt, and what is allowed.
 */
export function contextOf(node: Node): CurfewSettings {
  checkSpelling(Object.keys(node.getAllContext()), settingNames, 'context key');
  const given = settingNames.map((key): [string, unknown] => [key, node.tryGetContext(key) ?? undefined]);
  const { projects, ...settings } = Object.fromEntries(given);
  return checkedSettings({ ...settings, projects: fromJson(projects) }, 'context key');
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
