import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { basename, dirname } from 'node:path';
import type { Environment } from '../../../infra/local/aws/processes.ts';
import { startRuntimeApi } from './runtime-api.ts';

/** One instance of a function, in a process of its own, as Lambda starts it. */
export interface Instance extends AsyncDisposable {
  /** From the start of the process until it asked for its first event. */
  initMilliseconds: number;
  invoke(event: unknown): Promise<unknown>;
}

export interface InstanceOptions {
  /** The command that runs the runtime client; it finds the rest in its environment. */
  command: [string, ...string[]];
  /** The file that Lambda loads. */
  bundle: string;
  environment: Environment;
}

/** Starts an instance. Rejects if it cannot be initialised. */
export async function startInstance({ command, bundle, environment }: InstanceOptions): Promise<Instance> {
  await using starting = new AsyncDisposableStack();
  const api = starting.use(await startRuntimeApi());
  const handler = `${basename(bundle, '.js')}.handler`;
  const startedAt = performance.now();
  const [file, ...args] = command;
  const child = spawn(file, [...args, handler], {
    env: {
      ...environment,
      AWS_LAMBDA_RUNTIME_API: api.host,
      LAMBDA_TASK_ROOT: dirname(bundle),
      _HANDLER: handler,
      AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
      AWS_LAMBDA_FUNCTION_NAME: 'fine-tuning-curfew',
      AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '512',
      AWS_LAMBDA_LOG_GROUP_NAME: '/aws/lambda/fine-tuning-curfew',
      AWS_LAMBDA_LOG_STREAM_NAME: 'stream',
      AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = once(child, 'exit');
  starting.defer(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      log += chunk;
    });
  }
  const gone = exited.then(() => {
    throw new Error(`The instance ended before it was asked to:\n${log}`);
  });
  gone.catch(() => {});
  await Promise.race([api.initialised, gone]);
  const initMilliseconds = performance.now() - startedAt;
  const running = starting.move();
  return {
    initMilliseconds,
    invoke: (event) => Promise.race([api.invoke(event), gone]),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}
