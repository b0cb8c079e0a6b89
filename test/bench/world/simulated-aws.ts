import type { AwsStubOptions } from '../../../infra/local/aws/stub/server.ts';
import { forkProgram } from '../forked.ts';

/** What reached AWS since it was last asked. */
export interface AwsTally {
  /** Calls that read a secret. */
  secretReads: number;
  /** Calls that read a page of parameters. */
  parameterReads: number;
  /** Events published. */
  events: number;
  /** Rows asked for in the table, and writes. */
  rowsRead: number;
  rowsWritten: number;
}

export interface SimulatedAws extends AsyncDisposable {
  /** What `AWS_ENDPOINT_URL` has to be. */
  url: string;
  tally(): Promise<AwsTally>;
}

/** Starts the stub of AWS in a process of its own. */
export async function startAws(options: AwsStubOptions): Promise<SimulatedAws> {
  const { greeting, ask, ...forked } = await forkProgram('aws', options);
  return { ...forked, url: greeting, tally: async () => (await ask('tally')) as AwsTally };
}
