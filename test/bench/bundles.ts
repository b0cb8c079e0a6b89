import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../infra/local/aws/processes.ts';
import { cacheDirectory, isolatedEnvironment, projectDirectory } from '../../infra/local/aws/workspace.ts';
import { newDirectory } from './directory.ts';

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
  return synthesizeIn(projectDirectory, newDirectory());
}

/** The bundle of the former commit, made by its own program today; undefined if it cannot be made here. */
export async function synthesizeFormerBundle(): Promise<Bundle | undefined> {
  const runDirectory = newDirectory();
  try {
    const former = await checkedOut(runDirectory);
    return (await synthesizeIn(former, runDirectory)).ours;
  } catch (error) {
    console.error(
      `The row against commit ${formerCommit} is left out, since its bundle cannot be made here. ` +
        `In a shallow clone, try git fetch --unshallow. ${error}`,
    );
    return undefined;
  }
}

/** The former commit in a folder of its own. */
async function checkedOut(runDirectory: string): Promise<string> {
  const former = join(runDirectory, 'former');
  const archive = join(runDirectory, 'former.tar');
  await run('git', ['archive', '--output', archive, formerCommit], process.env, projectDirectory);
  mkdirSync(former);
  await run('tar', ['-xf', archive, '-C', former], process.env);
  rmSync(archive);
  // Today's packages, so only the code makes a difference; those that we no longer have, in the folder above.
  symlinkSync(join(projectDirectory, 'node_modules'), join(former, 'node_modules'));
  const install = ['install', '--no-audit', '--no-fund', '--prefix', runDirectory, ...formerPackages];
  await run('npm', install, { ...process.env, npm_config_cache: join(cacheDirectory, 'npm') });
  return former;
}

/** In a process of its own, because CDK keeps a cache in the home directory. */
async function synthesizeIn(directory: string, runDirectory: string): Promise<Bundles> {
  const outdir = join(runDirectory, 'cdk.out');
  const environment = isolatedEnvironment(runDirectory);
  return JSON.parse(await run(process.execPath, [join(directory, program), outdir], environment, directory));
}
