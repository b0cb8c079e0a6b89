import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { listenOnLoopback } from './loopback-server.ts';

/** What `GetSecretValue` answers: a value, an error with its AWS name, or nothing at all. */
export type SecretAnswer =
  | { SecretString: string }
  | { SecretBinary: string }
  | { error: string; status: number }
  | 'silence';

export interface SecretsManagerStub extends AsyncDisposable {
  /** What `AWS_ENDPOINT_URL` has to be. */
  url: string;
  answer: SecretAnswer;
  /** How often a secret was asked for. */
  reads: number;
}

/** As much of Secrets Manager as the function speaks: `GetSecretValue` in the AWS JSON 1.1 protocol. */
export async function startSecretsManagerStub(answer: SecretAnswer): Promise<SecretsManagerStub> {
  const server = createServer(async (request, response) => {
    const body = await text(request);
    const send = (status: number, answer: object) => {
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' });
      response.end(JSON.stringify(answer));
    };
    if (request.headers['x-amz-target'] !== 'secretsmanager.GetSecretValue') {
      send(400, { __type: 'UnknownOperationException' });
      return;
    }
    stub.reads += 1;
    const { SecretId } = JSON.parse(body) as { SecretId: string };
    if (stub.answer === 'silence') return;
    if ('error' in stub.answer) {
      send(stub.answer.status, { __type: stub.answer.error, message: stub.answer.error });
    } else {
      send(200, {
        ARN: `arn:aws:secretsmanager:us-east-1:000000000000:secret:${SecretId}-AbCdEf`,
        Name: SecretId,
        ...stub.answer,
      });
    }
  });
  const { url, close } = await listenOnLoopback(server);
  const stub: SecretsManagerStub = { url, answer, reads: 0, [Symbol.asyncDispose]: close };
  return stub;
}
