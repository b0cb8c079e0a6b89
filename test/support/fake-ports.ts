import type { Decision } from '../../lambda/curfew/decision.ts';
import type { FineTuningApi, Job, OddJob } from '../../lambda/curfew/job.ts';
import type { JobRecord, JobTable } from '../../lambda/curfew/job-table.ts';
import type { Project, ProjectRules } from '../../lambda/curfew/projects.ts';
import type { SweepScene } from '../../lambda/curfew/sweep.ts';
import type { TimeLeft } from '../../lambda/curfew/time-left.ts';
import { JobNotFoundError, OpenAIError, StateError } from '../../lambda/errors.ts';

/** The present of every test on the rules. */
export const nowSeconds = Date.parse('2026-11-25T12:00:00Z') / 1000;
export const nowMilliseconds = nowSeconds * 1000;
/** The moment so many minutes later, as answers have it. */
export const isoIn = (minutes: number) => new Date((nowSeconds + minutes * 60) * 1000).toISOString();

/** A job as the rules see it; running, just created and without metadata, if nothing else is said. */
export function jobOf({
  ageMinutes = 0,
  ...fields
}: Partial<Job> & { id: string; ageMinutes?: number }): Job {
  return {
    status: 'running',
    createdAtSeconds: nowSeconds - ageMinutes * 60,
    model: 'gpt-4o',
    estimatedFinishSeconds: null,
    metadata: {},
    hasOddMetadata: false,
    ...fields,
  };
}

/** A project in memory, and the ids that were asked to be cancelled in it, in order. */
export interface FakeProject extends Project {
  cancels: string[];
}

export interface FakeProjectOptions extends Partial<FineTuningApi> {
  name?: string;
  /** As they are listed, so newest first. */
  jobs?: Job[];
  /** Listed on the first page beside them. */
  odd?: OddJob[];
  rules?: Partial<ProjectRules>;
  pageSize?: number;
}

/** A project in memory. Its calls can be replaced one by one. */
export function fakeProject({
  name,
  jobs = [],
  odd = [],
  rules,
  pageSize = 100,
  ...calls
}: FakeProjectOptions = {}): FakeProject {
  const cancels: string[] = [];
  const found = (jobId: string): Job => {
    const job = jobs.find(({ id }) => id === jobId);
    if (!job) throw new JobNotFoundError(`There is no job ${jobId}.`);
    return job;
  };
  const api: FineTuningApi = {
    retrieve: async (jobId) => found(jobId),
    retrieveAfter: (_failure, jobId) => api.retrieve(jobId),
    cancel: async (jobId) => ({ ...found(jobId), status: 'cancelled' }),
    async *list(signal) {
      for (let start = 0; start === 0 || start < jobs.length; start += pageSize) {
        if (signal.aborted) throw new OpenAIError('The time was up.');
        yield { jobs: jobs.slice(start, start + pageSize), odd: start === 0 ? odd : [] };
      }
    },
    ...calls,
  };
  const { cancel } = api;
  return {
    name,
    cancels,
    rules: {
      timeBudgetMinutes: 360,
      budgetFrom: 'default',
      lookbackDays: 30,
      cancelLimit: 20,
      dryRun: false,
      ...rules,
    },
    api: {
      ...api,
      cancel: (jobId) => {
        cancels.push(jobId);
        return cancel(jobId);
      },
    },
  };
}

/** A table in memory, with its rows by job id. */
export interface FakeTable extends JobTable {
  rows: Map<string, JobRecord>;
  /** Jobs whose row can be neither read nor written. */
  unusable: Set<string>;
  /** The ids that were read, one list for each time. */
  reads: string[][];
}

export function fakeTable(rows: Record<string, JobRecord> = {}, unusable: string[] = []): FakeTable {
  const down = new StateError('The table is down.');
  const table: FakeTable = {
    rows: new Map(Object.entries(rows)),
    unusable: new Set(unusable),
    reads: [],
    read: async (jobIds) => {
      table.reads.push(jobIds);
      return new Map(jobIds.map((id) => [id, table.unusable.has(id) ? down : (table.rows.get(id) ?? {})]));
    },
    extend: async (jobId, untilSeconds) => {
      const until = Math.max(untilSeconds, rowOf(jobId).extendedUntilSeconds ?? 0);
      table.rows.set(jobId, { ...rowOf(jobId), extendedUntilSeconds: until });
      return until;
    },
    markWarned: async (jobId, deadlineSeconds) => {
      if (rowOf(jobId).warnedForSeconds === deadlineSeconds) return false;
      table.rows.set(jobId, { ...rowOf(jobId), warnedForSeconds: deadlineSeconds });
      return true;
    },
    unmarkWarned: async (jobId) => {
      table.rows.set(jobId, { ...rowOf(jobId), warnedForSeconds: undefined });
    },
    unmarkCancelling: async (jobId) => {
      table.rows.set(jobId, { ...rowOf(jobId), cancellingSinceSeconds: undefined });
    },
    markCancelling: async (jobId, sinceSeconds) => {
      if (rowOf(jobId).cancellingSinceSeconds !== undefined) return false;
      table.rows.set(jobId, { ...rowOf(jobId), cancellingSinceSeconds: sinceSeconds });
      return true;
    },
  };
  const rowOf = (jobId: string): JobRecord => {
    if (table.unusable.has(jobId)) throw down;
    return table.rows.get(jobId) ?? {};
  };
  return table;
}

/** Time that runs down only if a test says so. */
export interface FakeTime extends TimeLeft {
  runDown(): void;
  /** All time is up. */
  end(): void;
}

export function fakeTime(): FakeTime {
  const windDown = new AbortController();
  const stop = new AbortController();
  const never = new AbortController().signal;
  return {
    windDown: windDown.signal,
    stop: stop.signal,
    stopsAt: Number.POSITIVE_INFINITY,
    publishUntil: never,
    takeBackUntil: never,
    attemptTimeoutMilliseconds: 10_000,
    runDown: () => windDown.abort(),
    end: () => stop.abort(),
  };
}

/** What a sweep works with, and the decisions that it reported. */
export interface FakeScene extends SweepScene {
  table: FakeTable;
  time: FakeTime;
  decisions: Decision[];
}

export function fakeScene({
  table = fakeTable(),
  time = fakeTime(),
  warnBeforeMinutes = 30,
}: Partial<Pick<FakeScene, 'table' | 'time' | 'warnBeforeMinutes'>> = {}): FakeScene {
  const decisions: Decision[] = [];
  return {
    table,
    time,
    decisions,
    nowMilliseconds,
    requestedBy: 'rule',
    warnBeforeMinutes,
    report: (decision) => {
      decisions.push(decision);
    },
  };
}
