import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from '../../infra/local/processes.ts';
import { isolatedEnvironment, newRunDirectory } from '../../infra/local/workspace.ts';

export interface Bundle {
  /** The file that Lambda loads. */
  file: string;
  /** All that is deployed, in bytes. */
  bytes: number;
}

const program = fileURLToPath(new URL('programs/bundles.ts', import.meta.url));

/** The deployed bundle, and that of the afternoon handler with the same settings but nothing left out. */
export async function synthesizeBundles(): Promise<{ ours: Bundle; theirs: Bundle }> {
  const runDirectory = newRunDirectory();
  const outdir = join(runDirectory, 'cdk.out');
  // In a process of its own, because CDK keeps a cache in the home directory.
  return JSON.parse(await run(process.execPath, [program, outdir], isolatedEnvironment(runDirectory)));
}
