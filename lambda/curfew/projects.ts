import { setTimeout as sleep } from 'node:timers/promises';
import pLimit from 'p-limit';
import pMap from 'p-map';
import { asError, JobNotFoundError, OpenAIError, withMessage } from '../errors.ts';
import type { FineTuningApi, Job, OddJob } from './job.ts';
import type { Listing } from './listing.ts';
import type { DefaultBudget } from './time-budget.ts';
import type { TimeLeft } from './time-left.ts';

/** One place where jobs run, and the rules that hold there. */
export interface Project {
  /** Undefined if there is only one. */
  name: string | undefined;
  api: FineTuningApi;
  rules: ProjectRules;
}

export interface ProjectRules extends DefaultBudget {
  lookbackDays: number;
  cancelLimit: number | 'none';
  dryRun: boolean;
}

/** How many projects are looked at side by side, while each answers quickly. */
export const projectsAtOnce = 40;
/** One that takes longer gives its place to the next, so those that hang do not hold up the others. */
const patienceMilliseconds = 250;
/** How many may be under way in all: Lambda allows 1,024 open files, which the calls of all share. */
export const mostProjectsUnderWay = 160;
const socketsAtOnce = 800;
/** How many may be under way if each takes one call at a time. */
export const mostProjectsRead = socketsAtOnce;
/** To find one job, which takes a call each. */
const projectsAskedAtOnce = 160;
const mostCallsAtOnce = 100;

/** How many calls of one project may be under way at once, if there are this many projects. */
export function callsAtOnce(projects: number): number {
  return Math.min(mostCallsAtOnce, Math.floor(socketsAtOnce / Math.min(projects, mostProjectsUnderWay)));
}

/** What came of looking at every project. */
export interface Survey {
  /** Whether projects have names, which they have as soon as `projects` are configured. */
  isNamed: boolean;
  /** How many were looked at to the end. */
  lookedAt: number;
  /** Whether every job of every project was looked at, could be judged, and was dealt with in time. */
  isComplete: boolean;
  /** In configured order. */
  failures: ProjectFailure[];
  /** Whether time ran out before everything was listed and dealt with. */
  isOutOfTime: boolean;
  /** Projects that were listed in part when time ran out. */
  cutShort: ProjectFailure[];
  /** Jobs that could not be judged. */
  odd: { project: Project; job: OddJob }[];
  /** The position of the project that was begun last. */
  lastBegun: number;
}

export interface ProjectFailure {
  project: Project;
  error: Error;
}

/** Time ran out before a project was listed. If nothing is known of it yet, it has failed. */
class OutOfTimeError extends OpenAIError {}

/** Whether that is what a project failed with. */
export function isOutOfTime({ error }: Pick<ProjectFailure, 'error'>): boolean {
  return error instanceof OutOfTimeError;
}

/**
 * Looks at projects side by side. One that fails or hangs costs the others nothing.
 *
 * @param startAt the position to start at; the first comes after the last.
 * @param look looks at one project and returns how its jobs were read.
 * @param mostUnderWay how many it may be looking at, if they take long.
 */
