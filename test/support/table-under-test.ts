import { type AwsStub, startAwsStub } from '../../infra/local/aws/stub/server.ts';
import type { Row } from '../../infra/local/aws/stub/table.ts';
import { createAwsClients } from '../../lambda/aws/clients.ts';
import { createTable } from '../../lambda/aws/table.ts';
import type { JobTable } from '../../lambda/curfew/job-table.ts';
import { awsCredentials } from './curfew.ts';

/** The table of extensions over a stub of DynamoDB. */
export interface TableUnderTest extends AsyncDisposable {
  table: JobTable;
  stub: AwsStub['table'];
  row(): Row | undefined;
}

/** The table, in which there may be a row of `ftjob-1` already. */
export async function startTable(row?: Omit<Row, 'jobId'>): Promise<TableUnderTest> {
  await using starting = new AsyncDisposableStack();
  const aws = starting.use(await startAwsStub());
  const clients = createAwsClients({ endpoint: aws.url, region: 'us-east-1', credentials: awsCredentials });
  starting.defer(() => clients.destroy());
  const { table: stub } = aws;
  if (row) stub.rows.set('ftjob-1', { jobId: 'ftjob-1', ...row });
  const running = starting.move();
  return {
    table: createTable('curfew-table', clients.dynamoDB),
    stub,
    row: () => stub.rows.get('ftjob-1'),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}
