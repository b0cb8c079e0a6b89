/**
 * Runs a bundle as Lambda would: `node function-host.ts BUNDLE`, with an IPC channel. One message in, its events in
 * turn, one message out. An event that fails ends the process.
 */
import { createRequire } from 'node:module';
import type { Context } from 'aws-lambda';
import { lambdaContext } from '../support/lambda-context.ts';

export interface Invoked {
  answers: unknown[];
  durationMs: number;
  cpuMs: number;
  /** The peak memory of the process. */
  peakBytes: number;
}

const [, , bundle = ''] = process.argv;
const { handler } = createRequire(import.meta.url)(bundle) as {
  handler: (event: unknown, context: Context) => Promise<unknown>;
};

process.on('message', async ([events, remainingMs]: [unknown[], number]) => {
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  const answers: unknown[] = [];
  for (const event of events) answers.push(await handler(event, lambdaContext(remainingMs)));
  const { user, system } = process.cpuUsage(cpuBefore);
  process.send?.({
    answers,
    durationMs: performance.now() - startedAt,
    cpuMs: (user + system) / 1000,
    peakBytes: process.resourceUsage().maxRSS * 1024,
  } satisfies Invoked);
});
process.on('disconnect', () => process.exit());
process.send?.('ready');
