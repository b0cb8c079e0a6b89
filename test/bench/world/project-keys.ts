import type { ProjectOverrides } from '../../../lambda/settings.ts';
import { apiKey } from './api-key.ts';

/** As long as the vendor's keys for projects are. */
const keyLength = 164;
/** A secret holds 64 kB. So many keys fit into it as fields. */
const keysInSecret = 250;

/** The names of so many projects. */
export function projectNames(projects: number): string[] {
  return Array.from({ length: projects }, (_, index) => `project-${String(index).padStart(4, '0')}`);
}

/** The key of a project, which tells the simulated provider whose call it is. */
export function keyOf(name: string): string {
  return `${apiKey}-${name}-`.padEnd(keyLength, 'x');
}

/** The name of the project that a key is of. */
export function nameIn(key: string): string {
  return /project-\d+/.exec(key)?.[0] ?? '';
}

/** What differs in each project: where its key is. */
export function overridesOf(names: string[]): Record<string, ProjectOverrides> {
  return Object.fromEntries(
    names.map((name, index) => [name, { secretName: secretNameAt(index), secretField: name }]),
  );
}

/** The secrets, by name, with the keys of these projects as fields. */
export function secretsOf(names: string[]): Record<string, { SecretString: string }> {
  const secrets = Object.groupBy(names, (name) => secretNameAt(names.indexOf(name)));
  return Object.fromEntries(
    Object.entries(secrets).map(([secretName, fields = []]) => [
      secretName,
      { SecretString: JSON.stringify(Object.fromEntries(fields.map((name) => [name, keyOf(name)]))) },
    ]),
  );
}

function secretNameAt(index: number): string {
  return `openai/keys-${Math.floor(index / keysInSecret)}`;
}
