import PQueue from 'p-queue';
import type { AwsClients } from './aws/clients.ts';
import { createApiKeys, signForBedrock } from './aws/credentials.ts';
import { createCustomization } from './bedrock/customization.ts';
import type { CurfewRequest } from './contract.ts';
import type { Project, ProjectJob, TimeLeft } from './curfew/context.ts';
import type { FineTuningProvider } from './curfew/job.ts';
import { maxConcurrentProjects } from './curfew/sweep.ts';
import { nameProject } from './curfew/tally.ts';
import { InvalidRequestError, JobNotFoundError, toError } from './errors.ts';
import type { Credential } from './openai/fetch.ts';
import { createFineTuning } from './openai/fine-tuning.ts';
import type { ProjectSettings } from './project-settings.ts';
import { selectionOf } from './request.ts';

const maxNamedProjects = 10;
/** Per project. */
const maxConcurrentCalls = 100;
/** The calls of all projects share the 1,024 open files that Lambda allows. */
const maxSockets = 800;

/** Returns how many calls each of so many projects may have in flight. */
export function maxCallsPerProject(projects: number): number {
  return Math.min(maxConcurrentCalls, Math.floor(maxSockets / Math.min(projects, maxConcurrentProjects)));
}

/** Connects the projects to their providers, for one invocation. */
export function connectProjects(all: ProjectSettings[], aws: AwsClients, time: TimeLeft): Project[] {
  const apiKeyIn = createApiKeys(aws.secrets, time.signal);
  const maxConcurrency = maxCallsPerProject(all.length);

  const credentialFor = ({ provider, region, secretName, secretField }: ProjectSettings): Credential => {
    if (secretName === undefined) {
      return {
        authorize: async (method, url) => ({
          headers: await signForBedrock(aws.credentials, region, method, url),
          secret: '',
        }),
        // A new signature by the same role would be refused too.
        refresh: async () => false,
      };
    }
    const apiKey = apiKeyIn({ secretName, secretField });
    return {
      authorize: async () => {
        const secret = await apiKey.current();
        const headers: Record<string, string> =
          provider === 'azure' ? { 'api-key': secret } : { authorization: `Bearer ${secret}` };
        return { headers, secret };
      },
      refresh: apiKey.refresh,
    };
  };

  const connect = (project: ProjectSettings): FineTuningProvider => {
    const { openaiBaseUrl: baseUrl, openaiProject, region } = project;
    if (baseUrl === undefined) return createCustomization({ region, access: aws.access, maxConcurrency, time });
    return createFineTuning({ baseUrl, openaiProject, credential: credentialFor(project), maxConcurrency, time });
  };
  return all.map((rules) => ({ name: rules.name, rules, provider: connect(rules), maxConcurrency }));
}

/**
 * Returns the project that a request names, or all projects, without those that cannot have its job.
 *
 * @param isForeignEvent if true, an unknown `project` is ignored: another application may use the word differently.
 * @throws InvalidRequestError if no project is left.
 */
export function selectProjects(request: CurfewRequest, all: Project[], isForeignEvent: boolean): Project[] {
  const { project: wanted, jobId } = selectionOf(request);
  const named = all.filter(({ name }) => wanted === undefined || name === wanted);
  const selected = named.length === 0 && isForeignEvent ? all : named;
  const candidates = selected.filter(({ provider }) => jobId === undefined || provider.mayHave(jobId));
  if (candidates.length > 0) return candidates;
  if (selected.length > 0) {
    throw new InvalidRequestError(
      'The request is not valid: no selected project can have a job with this "jobId". The ARN of a Bedrock ' +
        'customization job needs a project with provider bedrock-customization in its region; any other id needs another project.',
    );
  }
  const names = all.flatMap(({ name }) => (name === undefined ? [] : [name]));
  const some = names.slice(0, maxNamedProjects).join(', ') + (names.length > maxNamedProjects ? ', …' : '');
  throw new InvalidRequestError(
    names.length === 0
      ? 'The request is not valid: "project" is for deployments with several projects.'
      : `The request is not valid: "project" is not one of the projects: ${some}.`,
  );
}

/**
 * Finds a job by its id. Asks all projects in parallel; the first that has the job ends the search.
 *
 * @param withMetadata whether to read the budget in its metadata too.
 * @throws JobNotFoundError if no project has it, or the error of a project that could not be asked.
 */
export async function findJob(projects: Project[], jobId: string, withMetadata: boolean): Promise<ProjectJob> {
  const search = new AbortController();
  const queue = new PQueue({ concurrency: maxSockets });
  const ask = async (project: Project): Promise<ProjectJob> => {
    search.signal.throwIfAborted();
    const job = await project.provider.retrieve(jobId, { signal: search.signal, withMetadata }).catch((error) => {
      throw nameProject(project, toError(error));
    });
    return { project, job };
  };
  try {
    return await Promise.any(projects.map((project) => queue.add(() => ask(project))));
  } catch (error) {
    const errors: unknown[] = error instanceof AggregateError ? error.errors : [error];
    const failure = errors.find((candidate) => !(candidate instanceof JobNotFoundError));
    if (failure) throw failure;
    throw projects.length === 1
      ? errors[0]
      : new JobNotFoundError(`No project has a fine-tuning job "${jobId}". Check the job id.`);
  } finally {
    search.abort();
  }
}
