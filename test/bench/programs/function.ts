/**
 * `node function.ts BUNDLE`, forked with an IPC channel: runs a bundle as Lambda would. One message in, its events one
 * after the other, one message out. An event that fails ends the process.
 */
import { createRequire } from 'node:module';
import type { Context } from 'aws-lambda';
import { lambdaContext } from '../../support/lambda-context.ts';
import type { Asked, Invoked } from '../world/function-under-test.ts';

type Handler = (event: unknown, context: Context) => Promise<unknown>;

const { handler } = createRequire(import.meta.url)(process.argv[2] ?? '') as { handler: Handler };

async function invoke({ events, remainingMilliseconds }: Asked): Promise<Invoked> {
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  const answers: unknown[] = [];
  for (const event of events) answers.push(await handler(event, lambdaContext(remainingMilliseconds)));
  const { user, system } = process.cpuUsage(cpuBefore);
  return {
    answers,
    startedAt: performance.timeOrigin + startedAt,
    milliseconds: performance.now() - startedAt,
    cpuMilliseconds: (user + system) / 1000,
    peakBytes: process.resourceUsage().maxRSS * 1024,
  };
}

process.on('message', async (asked: Asked) => process.send?.(await invoke(asked)));
process.on('disconnect', () => process.exit());
process.send?.('ready');
