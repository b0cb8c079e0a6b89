import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { listenOnLoopback } from '../../providers/loopback-server.ts';
import {
  AwsFailure,
  getParametersByPath,
  getSecretValue,
  putEvents,
  type SecretAnswer,
  type Services,
} from './services.ts';
import { batchGetItem, type TableStub, updateItem } from './table.ts';

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
  const table: TableStub = { rows: new Map(), health: 'up', leaves: () => false, reads: 0, idsRead: [], writes: 0 };
  const answer = (operation: unknown, request: string): object => {
    switch (operation) {
      case 'secretsmanager.GetSecretValue':
        return getSecretValue(services, JSON.parse(request));
      case 'AWSEvents.PutEvents':
        return putEvents(services, JSON.parse(request));
      case 'AmazonSSM.GetParametersByPath':
        return getParametersByPath(services, JSON.parse(request));
      case 'DynamoDB_20120810.BatchGetItem':
        return batchGetItem(table, JSON.parse(request));
      case 'DynamoDB_20120810.UpdateItem':
        return updateItem(table, JSON.parse(request));
    }
    throw new AwsFailure('UnknownOperationException');
  };
  const server = createServer(async (request, response) => {
    const body = await text(request);
    const send = (status: number, content: object) => {
      response.writeHead(status, { 'content-type': request.headers['content-type'] ?? 'application/json' });
      response.end(JSON.stringify(content));
    };
    try {
      send(200, answer(request.headers['x-amz-target'], body));
    } catch (error) {
      if (!(error instanceof AwsFailure)) throw error;
      if (error.status > 0) send(error.status, error.body);
    }
  });
  const { url, close } = await listenOnLoopback(server);
  return Object.assign(services, { table, url, [Symbol.asyncDispose]: close });
}
