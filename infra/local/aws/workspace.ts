import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Environment } from './processes.ts';

/** The root of the project. */
export const projectDirectory = fileURLToPath(new URL('../../../', import.meta.url));

/** Where the local system keeps what it installs and writes; git ignores it. */
export const cacheDirectory = join(projectDirectory, '.cache');

/** Creates a directory below the cache for one run of the local system. It is deleted when this process exits. */
export function newRunDirectory(): string {
  mkdirSync(cacheDirectory, { recursive: true });
  const directory = mkdtempSync(join(cacheDirectory, 'run-'));
  // The emulator puts CommonJS programs here, which Node would treat as ES modules because of our own package.json.
  writeFileSync(join(directory, 'package.json'), '{ "type": "commonjs" }');
  process.once('exit', () => rmSync(directory, { recursive: true, force: true, maxRetries: 5 }));
  return directory;
}

/**
 * Returns the environment for commands of the local system: this Node is first on the PATH, and nothing is written to
 * the home directory or the system's temporary directory.
 */
export function isolatedEnvironment(runDirectory: string): Environment {
  const path = [dirname(process.execPath), join(projectDirectory, 'node_modules', '.bin'), process.env['PATH']];
  return {
    ...process.env,
    PATH: path.join(':'),
    HOME: runDirectory,
    TMPDIR: runDirectory,
    CDK_HOME: join(runDirectory, 'cdk-home'),
    CDK_DISABLE_CLI_TELEMETRY: 'true',
    AWS_CONFIG_FILE: join(runDirectory, 'aws-config'),
    AWS_SHARED_CREDENTIALS_FILE: join(runDirectory, 'aws-credentials'),
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_ACCESS_KEY_ID: '000000000000',
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_REGION: 'us-east-1',
    AWS_DEFAULT_REGION: 'us-east-1',
    AWS_PAGER: '',
  };
}
