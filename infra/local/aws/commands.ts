import { join } from 'node:path';
import type { Emulator } from './emulator.ts';
import { type Environment, run } from './processes.ts';
import { projectDirectory } from './workspace.ts';

/** Runs the AWS CLI against the emulator. Returns its parsed output, or undefined if there is none. */
export async function aws(emulator: Emulator, ...args: string[]): Promise<unknown> {
  // Version 1 of the AWS CLI ignores AWS_ENDPOINT_URL when it talks to SQS.
  const options = ['--output', 'json', '--endpoint-url', emulator.endpointUrl];
  const output = await run(emulator.aws, [...args, ...options], emulator.environment);
  return output.trim() === '' ? undefined : JSON.parse(output);
}

const cdkCommand = join(projectDirectory, 'node_modules', '.bin', 'cdk');

/** Runs the real `cdk`, with context as `-c key=value`. Writes its assembly to `cdk.out` in the run directory. */
export async function cdk(
  { environment, runDirectory }: { environment: Environment; runDirectory: string },
  args: string[],
  context: Record<string, string> = {},
): Promise<void> {
  const pairs = Object.entries(context).flatMap(([key, value]) => ['-c', `${key}=${value}`]);
  const options = ['--output', join(runDirectory, 'cdk.out'), '--no-notices', ...pairs];
  await run(cdkCommand, [...args, ...options], environment, projectDirectory);
}

/** Prepares the emulated account for `cdk deploy`. */
export async function bootstrap(emulator: Emulator): Promise<void> {
  const { environment, runDirectory } = emulator;
  // Run outside the project, so there is no app to synthesise first.
  await run(cdkCommand, ['bootstrap', 'aws://000000000000/us-east-1', '--no-notices'], environment, runDirectory);
}
