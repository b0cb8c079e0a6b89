import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { listenOnLoopback } from '../../providers/loopback-server.ts';
import { failed } from './answer.ts';
import { type SecretAnswer, type Services, serviceOperations } from './services.ts';
import { newTable, type TableStub, tableOperations } from './table.ts';

export interface AwsStub extends AsyncDisposable, Services {
  /** What `AWS_ENDPOINT_URL` has to be. */
  url: string;
  table: TableStub;
}

export interface AwsStubOptions {
  /** The answer for every secret that `secrets` does not name. */
  secret?: SecretAnswer;
  /** Answers by the name of the secret. */
  secrets?: Record<string, SecretAnswer>;
  /** Values by the name of the parameter. */
  parameters?: Record<string, string>;
}

/** As much of AWS as the function speaks: Secrets Manager, EventBridge, Parameter Store and DynamoDB, on loopback. */
export async function startAwsStub({ secret, secrets = {}, parameters = {} }: AwsStubOptions = {}): Promise<AwsStub> {
  const services: Services = {
    secret,
    secrets: new Map(Object.entries(secrets)),
    secretReads: [],
    events: [],
    batchSizes: [],
    eventBus: 'up',
    refuses: () => false,
    parameters: new Map(Object.entries(parameters)),
    parameterReads: 0,
    parameterStore: 'up',
  };
  const table = newTable();
  const operations = { ...serviceOperations(services), ...tableOperations(table) };
  const server = createServer(async (request, response) => {
    const operation = operations[String(request.headers['x-amz-target'])];
    const body = await text(request);
    const answer = operation ? operation(body) : failed('UnknownOperationException');
    if (!answer) return;
    response.writeHead(answer.status, { 'content-type': request.headers['content-type'] ?? 'application/json' });
    response.end(JSON.stringify(answer.body));
  });
  const { url, close } = await listenOnLoopback(server);
  return Object.assign(services, { table, url, [Symbol.asyncDispose]: close });
}
