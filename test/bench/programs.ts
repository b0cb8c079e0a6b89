import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { newRunDirectory } from '../../infra/local/aws/workspace.ts';
import { settingsVariable } from '../../lambda/settings.ts';
import type { Cpu } from './cpu.ts';
import type { Asked, Invoked } from './programs/function.ts';

const runDirectory = newRunDirectory();

/** Returns a new directory, which goes when the bench ends. */
export function newDirectory(): string {
  return mkdtempSync(join(runDirectory, 'bench-'));
}

/** A program in a process of its own, so that its work is not counted as ours. */
export interface Program extends AsyncDisposable {
  /** What it said first. A server says its URL. */
  greeting: string;
  /** Sends it a message and returns the answer. One at a time. */
  ask<Answer>(message: unknown): Promise<Answer>;
}

interface ProgramOptions {
  environment?: Record<string, string>;
  cpu?: Cpu | undefined;
  logFile?: string;
}

/** Starts one of `programs/`, hands it its options, and waits until it says that it is there. */
export async function startProgram(
  name: string,
  options: object,
  { environment = {}, cpu, logFile }: ProgramOptions = {},
): Promise<Program> {
  const command = [process.execPath, join(import.meta.dirname, 'programs', `${name}.ts`)];
  const [file = '', ...args] = cpu ? cpu.within(command) : command;
  const output = logFile === undefined ? 'inherit' : openSync(logFile, 'a');
  const child = spawn(file, args, {
    env: { ...process.env, ...environment },
    stdio: ['ignore', output, output, 'ipc'],
  });
  const exited = once(child, 'exit').then(([code]) => {
    const log = logFile === undefined ? '' : readFileSync(logFile, 'utf8').slice(-3_000);
    throw new Error(`The program "${name}" ended with ${code} before it answered.\n${log}`);
  });
  exited.catch(() => {});
  const ask = async (message: unknown) => {
    const answer = once(child, 'message');
    child.send(message as object);
    const [given] = await Promise.race([answer, exited]);
    return given;
  };
  return {
    greeting: String(await ask(options)),
    ask,
    [Symbol.asyncDispose]: async () => {
      child.kill();
      await exited.catch(() => {});
    },
  };
}

/** A bundle in a plain Node process of its own, kept warm. */
export interface FunctionProgram extends AsyncDisposable {
  /** From the start of the process until the code was loaded. */
  startMs: number;
  /** Hands over events, one after the other. Rejects if one of them fails. */
  invoke(events: unknown[], remainingMs?: number): Promise<Invoked>;
  /** Returns what it has logged since this was last called. */
  takeLog(): string;
}

/** Most of the 512 MB that the function has. Left to itself, V8 takes the more, the more the machine has. */
const heapMegabytes = 400;

export async function startFunction(
  bundle: string,
  environment: Record<string, string>,
  cpu?: Cpu,
): Promise<FunctionProgram> {
  const logFile = join(newDirectory(), 'log');
  const startedAt = performance.now();
  const program = await startProgram(
    'function',
    { bundle },
    { environment: { ...environment, NODE_OPTIONS: `--max-old-space-size=${heapMegabytes}` }, cpu, logFile },
  );
  return {
    startMs: performance.now() - startedAt,
    invoke: (events, remainingMs = 900_000) => program.ask<Invoked>({ events, remainingMs } satisfies Asked),
    takeLog: () => {
      const log = readFileSync(logFile, 'utf8');
      writeFileSync(logFile, '');
      return log;
    },
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  };
}

/** Returns the environment of our function, and of the afternoon handlers, with one project. */
export function functionEnvironment(openaiBaseUrl: string, awsUrl: string): Record<string, string> {
  return {
    [settingsVariable]: JSON.stringify({ tableName: 'bench', openaiBaseUrl }),
    OPENAI_BASE_URL: openaiBaseUrl,
    SECRET_NAME: 'openai/api-key',
    LOG_LEVEL: 'INFO',
    AWS_ENDPOINT_URL: awsUrl,
  };
}