export async function surveyOf(
  projects: Project[],
  { windDown, stop }: Pick<TimeLeft, 'windDown' | 'stop'>,
  startAt: number,
  look: (project: Project) => Promise<Listing>,
  mostUnderWay = mostProjectsUnderWay,
): Promise<Survey> {
  const failures = new Map<Project, Error>();
  const cutShort: ProjectFailure[] = [];
  const odd: Survey['odd'] = [];
  let lookedAt = 0;
  let lastBegun = startAt;

  const lookAt = async (project: Project): Promise<void> => {
    if (windDown.aborted)
      throw new OutOfTimeError('Time ran out before this project was looked at. Try again.');
    lastBegun = projects.indexOf(project);
    const listing = await look(project);
    odd.push(...listing.odd.map((job) => ({ project, job })));
    if (listing.hasEnded) lookedAt += 1;
    else if (listing.error !== undefined) throw listing.error;
    else if (!listing.hasBegun) throw outOfTime('the first page of jobs came', listing);
    else cutShort.push({ project, error: outOfTime('all jobs were listed', listing) });
  };

  const rotated = [...projects.slice(startAt), ...projects.slice(0, startAt)];
  await sideBySide(rotated, { atOnce: projectsAtOnce, mostUnderWay }, (project) =>
    lookAt(project).catch((error) => failures.set(project, asError(error))),
  );
  const failed = projects.flatMap((project) => {
    const error = failures.get(project);
    return error ? [{ project, error }] : [];
  });
  const hasRunOut = stop.aborted || cutShort.length > 0 || failed.some(isOutOfTime);
  return {
    isNamed: projects.some(({ name }) => name !== undefined),
    lookedAt,
    isComplete: !hasRunOut && failed.length === 0 && odd.length === 0,
    isOutOfTime: hasRunOut,
    failures: failed,
    cutShort,
    odd,
    lastBegun,
  };
}

function outOfTime(before: string, { cutShortBy }: Listing): OutOfTimeError {
  const why =
    cutShortBy === undefined ? 'Dealing with those found took the time.' : asError(cutShortBy).message;
  return new OutOfTimeError(`Time ran out before ${before}. ${why}`);
}

/** Does something with each project. One that takes longer gives its place to the next. `work` must not throw. */
async function sideBySide<Result>(
  projects: Project[],
  { atOnce, mostUnderWay }: { atOnce: number; mostUnderWay: number },
  work: (project: Project) => Promise<Result>,
): Promise<Result[]> {
  const places = pLimit(atOnce);
  /** Resolves as soon as the project needs its place no longer. */
  const workFromPlace = async (project: Project): Promise<{ working: Promise<Result> }> => {
    const working = work(project);
    await Promise.race([working, sleep(patienceMilliseconds, undefined, { ref: false })]);
    return { working };
  };
  return pMap(projects, async (project) => (await places(() => workFromPlace(project))).working, {
    concurrency: mostUnderWay,
  });
}

/** A job, and the project that has it. */
export interface FoundJob {
  project: Project;
  job: Job;
}

/**
 * Finds a job by its id, which is unique across projects. All are asked side by side; the first that has it ends the
 * search.
 *
 * @throws JobNotFoundError if none has it; the error of the first project that could not be asked, if there is one.
 */
export async function findJob(projects: Project[], jobId: string): Promise<FoundJob> {
  const [first, ...others] = projects;
  if (first && others.length === 0) {
    const job = await first.api.retrieve(jobId).catch((error) => {
      throw namingProject({ project: first, error: asError(error) });
    });
    return { project: first, job };
  }

  const search = new AbortController();
  const found = Promise.withResolvers<FoundJob>();
  const ask = async (project: Project): Promise<ProjectFailure | undefined> => {
    if (search.signal.aborted) return undefined;
    try {
      found.resolve({ project, job: await project.api.retrieve(jobId, search.signal) });
      search.abort();
    } catch (error) {
      if (!(error instanceof JobNotFoundError)) return { project, error: asError(error) };
    }
    return undefined;
  };
  const askAll = async (): Promise<never> => {
    const limits = { atOnce: projectsAskedAtOnce, mostUnderWay: mostProjectsRead };
    const failures = await sideBySide(projects, limits, ask);
    const [failure] = failures.filter((asked) => asked !== undefined);
    if (failure) throw namingProject(failure);
    throw new JobNotFoundError(`No project has a fine-tuning job "${jobId}". Check the job id.`);
  };
  return Promise.race([found.promise, askAll()]);
}

/** The error of a project, with the project's name in its message. */
export function namingProject({ project, error }: ProjectFailure): Error {
  return project.name === undefined
    ? error
    : withMessage(error, `Project "${project.name}": ${error.message}`);
}
