import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { listenOnLoopback } from '../../providers/loopback-server.ts';
import { AwsFailure, type AwsStubOptions, Services } from './services.ts';
import { TableStub } from './table.ts';

export type { AwsStubOptions } from './services.ts';

export interface AwsStub extends AsyncDisposable, Services {
  /** What `AWS_ENDPOINT_URL` has to be. */
  url: string;
  table: TableStub;
}

/** As much of AWS as the function speaks: Secrets Manager, EventBridge, Parameter Store and DynamoDB, on loopback. */
export async function startAwsStub(options: AwsStubOptions = {}): Promise<AwsStub> {
  const services = new Services(options);
  const table = new TableStub();
  const answer = (operation: unknown, request: string): object => {
    switch (operation) {
      case 'secretsmanager.GetSecretValue':
        return services.getSecretValue(JSON.parse(request));
      case 'AWSEvents.PutEvents':
        return services.putEvents(JSON.parse(request));
      case 'AmazonSSM.GetParametersByPath':
        return services.getParametersByPath(JSON.parse(request));
      case 'DynamoDB_20120810.BatchGetItem':
        return table.batchGetItem(JSON.parse(request));
      case 'DynamoDB_20120810.UpdateItem':
        return table.updateItem(JSON.parse(request));
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
