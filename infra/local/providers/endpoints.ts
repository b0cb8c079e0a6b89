import { isTerminal, type SimulatedJob } from './simulated-job.ts';

export interface Answer {
  status: number;
  body: unknown;
  headers?: Record<string, string>;
}

/** What a call asks for. */
export interface Route {
  endpoint: 'retrieve' | 'list' | 'cancel' | 'unknown';
  /** Undefined for a list. */
  jobId: string | undefined;
}

const routes = [
  { method: 'GET', endpoint: 'list', path: '' },
  { method: 'GET', endpoint: 'retrieve', path: '/:jobId' },
  { method: 'POST', endpoint: 'cancel', path: '/:jobId/cancel' },
] as const;

/** Finds out what a call below this path asks for. */
export function routesBelow(basePath: string): (method: string, url: URL) => Route {
  const patterns = routes.map(({ path, ...route }) => ({
    ...route,
    pattern: new URLPattern({ pathname: `${basePath}/fine_tuning/jobs${path}` }),
  }));
  return (method, url) => {
    for (const { pattern, endpoint, method: wanted } of patterns) {
      const groups = method === wanted && pattern.exec(url)?.pathname.groups;
      if (!groups) continue;
      const { jobId } = groups;
      return { endpoint, jobId: jobId === undefined ? undefined : decodeURIComponent(jobId) };
    }
    return { endpoint: 'unknown', jobId: undefined };
  };
}

/** Carries a call out, once it has been let in. */
export function answerTo({ endpoint, jobId }: Route, url: URL, jobs: Map<string, SimulatedJob>): Answer {
  if (endpoint === 'unknown') return refused(404, `Unknown request: ${url.pathname}`);
  if (endpoint === 'list') return listing(url.searchParams, jobs);
  const job = jobs.get(jobId ?? '');
  if (!job) return refused(404, `No fine-tuning job ${jobId}`, 'fine_tuning_job_id', 'fine_tune_not_found');
  if (endpoint === 'retrieve') return { status: 200, body: job };
  if (isTerminal(job)) return refused(400, `Job ${job.id} is ${job.status} already`);
  job.status = 'cancelled';
  job.finished_at = Math.floor(Date.now() / 1000);
  return { status: 200, body: job };
}

/** The vendor's error body. */
export function refused(
  status: number,
  message: string,
  param: string | null = null,
  code: string | null = null,
): Answer {
  return { status, body: { error: { message, type: 'invalid_request_error', param, code } } };
}

/** Newest first, `limit` at a time, starting after `after`, filtered by `metadata[k]=v`. */
function listing(parameters: URLSearchParams, jobs: Map<string, SimulatedJob>): Answer {
  const filters = [...parameters].flatMap(([name, value]) => {
    const key = /^metadata\[(.+)\]$/.exec(name)?.[1];
    return key === undefined ? [] : [[key, value] as const];
  });
  const all = newestFirst(jobs);
  const matching =
    filters.length === 0 ? all : all.filter((job) => filters.every(([key, value]) => job.metadata?.[key] === value));
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
