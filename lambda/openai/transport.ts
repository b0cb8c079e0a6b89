import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { Readable } from 'node:stream';
import { HttpRequest } from '@smithy/core/protocols';
import { NodeHttpHandler } from '@smithy/node-http-handler';

/** An answer as it comes in. Names of headers are in lower case. */
export interface WireAnswer {
  status: number;
  headers: Readonly<Record<string, string>>;
  body: Readable;
}

/**
 * More sockets than calls at once, so what bounds them is ours. Idle ones are closed soon: while a warm function waits
 * for its next invocation, the other end drops them without a word.
 */
const sockets = { keepAlive: true, maxSockets: 1_000, timeout: 4_000 };
/** A thousand projects may be at as many hosts, and Lambda allows 1,024 open files. */
const mostIdleSockets = 100;

/** Closes the socket that has been idle for longest before one too many is kept. Node bounds them for each host only. */
function keepingFew<SomeAgent extends HttpAgent>(agent: SomeAgent): SomeAgent {
  const keep = agent.keepSocketAlive.bind(agent);
  agent.keepSocketAlive = (socket) => {
    const idle = Object.values(agent.freeSockets).flatMap((ofHost = []) => ofHost);
    const open = idle.filter(({ destroyed }) => !destroyed);
    if (open.length >= mostIdleSockets) open[0]?.destroy();
    return keep(socket);
  };
  return agent;
}

/**
 * The AWS SDK's own HTTP client, which the bundle has anyway. `fetch`, and what is built on it, takes a fifth of the cold
 * start to load, and quotes a header's value in its errors. It follows no redirect, so no other host sees a credential.
 */
const http = new NodeHttpHandler({
  httpAgent: keepingFew(new HttpAgent(sockets)),
  httpsAgent: keepingFew(new HttpsAgent(sockets)),
});

/**
 * Sends a request.
 *
 * @param signal ends the request, and the body of its answer.
 * @returns the answer, as soon as its head is here.
 * @throws Error with a `code` if the connection fails.
 */
export async function send(
  method: 'GET' | 'POST',
  url: URL,
  headers: Record<string, string>,
  signal: AbortSignal,
): Promise<WireAnswer> {
  const request = new HttpRequest({
    method,
    protocol: url.protocol,
    hostname: url.hostname,
    ...(url.port !== '' && { port: Number(url.port) }),
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    headers: { host: url.host, accept: 'application/json', 'user-agent': 'fine-tuning-curfew', ...headers },
  });
  const { response } = await http.handle(request, { abortSignal: signal });
  if (!(response.body instanceof Readable)) throw new TypeError('The answer has no body to read.');
  return { status: response.statusCode, headers: response.headers, body: response.body };
}
