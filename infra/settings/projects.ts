import { createHash } from 'node:crypto';
import { Stack, Token } from 'aws-cdk-lib';
import { CfnParameter } from 'aws-cdk-lib/aws-ssm';
import { Construct } from 'constructs';
import { type ProjectSettings, resolveProject } from '../../lambda/project-settings.ts';
import { bedrockRegionOf, type ProjectOverrides } from '../../lambda/settings.ts';
import { checkRegion } from './regions.ts';
import type { CurfewSettings } from './settings.ts';

/**
 * Each project of a deployment with every setting that holds for it.
 *
 * @param region where the function runs; a token will do.
 * @throws Error naming the project, if its settings do not fit together.
 */
export function projectsOf(settings: CurfewSettings, region: string): ProjectSettings[] {
  const named: [name: string | undefined, overrides: ProjectOverrides][] = Object.entries(settings.projects);
  if (named.length === 0) named.push([undefined, {}]);
  return named.map(([name, overrides]) => {
    try {
      const project = resolveProject(name, withKnownRegion(settings), withKnownRegion(overrides), region);
      checkRegions(project, region);
      return project;
    } catch (error) {
      if (name === undefined) throw error;
      throw new Error(`project "${name}": ${error instanceof Error ? error.message : error}`, { cause: error });
    }
  });
}

/** The same settings. A region that is a token must not contradict that of a host, which holds. */
function withKnownRegion<Given extends ProjectOverrides>(given: Given): Given {
  if (!Token.isUnresolved(given.region) || bedrockRegionOf(given.openaiBaseUrl ?? '') === undefined) return given;
  const { region: _, ...others } = given;
  return others as Given;
}

/** The function asks Secrets Manager in its own region, which knows no secrets and keys of others. */
function checkRegions({ secretName, secretKmsKeyArn }: ProjectSettings, region: string): void {
  for (const [key, arn] of Object.entries({ secretName, secretKmsKeyArn })) {
    if (arn === undefined || !arn.startsWith('arn:') || Token.isUnresolved(arn)) continue;
    checkRegion(`"${key}"`, arn.split(':')[3] ?? '', region);
  }
}

type ProjectEntry = ProjectOverrides & { name: string };

/** What a standard parameter holds, in bytes. A larger one costs money. */
const maxStandardBytes = 4096;
/** How much of that we fill: what a token becomes is not known, and this leaves room for a wrong guess. */
const targetBytes = 3500;
const assumedTokenBytes = 256;
/** An environment holds 4 kB. What changes only in further tokens reaches a warm function within five minutes. */
const maxRevisionTokens = 10;

/**
 * Keeps in Parameter Store what differs in each project, for there is no room in the function's environment: as many
 * parameters as it takes, each a JSON array.
 *
 * Their path ends in a hash of all that they hold. So a change creates new parameters, then points the function to
 * them, then removes the old ones, and no function ever reads half of one and half of the other.
 *
 * @returns the construct, and the settings with which the function finds them; undefined if there are no projects.
 * @throws Error if Parameter Store reserves the name of the deployment.
 */
export function addProjectParameters(scope: Construct, { name: deployment, projects }: CurfewSettings) {
  const entries = Object.entries(projects).map(([name, overrides]) => ({ name, ...overrides }));
  if (entries.length === 0) return undefined;
  if (/^(aws|ssm)/i.test(deployment)) {
    throw new Error(
      `"name" is "${deployment}", but with "projects" it must not begin with "aws" or "ssm": Parameter Store reserves these`,
    );
  }
  const construct = new Construct(scope, 'Projects');
  const stack = Stack.of(construct);
  const content = JSON.stringify(stack.resolve(entries));
  const hash = createHash('sha256').update(content).digest('hex').slice(0, 16);
  const path = `/${deployment}/projects/${hash}`;
  const chunks = chunksOf(entries);
  for (const [index, chunk] of chunks.entries()) {
    const number = String(index).padStart(4, '0');
    new CfnParameter(new Construct(construct, number), 'Resource', {
      name: `${path}/${number}`,
      type: 'String',
      tier: bytesOf(chunk) > maxStandardBytes ? 'Advanced' : 'Standard',
      value: stack.toJsonString(chunk),
      description: 'Projects of fine-tuning curfew, and what differs in them',
    });
  }
  const projectList = { path, parts: chunks.length };
  // Changes if a token becomes something else, which changes no path: Lambda starts new functions, which read the projects
  // afresh. It is without the tokens that are long.
  const values = entries.flatMap(({ secretName: _, secretKmsKeyArn: __, ...others }) => Object.values(others));
  const tokens = new Set(values.filter((value) => Token.isUnresolved(value)).map(String));
  const revision = [...tokens].slice(0, maxRevisionTokens).join(',');
  return { construct, settings: { projectList, ...(revision && { revision }) } };
}

function chunksOf(entries: ProjectEntry[]): ProjectEntry[][] {
  const chunks: ProjectEntry[][] = [];
  for (const entry of entries) {
    const chunk = chunks.at(-1);
    if (chunk && bytesOf([...chunk, entry]) <= targetBytes) chunk.push(entry);
    else chunks.push([entry]);
  }
  return chunks;
}

function bytesOf(chunk: ProjectEntry[]): number {
  const standIn = '?'.repeat(assumedTokenBytes);
  const json = JSON.stringify(chunk, (_, value: unknown) => (Token.isUnresolved(value) ? standIn : value));
  return Buffer.byteLength(json);
}

export type ProjectParameters = ReturnType<typeof addProjectParameters>;
