import { join } from 'node:path';
import type { Emulator } from './emulator.ts';
import { type Environment, run } from './processes.ts';
import { projectDirectory } from './workspace.ts';

/** Runs the AWS CLI against the emulator; the answer is JSON. */
export async function aws(emulator: Emulator, ...args: string[]): Promise<unknown> {
  const output = await run(emulator.aws, [...args, '--output', 'json'], emulator.environment);
  return output.trim() === '' ? undefined : JSON.parse(output);
}

/** Runs the real `cdk`, with context as `-c key=value`. Its assembly goes to `cdk.out` in the run directory. */
export async function cdk(
  { environment, runDirectory }: { environment: Environment; runDirectory: string },
  args: string[],
  context: Record<string, string> = {},
): Promise<void> {
  const pairs = Object.entries(context).flatMap(([key, value]) => ['-c', `${key}=${value}`]);
  await run(
    join(projectDirectory, 'node_modules', '.bin', 'cdk'),
    [...args, '--output', join(runDirectory, 'cdk.out'), '--no-notices', ...pairs],
    environment,
    projectDirectory,
  );
}
