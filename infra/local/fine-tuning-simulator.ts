import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { listenOnLoopback } from './loopback-server.ts';

/** A fine-tuning job as the vendor's API has it; see its reference, "The fine-tuning job object". */
export interface SimulatedJob {
  object: 'fine_tuning.job';
  id: string;
  status: string;
  created_at: number;
  finished_at: number | null;
  model: string;
  fine_tuned_model: string | null;
  metadata: Record<string, string> | null;
  organization_id: string;
  training_file: string;
  validation_file: string | null;
  result_files: string[];
  hyperparameters: { n_epochs: number | 'auto' };
  trained_tokens: number | null;
  error: { code: string; message: string; param: string | null } | null;
  seed: number;
}

export interface Answer {
  status: number;
  body: unknown;
  headers?: Record<string, string>;
}

/** A request that reached the simulator, in the order of arrival. */
export interface Call {
  endpoint: 'retrieve' | 'list' | 'cancel' | 'unknown';
  method: string;
  url: URL;
  jobId: string | undefined;
  authorization: string | undefined;
  /** When it arrived, in milliseconds of the process's clock. */
  at: number;
}

/**
 * Something other than the right answer. `answer()` carries the request out and gives what would have been said;
 * a fault that never calls it leaves the jobs untouched. Returning an answer sends it; else the fault has dealt
 * with `response` itself.
 */
export type Fault = (answer: () => Answer, response: ServerResponse) => Answer | Promise<Answer> | undefined;

export interface FineTuningSimulator extends AsyncDisposable {
  /** What `openaiBaseUrl` has to be. */
  baseUrl: string;
  jobs: Map<string, SimulatedJob>;
  /** The keys that are accepted. */
  apiKeys: Set<string>;
  calls: Call[];
  /** Asked at every call; undefined lets it through. */
  faultFor: (call: Call) => Fault | undefined;
}

const terminalStatuses = new Set(['succeeded', 'failed', 'cancelled']);

/**
 * A job with every field that the vendor's API promises. `ageMinutes` counts back from now; a finished job finished
 * halfway.
 */
export function simulatedJob(
  job: Partial<SimulatedJob> & { ageMinutes?: number } & Pick<SimulatedJob, 'status'>,
): SimulatedJob {
  const { ageMinutes = 0, ...fields } = job;
  const finished = terminalStatuses.has(job.status);
  const createdAt = Math.floor(Date.now() / 1000 - ageMinutes * 60);
  return {
    object: 'fine_tuning.job',
    id: `ftjob-${randomUUID().replaceAll('-', '').slice(0, 24)}`,
    created_at: createdAt,
    finished_at: finished ? createdAt + Math.round(ageMinutes * 30) : null,
    model: 'gpt-4o-mini-2024-07-18',
    fine_tuned_model: job.status === 'succeeded' ? 'ft:gpt-4o-mini:curfew::abc123' : null,
    metadata: null,
    organization_id: 'org-simulated',
    training_file: 'file-training',
    validation_file: null,
    result_files: [],
    hyperparameters: { n_epochs: 'auto' },
    trained_tokens: finished ? 1000 : null,
    error: null,
    seed: 42,
    ...fields,
  };
}

/** The fine-tuning endpoints of OpenAI's API, with its bearer check and its error bodies, on loopback. */
export async function startFineTuningSimulator({
  jobs = [],
  apiKeys = [],
}: {
  jobs?: Iterable<SimulatedJob>;
  apiKeys?: Iterable<string>;
}): Promise<FineTuningSimulator> {
  const state = {
    jobs: new Map([...jobs].map((job) => [job.id, job])),
    apiKeys: new Set(apiKeys),
    calls: [] as Call[],
    faultFor: (_call: Call): Fault | undefined => undefined,
  };
  const server = createServer((request, response) => {
    const call = callOf(request);
    simulator.calls.push(call);
    void respond(call, response);
  });
  const respond = async (call: Call, response: ServerResponse) => {
    const answer = () => answerTo(call, simulator.jobs, simulator.apiKeys);
    const fault = simulator.faultFor(call);
    const given = fault ? await fault(answer, response) : answer();
    if (!given) return;
    response.writeHead(given.status, { 'content-type': 'application/json', ...given.headers });
    response.end(typeof given.body === 'string' ? given.body : JSON.stringify(given.body));
  };
  const listening = await listenOnLoopback(server);
  const simulator: FineTuningSimulator = Object.assign(state, {
    baseUrl: `${listening.url}/v1`,
    [Symbol.asyncDispose]: listening.close,
  });
  return simulator;
}

