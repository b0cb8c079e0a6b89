import type { Decision } from '../../lambda/curfew/cancel.ts';
import type { Context, Project, TimeLeft } from '../../lambda/curfew/context.ts';
import type { Rules, Warning } from '../../lambda/curfew/deadline.ts';
import type {
  CancelReply,
  FailedCancel,
  FineTuningProvider,
  Job,
  JobRow,
  JobTable,
  Phase,
  UnreadableEntry,
} from '../../lambda/curfew/job.ts';
import { JobNotFoundError, OpenAIError, StateError } from '../../lambda/errors.ts';

/** The current time in every test of the rules, in Unix seconds. */
export const now = Date.parse('2026-11-25T12:00:00Z') / 1000;
/** Returns the time this many minutes from now, as answers show it. */
export const isoIn = (minutes: number) => new Date((now + minutes * 60) * 1000).toISOString();

const typicalStatus: Record<Phase, string> = {
  waiting: 'queued',
  running: 'running',
  cancelling: 'cancelling',
  finished: 'succeeded',
  other: 'paused',
};

/** Returns a job: by default running, just created and without metadata. */
export function jobOf({ ageMinutes = 0, ...fields }: Partial<Job> & { id: string; ageMinutes?: number }): Job {
  const { phase = 'running', wasCancelled = false } = fields;
  return {
    status: wasCancelled ? 'cancelled' : typicalStatus[phase],
    phase,
    wasCancelled,
    isKnownStatus: true,
    createdAt: now - ageMinutes * 60,
    startedAt: null,
    estimatedFinish: null,
    model: 'gpt-4o',
    metadata: {},
    hasInvalidMetadata: false,
    ...fields,
  };
}

export const cancelledJob = (id: string) => jobOf({ id, phase: 'finished', wasCancelled: true });
export const accepted = (job: Job | null): CancelReply => ({ kind: 'accepted', job });
/** Returns a failed cancel: by default, one that failed for good. */
export const failedCancel = (fields: Partial<FailedCancel> = {}): FailedCancel => ({
  kind: 'failed',
  error: new OpenAIError('It failed.'),
  mayRetry: false,
  isUncounted: false,
  isRefusal: false,
  ...fields,
});

export const sixHours: Rules = {
  timeBudgetMinutes: 360,
  budgetFrom: 'default',
  queueLimitMinutes: undefined,
  lookbackDays: 30,
  cancelLimit: 20,
  dryRun: false,
};

export interface FakeProjectOptions extends Partial<FineTuningProvider> {
  name?: string | undefined;
  jobs?: Job[];
  /** Listed on the first page. */
  unreadableEntries?: UnreadableEntry[];
  rules?: Partial<Rules>;
  pageSize?: number;
  /** To record the order of calls across ports, give them one list. */
  calls?: string[];
  maxConcurrency?: number;
}

/** Returns a project in memory whose cancels take effect at once. Its calls can be replaced one by one. */
export function fakeProject({
  name,
  jobs = [],
  unreadableEntries = [],
  rules,
  pageSize = 100,
  calls = [],
  maxConcurrency = 100,
  ...replaced
}: FakeProjectOptions = {}) {
  const byId = new Map(jobs.map((job) => [job.id, job]));
  const cancels: string[] = [];
  const provider: FineTuningProvider = {
    mayHave: () => true,
    retrieve: async (jobId) => {
      const job = byId.get(jobId);
      if (job) return job;
      throw new JobNotFoundError(`There is no job ${jobId}.`);
    },
    cancel: async (jobId) => {
      const { createdAt = null } = byId.get(jobId) ?? {};
      const job = { ...cancelledJob(jobId), createdAt };
      byId.set(jobId, job);
      return accepted(job);
    },
    async *list({ signal }) {
      const listed = [...byId.values()];
      for (let start = 0; start === 0 || start < listed.length; start += pageSize) {
        if (signal?.aborted) throw new OpenAIError('No answer in time.');
        yield { jobs: listed.slice(start, start + pageSize), unreadable: start === 0 ? unreadableEntries : [] };
      }
    },
    ...replaced,
  };
  const recorded: FineTuningProvider = {
    mayHave: provider.mayHave,
    retrieve: (jobId, options) => {
      calls.push(`retrieve ${jobId}`);
      return provider.retrieve(jobId, options);
    },
    cancel: (jobId) => {
      calls.push(`cancel ${jobId}`);
      cancels.push(jobId);
      return provider.cancel(jobId);
    },
    list: (options) => {
      calls.push('list');
      return provider.list(options);
    },
  };
  const project: Project = { name, rules: { ...sixHours, ...rules }, provider: recorded, maxConcurrency };
  return { ...project, calls, cancels };
}
export type FakeProject = ReturnType<typeof fakeProject>;

