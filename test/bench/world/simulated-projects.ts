import { type SimulatedJob, simulatedJob } from '../../../infra/local/providers/simulated-job.ts';
import { forkProgram } from '../forked.ts';

/** Projects at one provider, each with jobs in progress. */
export interface ProjectsOptions {
  projects: number;
  /** How long each answer takes, in milliseconds. */
  answerMilliseconds: number;
  /** Whether some of them fail, as failing-projects.ts has it. */
  someFail: boolean;
}

/** How the jobs are: well within their budgets; all of them new; or, in each project, one near its deadline and one past it. */
export type JobsAre = 'quiet' | 'renewed' | 'eventful';

/** What reached the provider since it was last asked. */
export interface ProjectsTally {
  /** Calls about healthy projects, and how many projects those were. */
  calls: number;
  projects: number;
  cancelled: number;
  /** What the function sent in them, in bytes, but for what encrypts it. */
  requestBytes: number;
  /** When the last of them was answered, in Unix milliseconds. */
  lastAnswerAt: number;
}

export interface SimulatedProjects extends AsyncDisposable {
  baseUrl: string;
  become(jobsAre: JobsAre): Promise<void>;
  tally(): Promise<ProjectsTally>;
}

/** Starts the provider in a process of its own. */
export async function startProjects(options: ProjectsOptions): Promise<SimulatedProjects> {
  const { greeting, ask, ...forked } = await forkProgram('projects', options);
  return {
    ...forked,
    baseUrl: greeting,
    become: async (jobsAre) => {
      await ask(jobsAre);
    },
    tally: async () => (await ask('tally')) as ProjectsTally,
  };
}

/** In each project. */
export const jobsInProgress = 5;
const quietAges = [30, 90, 150, 210, 270];
/** One past a budget of six hours, one 20 minutes before its end. */
const eventfulAges = [30, 90, 150, 340, 400];

/** The jobs of one project. Those of another `generation` have other ids. */
export function jobsOf(name: string, jobsAre: JobsAre, generation: number): SimulatedJob[] {
  const ages = jobsAre === 'eventful' ? eventfulAges : quietAges;
  return ages.map((ageMinutes, index) =>
    simulatedJob({ id: `ftjob-${name}-${generation}-${index}`, status: 'running', ageMinutes }),
  );
}
