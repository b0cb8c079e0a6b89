import { createServer, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { listenOnLoopback } from '../../../infra/local/providers/loopback-server.ts';

/** Lambda's Runtime API for one instance of a function, on loopback. */
export interface RuntimeApi extends AsyncDisposable {
  /** What `AWS_LAMBDA_RUNTIME_API` has to be. */
  host: string;
  /** Resolves when the instance asks for its first event, so is initialised; rejects if it says that it cannot be. */
  initialised: Promise<void>;
  /** Hands over one event. Rejects if the function throws. */
  invoke(event: unknown): Promise<unknown>;
}

const timeoutMilliseconds = 900_000;

/** Starts it. One event at a time, as in Lambda. */
export async function startRuntimeApi(): Promise<RuntimeApi> {
  const initialised = Promise.withResolvers<void>();
  // Whoever never asks whether it was initialised must not crash.
  initialised.promise.catch(() => {});
  let next = Promise.withResolvers<ServerResponse>();
  let answer = Promise.withResolvers<unknown>();

  const server = createServer(async (request, response) => {
    const [, , ...path] = (request.url ?? '').slice(1).split('/');
    const end = (status: number) => response.writeHead(status, { 'content-length': 0 }).end();
    switch (path.at(-1)) {
      case 'next':
        initialised.resolve();
        next.resolve(response);
        return;
      case 'response':
        answer.resolve(JSON.parse(await text(request)));
        return end(202);
      case 'error': {
        const { errorType, errorMessage } = JSON.parse(await text(request)) as Record<string, string>;
        const error = new Error(`${errorType}: ${errorMessage}`);
        (path.includes('init') ? initialised : answer).reject(error);
        return end(202);
      }
      default:
        return end(404);
    }
  });
  const { url, close } = await listenOnLoopback(server);
  return {
    host: new URL(url).host,
    initialised: initialised.promise,
    invoke: async (event) => {
      const response = await next.promise;
      next = Promise.withResolvers();
      answer = Promise.withResolvers();
      response.writeHead(200, {
        'content-type': 'application/json',
        'lambda-runtime-aws-request-id': crypto.randomUUID(),
        'lambda-runtime-deadline-ms': String(Date.now() + timeoutMilliseconds),
        'lambda-runtime-invoked-function-arn':
          'arn:aws:lambda:us-east-1:000000000000:function:fine-tuning-curfew',
      });
      response.end(JSON.stringify(event));
      return await answer.promise;
    },
    [Symbol.asyncDispose]: close,
  };
}