/** Returns a list that yields these pages, then fails. */
export const listThenFail = (pages: Job[][], beforeFailing = () => {}): FineTuningProvider['list'] =>
  async function* () {
    for (const jobs of pages) yield { jobs, unreadable: [] };
    beforeFailing();
    throw new OpenAIError('No answer in time.');
  };

export type FakeTable = ReturnType<typeof fakeTable>;

export interface FakeTableOptions {
  rows?: Record<string, JobRow>;
  /** Jobs whose rows cannot be read. */
  unreadable?: string[];
  isWritable?: boolean;
}

/** Returns a table in memory. */
function fakeTable({ rows = {}, unreadable = [], isWritable = true }: FakeTableOptions, calls: string[]) {
  const state = { rows: new Map(Object.entries(rows)), unreadable: new Set(unreadable), reads: [] as string[] };
  const write = (what: string, jobId: string, change: (row: JobRow) => JobRow): JobRow => {
    if (!isWritable) throw new StateError('The table cannot be written.');
    calls.push(`${what} ${jobId}`);
    const row = change(state.rows.get(jobId) ?? {});
    state.rows.set(jobId, row);
    return row;
  };
  const table: JobTable = {
    read: async (jobId) => {
      state.reads.push(jobId);
      const readError = state.unreadable.has(jobId) ? new StateError('The table cannot be read.') : undefined;
      return readError ? { readError } : (state.rows.get(jobId) ?? {});
    },
    extend: async (jobId, until) => {
      const { extendedUntil = until } = write('extend', jobId, ({ cancellingSince: _, ...row }) => ({
        ...row,
        extendedUntil: Math.max(until, row.extendedUntil ?? 0),
      }));
      return extendedUntil;
    },
    noteWaiting: async (jobId, at) => {
      write('noteWaiting', jobId, (row) => ({ ...row, lastWaiting: Math.max(at, row.lastWaiting ?? 0) }));
    },
    noteWarned: async (jobId, deadline) => {
      write('noteWarned', jobId, (row) => ({ ...row, warnedFor: deadline }));
    },
    noteCancelling: async (jobId, at) => {
      write('noteCancelling', jobId, (row) => ({ cancellingSince: at, ...row }));
    },
  };
  const open = Object.assign((): JobTable => open, table, state);
  return open;
}

/** Time that passes only when a test says so. */
function fakeTime() {
  const [listing, all] = [new AbortController(), new AbortController()];
  const time: TimeLeft = { listingSignal: listing.signal, signal: all.signal, endsAt: Number.POSITIVE_INFINITY };
  return { ...time, endListing: () => listing.abort(), end: () => all.abort() };
}

export interface FakeContextOptions extends FakeTableOptions {
  /** To record the order of calls across ports, give them one list. */
  calls?: string[];
  now?: number;
  isBusUp?: boolean;
  warnBeforeMinutes?: number;
}

/** Returns a context in memory, with what was reported and published. */
export function fakeContext(options: FakeContextOptions = {}) {
  const { calls = [], warnBeforeMinutes = 30, isBusUp = true } = options;
  const decisions: Decision[] = [];
  const problems: { jobId: string; error: unknown; others: number }[] = [];
  const cancellations: Decision[] = [];
  const warnings: (Warning & { jobId: string })[] = [];
  const publish = <Event>(call: string, event: Event, events: Event[]) => {
    if (!isBusUp) return false;
    calls.push(call);
    events.push(event);
    return true;
  };
  const report: Context['report'] = {
    decided: (decision) => decisions.push(decision),
    problem: ({ job }, error, others = 0) => problems.push({ jobId: job.id, error, others }),
    publishCancellation: async (decision) => publish(`publish ${decision.job.id}`, decision, cancellations),
    publishWarning: async ({ job }, warning) => publish(`warn ${job.id}`, { ...warning, jobId: job.id }, warnings),
  };
  return {
    now: options.now ?? now,
    requestedBy: 'rule',
    time: fakeTime(),
    table: fakeTable(options, calls),
    warnBeforeMinutes,
    report,
    calls,
    decisions,
    problems,
    cancellations,
    warnings,
  };
}
export type FakeContext = ReturnType<typeof fakeContext>;
