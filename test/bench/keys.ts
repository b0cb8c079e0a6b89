import type { Fault } from '../../infra/local/providers/simulator.ts';
import type { ProjectOverrides } from '../../lambda/settings.ts';
import * as faults from '../support/wire-faults.ts';

/** The key of the simulated account, and the beginning of those of projects. */
export const apiKey = 'sk-proj-bench4nXq7TzLw2VbYc9RkDm5';
/** As long as the vendor's keys for projects are. */
const keyLength = 164;
/** A secret holds 64 kB, so this many keys fit into it as fields. */
const keysInSecret = 250;

export function projectNames(projects: number): string[] {
  return Array.from({ length: projects }, (_, index) => `project-${String(index).padStart(4, '0')}`);
}

/** Returns the key of a project, which tells the simulated provider whose call it is. */
export function keyOf(name: string): string {
  return `${apiKey}-${name}-`.padEnd(keyLength, 'x');
}

/** Returns the settings of each project, and the secrets that hold their keys. */
export function projectsAndSecrets(names: string[]) {
  const projects: Record<string, ProjectOverrides> = {};
  const keys: Record<string, Record<string, string>> = {};
  for (const [index, name] of names.entries()) {
    const secretName = `openai/keys-${Math.floor(index / keysInSecret)}`;
    projects[name] = { secretName, secretField: name };
    keys[secretName] = { ...keys[secretName], [name]: keyOf(name) };
  }
  const secrets = Object.fromEntries(
    Object.entries(keys).map(([secretName, fields]) => [secretName, { SecretString: JSON.stringify(fields) }]),
  );
  return { projects, secrets };
}

/** Every way in which a project of the bench fails: how its provider behaves, or what is wrong with its settings. */
const ways: (Fault | ProjectOverrides)[] = [
  faults.noAnswer,
  faults.noBody,
  faults.drips(),
  faults.endless(),
  faults.reset,
  faults.resetInBody,
  faults.answers(302, { location: 'http://127.0.0.1:1/' }),
  faults.answers(401),
  faults.answers(403),
  faults.answers(404),
  faults.answers(429),
  faults.answers(429, { 'retry-after': '3600' }),
  faults.refuses(429, { code: 'insufficient_quota' }),
  faults.answers(500),
  faults.answers(503, { 'retry-after': '3600' }),
  faults.says('<html>Maintenance</html>'),
  faults.says({ object: 'list' }),
  faults.says({ object: 'list', data: [], has_more: true }),
  { secretName: 'openai/not-there' },
  { secretField: 'not-there' },
];
export const failingProjects = ways.length;

/** Returns which of the projects fail, spread evenly, and how. */
export function failuresAmong(names: string[]): Map<string, Fault | ProjectOverrides> {
  const distance = Math.floor(names.length / ways.length);
  return new Map(ways.map((way, index) => [names[index * distance] ?? '', way]));
}
