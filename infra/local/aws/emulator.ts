import { createServer } from 'node:http';
import { join } from 'node:path';
import pWaitFor from 'p-wait-for';
import { listenOnLoopback } from '../providers/loopback-server.ts';
import { type Environment, startInBackground } from './processes.ts';
import { installPythonTools } from './python-tools.ts';
import { startTlsFront } from './tls-front.ts';
import { isolatedEnvironment, newRunDirectory } from './workspace.ts';

/** AWS as the local system sees it. */
export type Emulator = Awaited<ReturnType<typeof startEmulator>>;

const startTimeoutMs = 60_000;

/**
 * Starts the AWS emulator on a free loopback port, or uses the one at `AWS_ENDPOINT_URL` if that is set.
 *
 * @param functionEnvironment extra environment variables for functions.
 * @throws EmulatorUnavailableError if it cannot be installed.
 */
export async function startEmulator(functionEnvironment: Record<string, string> = {}) {
  const { ministack, aws } = await installPythonTools();
  const runDirectory = newRunDirectory();
  const isolated = isolatedEnvironment(runDirectory);
  await using cleanup = new AsyncDisposableStack();

  let endpointUrl = process.env['AWS_ENDPOINT_URL'];
  if (!endpointUrl) {
    // Find a free port, which should still be free a moment later.
    const { url, close } = await listenOnLoopback(createServer());
    await close();
    const environment = {
      ...isolated,
      ...functionEnvironment,
      GATEWAY_PORT: new URL(url).port,
      BIND_HOST: '127.0.0.1',
      IOT_MTLS_ENABLED: 'false',
      // Enforces IAM: calls that the function's role does not allow fail.
      AUTH: 'true',
      // Retries failed asynchronous invocations within seconds, not minutes.
      LAMBDA_ASYNC_RETRY_BASE_SECONDS: '1',
      LAMBDA_ASYNC_RETRY_MAX_SECONDS: '1',
    };
    const emulator = cleanup.use(startInBackground(ministack, environment, join(runDirectory, 'emulator.log')));
    const isHealthy = async () => {
      if (emulator.hasExited()) throw new Error('The AWS emulator ended while it started.');
      return fetch(`${url}/_ministack/health`).then(
        ({ ok }) => ok,
        () => false,
      );
    };
    const timeout = { milliseconds: startTimeoutMs, message: 'The AWS emulator did not start in time.' };
    await pWaitFor(isHealthy, { interval: 100, timeout });
    endpointUrl = cleanup.use(await startTlsFront(url)).url;
  }
  const environment: Environment = { ...isolated, AWS_ENDPOINT_URL: endpointUrl };
  const disposables = cleanup.move();
  return {
    endpointUrl,
    /** The AWS CLI. */
    aws,
    /** What the AWS CLI, the SDKs and cdk need to find it. */
    environment,
    /** For files of this run. */
    runDirectory,
    [Symbol.asyncDispose]: () => disposables.disposeAsync(),
  };
}
