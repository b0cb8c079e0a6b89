import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../infra/local/processes.ts';
import {
  cacheDirectory,
  isolatedEnvironment,
  newRunDirectory,
  projectDirectory,
} from '../../infra/local/workspace.ts';

export interface Bundle {
  /** The file that Lambda loads. */
  file: string;
  /** Its size. What is loaded only if needed is in other files beside it. */
  bytes: number;
}

/** The deployed bundle, and that of the afternoon handler with the same settings but nothing left out. */
export interface Bundles {
  ours: Bundle;
  theirs: Bundle;
  /** The afternoon handler if it publishes an event, as ours does. */
  theirsWithEvent: Bundle;
}

const program = 'test/bench/programs/bundles.ts';

/** The last commit without projects, table and tokens. */
const formerCommit = '4ceaa29';
/** What it is built on and we no longer are. */
const formerPackages = ['ky@2'];

/** Makes them anew. */
export function synthesizeBundles(): Promise<Bundles> {
  return synthesizeIn(projectDirectory, newRunDirectory());
}

/** The bundle of the former commit, made by its own program today; undefined if this clone does not reach back to it. */
export async function synthesizeFormerBundle(): Promise<Bundle | undefined> {
  const runDirectory = newRunDirectory();
  const former = join(runDirectory, 'former');
  const archive = join(runDirectory, 'former.tar');
  const environment = isolatedEnvironment(runDirectory);
  try {
    await run('git', ['archive', '--output', archive, formerCommit], environment, projectDirectory);
  } catch {
    console.error(
      `No commit ${formerCommit} in this clone: the row against it is left out. Try git fetch --unshallow.`,
    );
    return undefined;
  }
  mkdirSync(former);
  await run('tar', ['-xf', archive, '-C', former], environment);
  rmSync(archive);
  // Today's packages, so only the code makes a difference; those that we no longer have, in the folder above.
  symlinkSync(join(projectDirectory, 'node_modules'), join(former, 'node_modules'));
  const arguments_ = ['install', '--no-audit', '--no-fund', '--prefix', runDirectory, ...formerPackages];
  await run('npm', arguments_, { ...environment, npm_config_cache: join(cacheDirectory, 'npm') });
  return (await synthesizeIn(former, runDirectory)).ours;
}

/** In a process of its own, because CDK keeps a cache in the home directory. */
async function synthesizeIn(directory: string, runDirectory: string): Promise<Bundles> {
  const outdir = join(runDirectory, 'cdk.out');
  const environment = isolatedEnvironment(runDirectory);
  return JSON.parse(await run(process.execPath, [join(directory, program), outdir], environment, directory));
}
