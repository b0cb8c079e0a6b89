import { type StdioOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Cpu } from './cpu.ts';
import type { Invoked } from './function-host.ts';

/** Starts Node in its own process, so that only its work is measured. `ended` rejects when it ends. */
export function startNode(args: string[], environment: Record<string, string>, stdio: StdioOptions, cpu?: Cpu) {
  const command = [process.execPath, ...args];
  const [file = '', ...rest] = cpu ? cpu.within(command) : command;
  const child = spawn(file, rest, { env: { ...process.env, ...environment }, stdio });
  const ended = once(child, 'exit').then(([code]): never => {
    throw new Error(`The function's process ended with ${code} before it answered.`);
  });
  ended.catch(() => {});
  const kill = async () => {
    child.kill('SIGKILL');
    await ended.catch(() => {});
  };
  return { child, ended, [Symbol.asyncDispose]: kill };
}

/** Most of the 512 MB that the function has. By default, V8 takes more the more the machine has. */
const heapMegabytes = 400;

/** Starts a bundle in a plain Node process that stays warm. */
export async function startFunction(bundle: string, stackEnvironment: Record<string, string>, cpu?: Cpu) {
  const logFile = join(mkdtempSync(join(tmpdir(), 'function-')), 'log');
  const log = openSync(logFile, 'a');
  const host = join(import.meta.dirname, 'function-host.ts');
  const environment = { ...stackEnvironment, NODE_OPTIONS: `--max-old-space-size=${heapMegabytes}` };
  const startedAt = performance.now();
  const { child, ended, ...started } = startNode([host, bundle], environment, ['ignore', log, log, 'ipc'], cpu);
  const answer = async () => {
    const [message] = await Promise.race([once(child, 'message'), ended]);
    return message;
  };
  await answer();
  return {
    ...started,
    /** From the start of the process until the code is loaded. */
    startMs: performance.now() - startedAt,
    /** Sends events in turn, each with this much time. Rejects if one fails. */
    invoke(events: unknown[], remainingMs = 900_000): Promise<Invoked> {
      child.send([events, remainingMs] satisfies [unknown[], number]);
      return answer();
    },
    /** Returns what it has logged since the last call. */
    takeLog(): string {
      const text = readFileSync(logFile, 'utf8');
      writeFileSync(logFile, '');
      return text;
    },
  };
}
