import { createHash } from 'node:crypto';
import { Stack, Token } from 'aws-cdk-lib';
import { CfnParameter } from 'aws-cdk-lib/aws-ssm';
import { Construct } from 'constructs';
import { type ProjectSettings, resolveProject } from '../../lambda/project-settings.ts';
import { bedrockRegionOf, type ProjectOverrides } from '../../lambda/settings.ts';
import { checkRegion } from './regions.ts';
import type { CurfewSettings } from './settings.ts';

/**
 * Returns each project of a deployment with all settings that apply to it.
 *
 * @param region where the function runs; may be a token.
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

/** Drops a region that is a token if the host names the region, which takes precedence. */
function withKnownRegion<Given extends ProjectOverrides>(given: Given): Given {
  if (!Token.isUnresolved(given.region) || bedrockRegionOf(given.openaiBaseUrl ?? '') === undefined) return given;
  const { region: _, ...others } = given;
  return others as Given;
}

/** The function uses Secrets Manager in its own region, which cannot reach secrets and keys in others. */
function checkRegions({ secretName, secretKmsKeyArn }: ProjectSettings, region: string): void {
  for (const [key, arn] of Object.entries({ secretName, secretKmsKeyArn })) {
    if (arn === undefined || !arn.startsWith('arn:') || Token.isUnresolved(arn)) continue;
    checkRegion(`"${key}"`, arn.split(':')[3] ?? '', region);
  }
}

type ProjectEntry = ProjectOverrides & { name: string };

/** The maximum size of a standard parameter, in bytes. A larger one costs money. */
const maxStandardBytes = 4096;
/** How much of that we fill. The rest is room for tokens that turn out longer than assumed. */
const targetBytes = 3500;
const assumedTokenBytes = 256;
/** An environment holds 4 kB. Changes in further tokens reach a warm function within five minutes. */
const maxRevisionTokens = 10;

/**
 * Stores the overrides of each project in Parameter Store, because the function's environment is too small: as many
 * parameters as needed, each a JSON array.
 *
 * Their path ends in a hash of their content. A change creates new parameters, then points the function to them, then
 * removes the old ones, so a function never reads a mix of both.
 *
 * @returns the construct, and the settings by which the function finds them; undefined if there are no projects.
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
  // Changes if a token's value changes, which does not change the path: Lambda then starts new functions, which read the
  // projects again. Leaves out long tokens.
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
