import { InvalidRequestError } from './errors.ts';
import type { CurfewRequest } from './request.ts';

const mostProjectsNamed = 10;

/**
 * The projects that a request is about: the one that it names, or all.
 *
 * @param isOthersEvent it is somebody else's event, which may mean something else by the word.
 * @throws InvalidRequestError naming some of those that exist, if it is about none of them.
 */
export function projectsMeant<Project extends { name: string | undefined }>(
  request: CurfewRequest,
  all: Project[],
  isOthersEvent: boolean,
): Project[] {
  const wanted = projectNamedIn(request);
  if (wanted === undefined) return all;
  const named = all.filter(({ name }) => name === wanted);
  if (named.length > 0) return named;
  if (isOthersEvent) return all;
  const names = all.flatMap(({ name }) => (name === undefined ? [] : [name]));
  const some = names.slice(0, mostProjectsNamed).join(', ') + (names.length > mostProjectsNamed ? ', …' : '');
  throw new InvalidRequestError(
    names.length === 0
      ? 'The request is not valid: "project" is for deployments with several projects.'
      : `The request is not valid: "project" is not one of ours, which are ${some}.`,
  );
}

/** The project that a request names, if it names one. */
export function projectNamedIn(request: CurfewRequest): string | undefined {
  if ('jobId' in request) return request.project;
  if ('sweep' in request) return request.sweep.project;
  if ('stopAll' in request) return request.stopAll.project;
  return 'list' in request ? request.list.project : request.extend.project;
}
