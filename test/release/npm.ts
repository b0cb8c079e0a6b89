import { join } from 'node:path';
import { type Environment, run } from '../../infra/local/aws/processes.ts';
import { cacheDirectory } from '../../infra/local/aws/workspace.ts';

/** Installs packages into a directory, from the registry or from a file. */
export async function npmInstall(packages: string[], environment: Environment, directory: string): Promise<void> {
  // npm keeps its settings in the home directory. Downloads are cached between runs.
  const own = { ...environment, HOME: process.env['HOME'], npm_config_cache: join(cacheDirectory, 'npm') };
  await run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', ...packages], own, directory);
}
