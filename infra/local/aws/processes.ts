import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { promisify } from 'node:util';

export type Environment = Record<string, string | undefined>;

/**
 * Runs a command to its end.
 *
 * @returns what it wrote to standard output.
 * @throws Error with the command and the end of its output, if it fails.
 */
export async function run(command: string, args: string[], env: Environment, cwd?: string): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(command, args, { env, cwd, maxBuffer: 64 * 1024 * 1024 });
    return stdout;
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    const output = `${stdout}${stderr}`.trim().split('\n').slice(-30).join('\n');
    throw new Error(`${command} ${args.join(' ')} failed:\n${output || String(error)}`);
  }
}

/**
 * Runs a program (`$0`) in its own process group, and ends the whole group once the pipe on standard
 * input closes. The system closes that pipe however this process ends, even after SIGKILL.
 */
const untilPipeCloses = `
  exec 3<&0
  (trap '' TERM; cat <&3 >/dev/null; kill -TERM 0; sleep 3; kill -KILL 0) &
  exec "$0" </dev/null 3<&-`;

/**
 * Starts a program that runs until it is disposed of or this process ends. Then all of its own child processes end too.
 * Its output goes to `logFile`.
 */
export function startInBackground(
  program: string,
  env: Environment,
  logFile: string,
): AsyncDisposable & { hasExited(): boolean } {
  const log = openSync(logFile, 'a');
  const child = spawn('sh', ['-c', untilPipeCloses, program], { env, detached: true, stdio: ['pipe', log, log] });
  closeSync(log);
  const exited = once(child, 'exit');
  return {
    hasExited: () => child.exitCode !== null || child.signalCode !== null,
    [Symbol.asyncDispose]: async () => {
      child.stdin?.end();
      await exited;
      // Whatever is left of the group only waits to kill the rest.
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      } catch {
        // Nothing is left.
      }
    },
  };
}
