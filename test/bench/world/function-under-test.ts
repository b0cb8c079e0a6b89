import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isolatedEnvironment } from '../../../infra/local/aws/workspace.ts';
import { newDirectory } from '../directory.ts';
import { ended, nextMessage } from '../forked.ts';

/** A bundle in a plain Node process of its own, kept warm. Unlike AWS's runtime client, this needs nothing compiled. */
export interface FunctionUnderTest extends AsyncDisposable {
  /** From the start of the process until the code was loaded. */
  startMilliseconds: number;
  /** Hands over events, one after the other. Rejects if one of them fails. */
  invoke(events: unknown[], remainingMilliseconds?: number): Promise<Invoked>;
  /** What it wrote to its log since this was last asked. */
  newLog(): string;
}

/** What the function is asked, in one message. */
export interface Asked {
  events: unknown[];
  /** How long each may take. */
  remainingMilliseconds: number;
}

/** What came of it. */
export interface Invoked {
  answers: unknown[];
  /** When the first of them began, in Unix milliseconds. */
  startedAt: number;
  milliseconds: number;
  cpuMilliseconds: number;
  /** The most memory that the process ever had. */
  peakBytes: number;
}

export interface FunctionOptions {
  /** The file that Lambda loads. */
  bundle: string;
  /** The environment variables that the stack gives it. */
  environment: Record<string, string>;
  awsUrl: string;
  /** Makes a command that runs another within a limit. */
  within?: (command: string[]) => [string, ...string[]];
}

const program = fileURLToPath(new URL('../programs/function.ts', import.meta.url));
/** Most of the 512 MB that the function has. Left to itself, V8 takes the more, the more the machine has. */
const heapMegabytes = 400;
const timeoutMilliseconds = 900_000;

/** Starts it. */
export async function startFunction(options: FunctionOptions): Promise<FunctionUnderTest> {
  const { bundle, environment, awsUrl, within = ([file = '', ...args]) => [file, ...args] } = options;
  const runDirectory = newDirectory();
  const logFile = join(runDirectory, 'log');
  const log = openSync(logFile, 'a');
  const node = [process.execPath, `--max-old-space-size=${heapMegabytes}`, program, bundle];
  const [file, ...args] = within(node);
  const startedAt = performance.now();
  const child = spawn(file, args, {
    env: { ...isolatedEnvironment(runDirectory), ...environment, AWS_ENDPOINT_URL: awsUrl },
    // A file is written at once, so the log is complete when the answer is there.
    stdio: ['ignore', log, log, 'ipc'],
  });
  closeSync(log);
  const answer = async () => {
    try {
      return await nextMessage(child);
    } catch (error) {
      throw new Error(`The function failed:\n${readFileSync(logFile, 'utf8').slice(-3_000)}`, {
        cause: error,
      });
    }
  };
  await answer();
  return {
    startMilliseconds: performance.now() - startedAt,
    invoke: async (events, remainingMilliseconds = timeoutMilliseconds) => {
      const invoked = answer();
      child.send({ events, remainingMilliseconds } satisfies Asked);
      return (await invoked) as Invoked;
    },
    newLog: () => {
      const text = readFileSync(logFile, 'utf8');
      writeFileSync(logFile, '');
      return text;
    },
    [Symbol.asyncDispose]: () => ended(child),
  };
}
