import { join } from 'node:path';
import type { Emulator } from './emulator.ts';
import { run } from './processes.ts';
import { projectDirectory } from './workspace.ts';

/** Runs the AWS CLI against the emulator; the answer is JSON. */
export async function aws(emulator: Emulator, ...args: string[]): Promise<unknown> {
  const output = await run(emulator.aws, [...args, '--output', 'json'], emulator.environment);
  return output.trim() === '' ? undefined : JSON.parse(output);
}

/** Runs the real `cdk` against the emulator, with the context given as `-c key=value`. */
export async function cdk(
  emulator: Emulator,
  args: string[],
  context: Record<string, string> = {},
): Promise<void> {
  const pairs = Object.entries(context).flatMap(([key, value]) => ['-c', `${key}=${value}`]);
  await run(
    join(projectDirectory, 'node_modules', '.bin', 'cdk'),
    [...args, '--output', join(emulator.runDirectory, 'cdk.out'), '--no-notices', ...pairs],
    emulator.environment,
    projectDirectory,
  );
}
