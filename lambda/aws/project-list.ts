import * as v from 'valibot';
import { asError, StateError } from '../errors.ts';
import { onlyProject, type ProjectSettings, projectWith } from '../project-settings.ts';
import { type FunctionSettings, projectNamePattern, projectSchema } from '../settings.ts';
import type { AwsClients } from './clients.ts';

const namedSchema = v.looseObject({ name: v.pipe(v.string(), v.regex(projectNamePattern)) });
const listSchema = v.pipe(v.string(), v.parseJson(), v.array(namedSchema));

/** As long as keys of secrets, so a secret that is replaced is found with its key. */
const keptMilliseconds = 5 * 60_000;

/**
 * The projects of the deployment, with what holds in each. They are kept in Parameter Store, below a path that is
 * another one as soon as anything changes but what a token stands for, such as the ARN of a secret.
 *
 * @returns a function that reads them, and keeps them for five minutes. If they cannot be read again, they still hold;
 * if they never could, it throws StateError.
 */
export function createProjectList(
  settings: FunctionSettings,
  parameterStore: AwsClients['parameterStore'],
  logger: { warn(line: string): void },
): () => Promise<ProjectSettings[]> {
  const { projectsPath, region } = settings;
  if (projectsPath === undefined) {
    const projects = [onlyProject(settings, region)];
    return async () => projects;
  }
  let last: { projects: ProjectSettings[]; readAtMilliseconds: number } | undefined;
  let underWay: Promise<ProjectSettings[]> | undefined;
  const read = async () => {
    const texts = await valuesBelow(projectsPath, await parameterStore());
    // To sweep no project would look like success.
    if (texts.length === 0) throw new NoParameters();
    return texts
      .flatMap((text) => v.parse(listSchema, text))
      .map(({ name, ...overrides }) => {
        // Values are texts in the schema, as in the environment.
        const asTexts = Object.entries(overrides).map(([key, value]) => [key, String(value)]);
        return projectWith(name, settings, v.parse(projectSchema, Object.fromEntries(asTexts)), region);
      });
  };
  const readAgain = async () => {
    const projects = await read().catch((error) => {
      const { name } = asError(error);
      if (last) {
        logger.warn(
          `The projects could not be read again (${name}). Those that were read before still hold.`,
        );
        return last.projects;
      }
      throw new StateError(
        `The projects could not be read from Parameter Store below ${projectsPath} (${name}). ` +
          'Try again; if it persists, deploy the stack again.',
      );
    });
    last = { projects, readAtMilliseconds: performance.now() };
    return projects;
  };
  return async () => {
    if (last && performance.now() - last.readAtMilliseconds < keptMilliseconds) return last.projects;
    underWay ??= readAgain().finally(() => {
      underWay = undefined;
    });
    return underWay;
  };
}

class NoParameters extends Error {
  override readonly name = 'NoParameters';
}

/** The values of all parameters below a path, by name. */
async function valuesBelow(
  path: string,
  parameterStore: Awaited<ReturnType<AwsClients['parameterStore']>>,
): Promise<string[]> {
  const { paginateGetParametersByPath } = await import('./parameter-store.ts');
  const found: { name: string; value: string }[] = [];
  for await (const { Parameters = [] } of paginateGetParametersByPath(
    { client: parameterStore },
    { Path: path },
  )) {
    for (const { Name = '', Value = '' } of Parameters) found.push({ name: Name, value: Value });
  }
  return found.sort((a, b) => (a.name < b.name ? -1 : 1)).map(({ value }) => value);
}