function callOf(request: IncomingMessage): Call {
  const url = new URL(request.url ?? '/', 'http://simulator');
  const method = request.method ?? 'GET';
  const match = /^\/v1\/fine_tuning\/jobs(?:\/([^/]+)(\/cancel)?)?$/.exec(url.pathname);
  const route = match ? `${method} ${match[2] ? 'cancel' : match[1] ? 'job' : 'jobs'}` : '';
  const endpoints = { 'GET jobs': 'list', 'GET job': 'retrieve', 'POST cancel': 'cancel' } as const;
  const endpoint = Object.entries(endpoints).find(([name]) => name === route)?.[1] ?? 'unknown';
  return {
    endpoint,
    method,
    url,
    jobId: match?.[1],
    authorization: request.headers.authorization,
    at: performance.now(),
  };
}

function answerTo(call: Call, jobs: Map<string, SimulatedJob>, apiKeys: Set<string>): Answer {
  const key = /^Bearer (.+)$/.exec(call.authorization ?? '')?.[1];
  if (key === undefined || !apiKeys.has(key)) return unauthorized(key);
  if (call.endpoint === 'list') return listing(call.url.searchParams, jobs);
  const job = jobs.get(call.jobId ?? '');
  if (call.endpoint === 'unknown')
    return refused(404, `Unknown request: ${call.method} ${call.url.pathname}`);
  if (!job)
    return refused(404, `No fine-tuning job ${call.jobId}`, 'fine_tuning_job_id', 'fine_tune_not_found');
  if (call.endpoint === 'retrieve') return { status: 200, body: job };
  if (terminalStatuses.has(job.status)) return refused(400, `Job ${job.id} is ${job.status} already`);
  job.status = 'cancelled';
  job.finished_at = Math.floor(Date.now() / 1000);
  return { status: 200, body: job };
}

/** Newest first, `limit` at a time, beginning behind `after`, filtered by `metadata[k]=v`. */
function listing(parameters: URLSearchParams, jobs: Map<string, SimulatedJob>): Answer {
  const filters = [...parameters].flatMap(([name, value]) => {
    const key = /^metadata\[(.+)\]$/.exec(name)?.[1];
    return key === undefined ? [] : [[key, value] as const];
  });
  const all = newestFirst(jobs);
  const matching =
    filters.length === 0
      ? all
      : all.filter((job) => filters.every(([key, value]) => job.metadata?.[key] === value));
  const after = parameters.get('after');
  const start = after === null ? 0 : matching.findIndex((job) => job.id === after) + 1;
  if (after !== null && start === 0) return refused(400, `Unknown cursor ${after}`, 'after');
  const limit = Number(parameters.get('limit') ?? 20);
  const data = matching.slice(start, start + limit);
  return { status: 200, body: { object: 'list', data, has_more: start + limit < matching.length } };
}

const sorted = new WeakMap<Map<string, SimulatedJob>, SimulatedJob[]>();

/** Sorted once for each number of jobs: a job's creation never changes. */
function newestFirst(jobs: Map<string, SimulatedJob>): SimulatedJob[] {
  let list = sorted.get(jobs);
  if (list?.length !== jobs.size) {
    list = [...jobs.values()].sort((a, b) => b.created_at - a.created_at);
    sorted.set(jobs, list);
  }
  return list;
}

/** As the vendor does, the message shows both ends of the key: it must never be passed on. */
function unauthorized(key: string | undefined): Answer {
  const message = key
    ? `Incorrect API key provided: ${key.slice(0, 8)}${'*'.repeat(8)}${key.slice(-4)}.`
    : 'No API key was provided.';
  return refused(401, message, null, 'invalid_api_key');
}

function refused(
  status: number,
  message: string,
  param: string | null = null,
  code: string | null = null,
): Answer {
  return { status, body: { error: { message, type: 'invalid_request_error', param, code } } };
}
