import { type SimulatedJob, simulatedJob } from '../../../infra/local/providers/simulated-job.ts';
import { forkProgram } from '../forked.ts';

/** An account in which the oldest jobs are the overdue ones, at the very end of the list: the hard case. */
export interface AccountOptions {
  jobs: number;
  overdue: number;
  /** How long each answer takes, in milliseconds. */
  answerMilliseconds?: number;
  /** A rate limit, with as many requests at once as it grants in a second. */
  requestsPerSecond?: number;
}

/** What reached the account since it was last reset. */
export interface Tally {
  calls: number;
  refused: number;
  cancelled: number;
}

export interface SimulatedAccount extends AsyncDisposable {
  baseUrl: string;
  /** All jobs as they were. */
  reset(): Promise<void>;
  tally(): Promise<Tally>;
}

/** Starts a simulated OpenAI in a process of its own. */
export async function startAccount(options: AccountOptions): Promise<SimulatedAccount> {
  const { greeting, ask, ...forked } = await forkProgram('account', options);
  return {
    ...forked,
    baseUrl: greeting,
    reset: async () => {
      await ask('reset');
    },
    tally: async () => (await ask('tally')) as Tally,
  };
}

/** The jobs of such an account, a minute apart. */
export function jobsOf({ jobs, overdue }: AccountOptions): SimulatedJob[] {
  return Array.from({ length: jobs }, (_, index) =>
    simulatedJob({
      id: `ftjob-${index}`,
      status: index < jobs - overdue ? 'succeeded' : 'running',
      ageMinutes: 400 + index,
    }),
  );
}
