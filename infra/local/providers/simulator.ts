import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { Provider } from '../../../lambda/providers.ts';
import { refusalOf } from './access.ts';
import type { BedrockSigner } from './bedrock-token.ts';
import { type Answer, answerTo, type Route, refused, routesBelow } from './endpoints.ts';
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

export interface FineTuningSimulator extends AsyncDisposable {
  provider: Provider;
  /** What `openaiBaseUrl` has to be. */
  baseUrl: string;
  jobs: Map<string, SimulatedJob>;
  /** The keys that are accepted. */
  apiKeys: Set<string>;
  calls: Call[];
  /** Asked at every call; undefined lets it through. */
  faultFor: (call: Call) => Fault | undefined;
}

export interface SimulatorOptions {
  jobs?: Iterable<SimulatedJob>;
  /** Whose API it is: how it wants its credential, and below which path it answers. */
  provider?: Provider;
  /** The keys that OpenAI and Azure accept. */
  apiKeys?: Iterable<string>;
  /** Whose tokens Bedrock accepts; left out, it takes any that is well formed and has not expired. */
  bedrockSigner?: BedrockSigner;
}

const basePaths: Record<Provider, string> = { openai: '/v1', azure: '/openai/v1', bedrock: '/v1' };

/** The fine-tuning endpoints of a provider, with its check of credentials and its error bodies, on loopback. */
export async function startFineTuningSimulator({
  jobs = [],
  provider = 'openai',
  apiKeys = [],
  bedrockSigner,
}: SimulatorOptions = {}): Promise<FineTuningSimulator> {
  const state = {
    provider,
    jobs: new Map([...jobs].map((job) => [job.id, job])),
    apiKeys: new Set(apiKeys),
    calls: [] as Call[],
    faultFor: (_call: Call): Fault | undefined => undefined,
  };
  const routeOf = routesBelow(basePaths[provider]);
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://simulator');
    const route = routeOf(request.method ?? 'GET', url);
    const call = { ...route, url, headers: request.headers, at: performance.now() };
    simulator.calls.push(call);
    void respond(call, response);
  });
  const respond = async (call: Call, response: ServerResponse) => {
    const answer = () => {
      const refusal = refusalOf(call.headers, { provider, apiKeys: simulator.apiKeys, bedrockSigner });
      if (refusal !== undefined) return refused(401, refusal, null, 'invalid_api_key');
      return answerTo(call, call.url, simulator.jobs);
    };
    const fault = simulator.faultFor(call);
    const given = fault ? await fault(answer, response) : answer();
    if (!given) return;
    response.writeHead(given.status, { 'content-type': 'application/json', ...given.headers });
    response.end(typeof given.body === 'string' ? given.body : JSON.stringify(given.body));
  };
  const listening = await listenOnLoopback(server);
  const simulator: FineTuningSimulator = Object.assign(state, {
    baseUrl: `${listening.url}${basePaths[provider]}`,
    [Symbol.asyncDispose]: listening.close,
  });
  return simulator;
}
