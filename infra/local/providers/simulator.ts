import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { type Access, refusalOf, type SimulatedProvider } from './access.ts';
import type { BedrockSigner } from './bedrock-signature.ts';
import { type Answer, answerTo, type Route, routeOf } from './endpoints.ts';
import { listenOnLoopback } from './loopback-server.ts';
import type { SimulatedJob } from './simulated-job.ts';

/** A request that reached the simulator, in the order of arrival. */
export interface Call extends Route {
  url: URL;
  /** With every credential that came along, in whatever header. */
  headers: IncomingHttpHeaders;
  /** When it arrived, in milliseconds of the process's clock. */
  at: number;
}

/**
 * Something other than the right answer. `answer()` carries the request out and returns what would have been sent;
 * a fault that never calls it leaves the jobs untouched. Returning an answer sends it; else the fault has dealt
 * with `response` itself.
 */
export type Fault = (answer: () => Answer, response: ServerResponse) => Answer | Promise<Answer> | undefined;

export type FineTuningSimulator = Awaited<ReturnType<typeof startFineTuningSimulator>>;

export interface SimulatorOptions {
  jobs?: Iterable<SimulatedJob>;
  /** `openai` by default. */
  provider?: SimulatedProvider;
  apiKeys?: Iterable<string>;
  bedrockSigner?: BedrockSigner;
}

const basePaths: Record<SimulatedProvider, string> = { openai: '/v1', azure: '/openai/v1', bedrock: '/v1' };

/**
 * Starts the fine-tuning endpoints of a provider on loopback, with its check of credentials and its error bodies. Its
 * `baseUrl` is what `openaiBaseUrl` has to be.
 */
export async function startFineTuningSimulator({
  jobs = [],
  provider = 'openai',
  apiKeys = [],
  bedrockSigner,
}: SimulatorOptions = {}) {
  const basePath = basePaths[provider];
  const access: Access = { provider, apiKeys: new Set(apiKeys), bedrockSigner };
  const state = {
    ...access,
    jobs: new Map([...jobs].map((job) => [job.id, job])),
    calls: [] as Call[],
    /** Asked at every call; undefined lets it through. */
    faultFor: (_call: Call): Fault | undefined => undefined,
  };
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://simulator');
    const path = url.pathname.startsWith(basePath) ? url.pathname.slice(basePath.length) : '';
    const call = { ...routeOf(`${request.method} ${path}`), url, headers: request.headers, at: performance.now() };
    state.calls.push(call);
    // What arrived of it, if the client has gone.
    const body = await buffer(request).catch(() => Buffer.of());
    await respond(response, state.faultFor(call), () => {
      return refusalOf({ request, body }, state) ?? answerTo(call, url, state.jobs);
    });
  });
  const { url, close } = await listenOnLoopback(server);
  return Object.assign(state, { baseUrl: `${url}${basePath}`, [Symbol.asyncDispose]: close });
}

/** Sends the answer, or what the fault makes of it. */
export async function respond(response: ServerResponse, fault: Fault | undefined, answer: () => Answer): Promise<void> {
  const given = fault ? await fault(answer, response) : answer();
  if (!given) return;
  response.writeHead(given.status, { 'content-type': 'application/json', ...given.headers });
  response.end(typeof given.body === 'string' ? given.body : JSON.stringify(given.body));
}
