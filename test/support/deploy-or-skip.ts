import { type DeployedSystem, deploySystem } from '../../infra/local/aws/deployed-system.ts';
import type { LocalSystemOptions } from '../../infra/local/aws/local-system.ts';
import { EmulatorUnavailableError } from '../../infra/local/aws/python-tools.ts';

/**
 * Deploys the whole system to the emulator. Without an emulator, it says so loudly and returns the reason to skip; under
 * `CI=true` it fails.
 */
export async function deployOrSkip(
  options: LocalSystemOptions,
): Promise<{ system: DeployedSystem; skip: false } | { system: undefined; skip: string }> {
  try {
    return { system: await deploySystem(options), skip: false };
  } catch (error) {
    if (!(error instanceof EmulatorUnavailableError) || process.env['CI'] === 'true') throw error;
    console.error(`\n!!! END-TO-END TESTS ARE SKIPPED !!!\n${error.message}\n`);
    return { system: undefined, skip: error.message };
  }
}
