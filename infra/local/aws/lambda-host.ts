/**
 * Runs a bundle as Lambda would, in a plain Node process: each message is one invocation, and gets one reply.
 * `node lambda-host.ts BUNDLE`, forked with an IPC channel.
 */
import { pathToFileURL } from 'node:url';
import type { Context } from 'aws-lambda';
import type { Invocation } from './local-system.ts';

const timeoutMs = 900_000;
const [, , bundle = ''] = process.argv;
const { handler } = (await import(pathToFileURL(bundle).href)) as {
  handler(event: unknown, context: Partial<Context>): Promise<unknown>;
};

async function invoke(request: unknown): Promise<Invocation> {
  const end = Date.now() + timeoutMs;
  const awsRequestId = crypto.randomUUID();
  const getRemainingTimeInMillis = () => end - Date.now();
  try {
    const context = { functionName: 'fine-tuning-curfew', awsRequestId, getRemainingTimeInMillis };
    return { payload: await handler(request, context) };
  } catch (error) {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    return { payload: { errorType: name, errorMessage: message }, error: { name, message } };
  }
}

process.on('message', async ({ request }: { request: unknown }) => {
  process.send?.(await invoke(request));
});
process.send?.('ready');
