import { storeKey } from '../../infra/local/aws/deployed-system.ts';
import { type Emulator, startEmulator } from '../../infra/local/aws/emulator.ts';
import { EmulatorUnavailableError } from '../../infra/local/aws/python-tools.ts';
import { startLocalProjects } from '../../infra/local/providers/projects.ts';
import { simulatedJob } from '../../infra/local/providers/simulated-job.ts';
import type { FineTuningSimulator } from '../../infra/local/providers/simulator.ts';

/** An emulated AWS account that holds the key, and a provider with jobs. Nothing is deployed yet. */
export interface Account extends AsyncDisposable {
  emulator: Emulator;
  openai: FineTuningSimulator;
}

/**
 * Starts an account whose provider has running jobs with these ids. Without an emulator it says so and returns
 * the reason to skip; under `CI=true` it fails.
 */
export async function accountOrSkip(
  jobIds: string[],
): Promise<{ account: Account; skip: false } | { account: undefined; skip: string }> {
  await using starting = new AsyncDisposableStack();
  try {
    const emulator = starting.use(await startEmulator());
    const jobs = jobIds.map((id) => simulatedJob({ id, status: 'running', ageMinutes: 10 }));
    const { openai, secrets } = starting.use(await startLocalProjects({ jobs }));
    for (const [name, key] of Object.entries(secrets)) await storeKey(emulator, name, key);
    const running = starting.move();
    const account = { emulator, openai, [Symbol.asyncDispose]: () => running.disposeAsync() };
    return { account, skip: false };
  } catch (error) {
    if (!(error instanceof EmulatorUnavailableError) || process.env['CI'] === 'true') throw error;
    console.error(`\n!!! TESTS OF THE RELEASE ARE SKIPPED !!!\n${error.message}\n`);
    return { account: undefined, skip: error.message };
  }
}
