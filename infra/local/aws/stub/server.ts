import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { listenOnLoopback } from '../../providers/loopback-server.ts';
import { AwsFailure, type AwsStubOptions, Services } from './services.ts';
import { TableStub } from './table.ts';

export type { AwsStubOptions } from './services.ts';

export type AwsStub = Awaited<ReturnType<typeof startAwsStub>>;

/**
 * Starts a stub of the AWS calls that the function makes to Secrets Manager, EventBridge, Parameter Store and DynamoDB, on
 * loopback. Set `AWS_ENDPOINT_URL` to its `url`.
 */
export async function startAwsStub(options: AwsStubOptions = {}) {
  const services = new Services(options);
  const table = new TableStub();
  const operations: Record<string, (request: string) => object> = {
    'secretsmanager.GetSecretValue': (request) => services.getSecretValue(JSON.parse(request)),
    'AWSEvents.PutEvents': (request) => services.putEvents(JSON.parse(request)),
    'AmazonSSM.GetParametersByPath': (request) => services.getParametersByPath(JSON.parse(request)),
    'DynamoDB_20120810.BatchGetItem': (request) => table.batchGetItem(JSON.parse(request)),
    'DynamoDB_20120810.UpdateItem': (request) => table.updateItem(JSON.parse(request)),
  };
  const server = createServer(async (request, response) => {
    const body = await text(request);
    if (options.answerMs) await sleep(options.answerMs);
    const operate = operations[String(request.headers['x-amz-target'])];
    const send = (status: number, content: object) => {
      response.writeHead(status, { 'content-type': request.headers['content-type'] ?? 'application/json' });
      response.end(JSON.stringify(content));
    };
    try {
      if (!operate) throw new AwsFailure('UnknownOperationException');
      send(200, operate(body));
    } catch (error) {
      if (!(error instanceof AwsFailure)) throw error;
      if (error.status > 0) send(error.status, error.body);
    }
  });
  const { url, close } = await listenOnLoopback(server);
  return Object.assign(services, { table, url, [Symbol.asyncDispose]: close });
}
