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
  /** All headers, including credentials. */
  headers: IncomingHttpHeaders;
  /** When it arrived, in milliseconds of the process's clock. */
  at: number;
}

/**
 * Replaces the normal answer. `answer()` carries out the request and returns the normal answer; a fault that never calls
 * it leaves the jobs untouched. An answer that the fault returns is sent; otherwise the fault must handle `response`
 * itself.
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
 * Starts the fine-tuning endpoints of a provider on loopback, with its credential check and error bodies. Set
 * `openaiBaseUrl` to its `baseUrl`.
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
    /** Called for each call; undefined lets it through. */
    faultFor: (_call: Call): Fault | undefined => undefined,
  };
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://simulator');
    const path = url.pathname.startsWith(basePath) ? url.pathname.slice(basePath.length) : '';
    const call = { ...routeOf(`${request.method} ${path}`), url, headers: request.headers, at: performance.now() };
    state.calls.push(call);
    // Empty if the client disconnected.
    const body = await buffer(request).catch(() => Buffer.of());
    await respond(response, state.faultFor(call), () => {
      return refusalOf({ request, body }, state) ?? answerTo(call, url, state.jobs);
    });
  });
  const { url, close } = await listenOnLoopback(server);
  return Object.assign(state, { baseUrl: `${url}${basePath}`, [Symbol.asyncDispose]: close });
}

/** Sends the answer, or what the fault returns instead. */
export async function respond(response: ServerResponse, fault: Fault | undefined, answer: () => Answer): Promise<void> {
  const given = fault ? await fault(answer, response) : answer();
  if (!given) return;
  response.writeHead(given.status, { 'content-type': 'application/json', ...given.headers });
  response.end(typeof given.body === 'string' ? given.body : JSON.stringify(given.body));
}
