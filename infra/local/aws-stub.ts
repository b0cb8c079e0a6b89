import { createServer, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { listenOnLoopback } from './loopback-server.ts';

/** What `GetSecretValue` answers: a value, an error with its AWS name, or nothing at all. */
export type SecretAnswer =
  | { SecretString: string }
  | { SecretBinary: string }
  | { error: string; status: number }
  | 'silence';

/** An event as it was published. */
export interface PublishedEvent {
  source: string;
  detailType: string;
  detail: Record<string, unknown>;
}

export interface AwsStub extends AsyncDisposable {
  /** What `AWS_ENDPOINT_URL` has to be. */
  url: string;
  secret: SecretAnswer;
  /** How often a secret was asked for. */
  reads: number;
  /** What `PutEvents` took, and how many events each call of it brought. */
  events: PublishedEvent[];
  batchSizes: number[];
  /** How `PutEvents` fares, and which events it refuses while it is up. */
  eventBus: 'up' | 'down' | 'silent';
  refuses: (event: PublishedEvent) => boolean;
}

interface PutEvents {
  Entries: { Source: string; DetailType: string; Detail: string }[];
}

/** As much of AWS as the function speaks, in the AWS JSON 1.1 protocol: `GetSecretValue` and `PutEvents`. */
export async function startAwsStub(secret: SecretAnswer): Promise<AwsStub> {
  const server = createServer(async (request, response) => {
    const body = await text(request);
    switch (request.headers['x-amz-target']) {
      case 'secretsmanager.GetSecretValue':
        return getSecretValue(stub, JSON.parse(body) as { SecretId: string }, response);
      case 'AWSEvents.PutEvents':
        return putEvents(stub, JSON.parse(body) as PutEvents, response);
      default:
        return send(response, 400, { __type: 'UnknownOperationException' });
    }
  });
  const { url, close } = await listenOnLoopback(server);
  const stub: AwsStub = {
    url,
    secret,
    reads: 0,
    events: [],
    batchSizes: [],
    eventBus: 'up',
    refuses: () => false,
    [Symbol.asyncDispose]: close,
  };
  return stub;
}

function getSecretValue(stub: AwsStub, { SecretId }: { SecretId: string }, response: ServerResponse): void {
  stub.reads += 1;
  if (stub.secret === 'silence') return;
  if ('error' in stub.secret) {
    send(response, stub.secret.status, { __type: stub.secret.error, message: stub.secret.error });
    return;
  }
  const ARN = `arn:aws:secretsmanager:us-east-1:000000000000:secret:${SecretId}-AbCdEf`;
  send(response, 200, { ARN, Name: SecretId, ...stub.secret });
}

function putEvents(stub: AwsStub, { Entries }: PutEvents, response: ServerResponse): void {
  stub.batchSizes.push(Entries.length);
  if (stub.eventBus === 'silent') return;
  if (stub.eventBus === 'down') {
    send(response, 400, { __type: 'InternalException', message: 'Down' });
    return;
  }
  const answers = Entries.map(({ Source, DetailType, Detail }, EventId) => {
    const event = { source: Source, detailType: DetailType, detail: JSON.parse(Detail) };
    if (stub.refuses(event)) return { ErrorCode: 'ThrottlingException', ErrorMessage: 'Slow down' };
    stub.events.push(event);
    return { EventId };
  });
  const FailedEntryCount = answers.filter((answer) => 'ErrorCode' in answer).length;
  send(response, 200, { FailedEntryCount, Entries: answers });
}

function send(response: ServerResponse, status: number, answer: object): void {
  response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' });
  response.end(JSON.stringify(answer));
}
