import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { promisify } from 'node:util';

const deadlySignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export type Environment = Record<string, string | undefined>;

/**
 * Runs a command to its end.
 *
 * @returns what it wrote to standard output.
 * @throws Error with the command and the end of what it wrote, where it fails.
 */
export async function run(command: string, args: string[], env: Environment, cwd?: string): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(command, args, { env, cwd, maxBuffer: 64 * 1024 * 1024 });
    return stdout;
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    const output = `${stdout}${stderr}`.trim().split('\n').slice(-30).join('\n');
    throw new Error(`${command} ${args.join(' ')} failed:\n${output || String(error)}`, { cause: error });
  }
}

/**
 * Starts a command that goes on until it is disposed of, together with all processes that it starts itself.
 * Its output goes to `logFile`. Should this process end first, the other one ends too.
 */
export function startInBackground(
  command: string,
  args: string[],
  env: Environment,
  logFile: string,
): AsyncDisposable & { exited: Promise<unknown> } {
  const log = openSync(logFile, 'a');
  const child = spawn(command, args, { env, detached: true, stdio: ['ignore', log, log] });
  const exited = once(child, 'exit');
  exited.catch(() => {});
  const signalGroup = (signal: NodeJS.Signals) => {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    process.kill(-child.pid, signal);
  };
  const onExit = () => signalGroup('SIGKILL');
  // Before all else, so that what it writes can be removed behind it.
  process.prependOnceListener('exit', onExit);
  // Signals end a process without its exit hooks, unless somebody listens.
  const exit = () => process.exit(1);
  for (const signal of deadlySignals) process.once(signal, exit);
  return {
    exited,
    [Symbol.asyncDispose]: async () => {
      signalGroup('SIGTERM');
      const timer = setTimeout(() => signalGroup('SIGKILL'), 5_000);
      await exited.catch(() => {});
      clearTimeout(timer);
      process.removeListener('exit', onExit);
      for (const signal of deadlySignals) process.removeListener(signal, exit);
    },
  };
}
