import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { listenOnLoopback } from '../../providers/loopback-server.ts';
import { failed } from './answer.ts';
import { type EventBusStub, eventBusOperations } from './event-bus.ts';
import { type ParametersStub, parametersOperations } from './parameters.ts';
import { type SecretAnswer, type SecretsStub, secretsOperations } from './secrets.ts';
import { newTable, type TableStub, tableOperations } from './table.ts';

export interface AwsStub extends AsyncDisposable, SecretsStub, EventBusStub, ParametersStub {
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
export async function startAwsStub({
  secret,
  secrets = {},
  parameters = {},
}: AwsStubOptions = {}): Promise<AwsStub> {
  const state = {
    secret,
    secrets: new Map(Object.entries(secrets)),
    secretReads: [],
    events: [],
    batchSizes: [],
    eventBus: 'up' as const,
    refuses: () => false,
    parameters: new Map(Object.entries(parameters)),
    parameterReads: 0,
    parameterStore: 'up' as const,
    table: newTable(),
  };
  const server = createServer(async (request, response) => {
    const target = request.headers['x-amz-target'];
    const operation = operations.get(typeof target === 'string' ? target : '');
    const body = await text(request);
    const answer = operation ? operation(body) : failed('UnknownOperationException');
    if (!answer) return;
    response.writeHead(answer.status, { 'content-type': request.headers['content-type'] });
    response.end(JSON.stringify(answer.body));
  });
  const { url, close } = await listenOnLoopback(server);
  const stub: AwsStub = Object.assign(state, { url, [Symbol.asyncDispose]: close });
  const operations = new Map([
    ...Object.entries(secretsOperations(stub)),
    ...Object.entries(eventBusOperations(stub)),
    ...Object.entries(parametersOperations(stub)),
    ...Object.entries(tableOperations(stub.table)),
  ]);
  return stub;
}
