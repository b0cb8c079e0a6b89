/** `node aws.ts`, forked with an IPC channel: the AWS that the function speaks to. */

import { type AwsStubOptions, startAwsStub } from '../../../infra/local/aws/stub/server.ts';
import type { AwsTally } from '../world/simulated-aws.ts';
import { givenOptions } from './given-options.ts';

const aws = await startAwsStub(await givenOptions<AwsStubOptions>());

/** What reached it since it was last asked. */
function tally(): AwsTally {
  const { secretReads, events, parameterReads, table } = aws;
  const counted = {
    secretReads: secretReads.length,
    parameterReads,
    events: events.length,
    rowsRead: table.idsRead.length,
    rowsWritten: table.writes,
  };
  secretReads.length = 0;
  events.length = 0;
  table.idsRead.length = 0;
  aws.parameterReads = 0;
  table.writes = 0;
  return counted;
}

process.on('message', () => process.send?.(tally()));
process.on('disconnect', () => process.exit());
process.send?.(aws.url);
