import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { SimulatedJob } from '../../infra/local/openai-simulator.ts';
import { simulatedJob } from '../../infra/local/openai-simulator.ts';

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

/** Starts a simulated OpenAI in a process of its own, so that its work is not counted as ours. */
export async function startAccount(options: AccountOptions): Promise<SimulatedAccount> {
  const program = fileURLToPath(new URL('programs/simulator.ts', import.meta.url));
  const child = fork(program, [JSON.stringify(options)]);
  const [baseUrl] = (await once(child, 'message')) as [string];
  return {
    baseUrl,
    reset: async () => {
      await ask(child, 'reset');
    },
    tally: async () => (await ask(child, 'tally')) as Tally,
    [Symbol.asyncDispose]: async () => {
      const exited = once(child, 'exit');
      child.kill();
      await exited;
    },
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

async function ask(child: ChildProcess, question: string): Promise<unknown> {
  const answered = once(child, 'message');
  child.send(question);
  return (await answered)[0];
}
