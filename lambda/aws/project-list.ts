import * as v from 'valibot';
import { named, StateError, toError } from '../errors.ts';
import { type ProjectSettings, resolveProject } from '../project-settings.ts';
import { type FunctionSettings, projectNamePattern, projectSchema } from '../settings.ts';
import type { AwsClients } from './clients.ts';

const partSchema = v.pipe(
  v.string(),
  v.parseJson(),
  v.array(v.looseObject({ name: v.pipe(v.string(), v.regex(projectNamePattern)) })),
);

/** The same as for keys, so both are refreshed together. */
const maxAgeMs = 5 * 60_000;

/**
 * Returns a function that reads the projects of the deployment and caches them for five minutes. If a later read fails,
 * the cached ones stay in use.
 *
 * They are in Parameter Store, in as many parts as the stack says. A missing part is a StateError, never a shorter list.
 */
export function createProjectList(
  projectList: NonNullable<FunctionSettings['projectList']>,
  settings: FunctionSettings,
  parameterStore: AwsClients['parameterStore'],
  logger: { warn(line: string): void },
): () => Promise<ProjectSettings[]> {
  let last: { projects: ProjectSettings[]; readAt: number } | undefined;

  const read = async (): Promise<ProjectSettings[]> => {
    const store = await parameterStore();
    const parameters = await store.getMultiple(projectList.path, { forceFetch: true });
    const parts = Object.entries(parameters ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
    if (parts.length !== projectList.parts) throw new MissingPartsError();
    return parts
      .flatMap(([, part]) => v.parse(partSchema, part))
      .map(({ name, ...overrides }) =>
        resolveProject(name, settings, v.parse(projectSchema, overrides), settings.functionRegion),
      );
  };

  return async () => {
    const now = performance.now();
    if (last && now - last.readAt < maxAgeMs) return last.projects;
    const projects = await read().catch((error) => {
      // The AWS client's error is the cause.
      const { name } = toError(toError(error).cause ?? error);
      if (last) {
        logger.warn(`The projects could not be refreshed (${name}). The previous ones stay in use.`);
        return last.projects;
      }
      throw new StateError(
        `The projects could not be read from Parameter Store under ${projectList.path} (${name}). ` +
          'Try again; if it persists, deploy the stack again.',
      );
    });
    last = { projects, readAt: now };
    return projects;
  };
}

/** Parts of the list are missing: it is being replaced, or somebody deleted them. */
class MissingPartsError extends named('MissingPartsError') {}
