/** Forked by startProgram: the AWS that the function speaks to. Answers any message with what reached it since the last. */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { type AwsStubOptions, startAwsStub } from '../../../infra/local/aws/stub/server.ts';

export interface AwsOptions extends AwsStubOptions {
  /** How long each answer takes. */
  answerMs?: number;
}

/** What reached AWS since it was last asked. */
export interface AwsTally {
  secretReads: number;
  events: number;
  rowsRead: number;
  rowsWritten: number;
}

const [{ answerMs = 0, ...options }] = (await once(process, 'message')) as [AwsOptions];
const aws = await startAwsStub(options);
process.on('message', () => {
  const { secretReads, events, table } = aws;
  process.send?.({
    secretReads: secretReads.length,
    events: events.length,
    rowsRead: table.idsRead.length,
    rowsWritten: table.writes,
  } satisfies AwsTally);
  secretReads.length = 0;
  events.length = 0;
  table.idsRead.length = 0;
  table.writes = 0;
});
process.on('disconnect', () => process.exit());
process.send?.(answerMs === 0 ? aws.url : await delayed(aws.url));

/** Returns the URL of a server whose answers are those of another, each a little later: as if it were far away. */
async function delayed(url: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const server = createServer({ noDelay: true }, (caller) => {
    const called = connect({ host: hostname, port: Number(port), noDelay: true });
    for (const socket of [caller, called]) socket.on('error', () => socket.destroy());
    caller.pipe(called);
    called.on('data', (chunk) => setTimeout(() => caller.write(chunk), answerMs));
    called.on('end', () => setTimeout(() => caller.end(), answerMs));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${Object(server.address()).port}`;
}
