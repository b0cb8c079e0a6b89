import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../../infra/local/aws/processes.ts';
import { cacheDirectory } from '../../../infra/local/aws/workspace.ts';

/** Why AWS's runtime client cannot be had on this machine, in one line that says what would help. */
export class RuntimeClientUnavailableError extends Error {
  override readonly name = 'RuntimeClientUnavailableError';
}

const version = '4.0.2';

/**
 * Installs AWS's own Node runtime client below the cache, unless it is there. It is compiled, which takes a minute or
 * two, so it is no dependency of the project.
 *
 * @returns the file that Node runs.
 * @throws RuntimeClientUnavailableError if it cannot be built here.
 */
export async function installRuntimeClient(): Promise<string> {
  const directory = join(cacheDirectory, `aws-lambda-ric-${version}`);
  const stamp = join(directory, 'installed');
  if (!existsSync(stamp)) {
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, 'package.json'), '{ "private": true }');
    const environment = {
      ...process.env,
      npm_config_cache: join(cacheDirectory, 'npm'),
      npm_config_devdir: join(cacheDirectory, 'node-gyp'),
    };
    try {
      await run(
        'npm',
        ['install', '--no-audit', '--no-fund', `aws-lambda-ric@${version}`],
        environment,
        directory,
      );
    } catch (error) {
      throw new RuntimeClientUnavailableError(
        'aws-lambda-ric cannot be built: it needs npm, make, g++, cmake, autoconf, automake and libtool.',
        { cause: error },
      );
    }
    writeFileSync(stamp, '');
  }
  return join(directory, 'node_modules/aws-lambda-ric/index.mjs');
}
