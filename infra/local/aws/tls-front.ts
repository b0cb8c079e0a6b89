import { createServer, request as sendRequest } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { listenOnLoopback } from '../providers/loopback-server.ts';

/**
 * Acts like a TLS-terminating proxy: forwards everything, and says that it arrived encrypted. The AWS emulator speaks
 * plain http, which the policies of queues and buckets rightly refuse.
 *
 * @param url of the server, plain http on loopback.
 */
export async function startTlsFront(url: string): Promise<AsyncDisposable & { url: string }> {
  const server = createServer((request, response) => {
    const headers = { ...request.headers, 'x-forwarded-proto': 'https' };
    const passedOn = sendRequest(`${url}${request.url}`, { method: request.method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      pipeline(answer, response).catch(() => response.destroy());
    });
    passedOn.once('error', () => response.destroy());
    request.pipe(passedOn);
  });
  // Longer than clients keep connections, so none is closed during a request.
  server.keepAliveTimeout = 120_000;
  const listening = await listenOnLoopback(server);
  return { url: listening.url, [Symbol.asyncDispose]: listening.close };
}
