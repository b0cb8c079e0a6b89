import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A program in a process of its own, so that its work is not counted as ours. */
export interface Forked extends AsyncDisposable {
  child: ChildProcess;
  /** What it said first. */
  greeting: string;
}

/** Starts one of `programs/`, and waits until it says that it is there. */
export async function forkProgram(
  name: string,
  { args = [], execArgv = [] }: { args?: string[]; execArgv?: string[] } = {},
): Promise<Forked> {
  const child = fork(fileURLToPath(new URL(`programs/${name}.ts`, import.meta.url)), args, { execArgv });
  const exit = once(child, 'exit').then(() => {
    throw new Error(`${name}.ts ended before it said anything.`);
  });
  const [greeting] = (await Promise.race([once(child, 'message'), exit])) as [string];
  exit.catch(() => {});
  return {
    child,
    greeting,
    [Symbol.asyncDispose]: async () => {
      // One that has done its work may be gone already.
      if (child.exitCode !== null) return;
      const exited = once(child, 'exit');
      child.kill();
      await exited;
    },
  };
}
