import { finishedStatuses, type SimulatedJob } from './simulated-job.ts';

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
  ['list', /^GET \/fine_tuning\/jobs$/],
  ['retrieve', /^GET \/fine_tuning\/jobs\/([^/]+)$/],
  ['cancel', /^POST \/fine_tuning\/jobs\/([^/]+)\/cancel$/],
] as const;

/** Returns what a call asks for, by its method and its path below the base path. */
export function routeOf(request: string): Route {
  for (const [endpoint, pattern] of routes) {
    const [isMatch, jobId] = pattern.exec(request) ?? [];
    if (isMatch) return { endpoint, jobId: jobId && decodeURIComponent(jobId) };
  }
  return { endpoint: 'unknown', jobId: undefined };
}

/** Carries out an authorized call. */
export function answerTo({ endpoint, jobId }: Route, url: URL, jobs: Map<string, SimulatedJob>): Answer {
  if (endpoint === 'unknown') return refused(404, `Unknown request: ${url.pathname}`);
  if (endpoint === 'list') return listing(url.searchParams, jobs);
  const job = jobs.get(jobId ?? '');
  if (!job) return refused(404, `No fine-tuning job ${jobId}`, 'fine_tuning_job_id', 'fine_tune_not_found');
  if (endpoint === 'retrieve') return { status: 200, body: job };
  if (finishedStatuses.has(job.status)) return refused(400, `Job ${job.id} is ${job.status} already`);
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

/** Newest first, `limit` at a time, starting after `after`. */
function listing(parameters: URLSearchParams, jobs: Map<string, SimulatedJob>): Answer {
  const all = newestFirst(jobs);
  const after = parameters.get('after');
  const start = after === null ? 0 : all.findIndex((job) => job.id === after) + 1;
  if (after !== null && start === 0) return refused(400, `Unknown cursor ${after}`, 'after');
  const end = start + Number(parameters.get('limit') ?? 20);
  return { status: 200, body: { object: 'list', data: all.slice(start, end), has_more: end < all.length } };
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
