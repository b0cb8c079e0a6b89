import fc from 'fast-check';
import type { Rules } from '../../lambda/curfew/deadline.ts';
import type { CancelReply, Job, JobRow, Phase } from '../../lambda/curfew/job.ts';
import { AuthenticationError, OpenAIError } from '../../lambda/errors.ts';
import { accepted, failedCancel, fakeContext, fakeProject, jobOf, now } from './fake-ports.ts';

const minutesPerDay = 1_440;

/** Mostly nothing, so that many jobs are overdue and nothing stops their cancels. */
const sometimes = <Value>(arbitrary: fc.Arbitrary<Value>) =>
  fc.oneof({ weight: 5, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });

const arbitraryJob = fc.record({
  phase: fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom<Phase>('waiting', 'running') },
    { weight: 1, arbitrary: fc.constantFrom<Phase>('cancelling', 'finished', 'other') },
  ),
  ageMinutes: fc.oneof(
    fc.integer({ min: -100, max: 800 }),
    fc.integer({ min: 0, max: 60 * minutesPerDay }),
    fc.constantFrom(0, 30, 360),
  ),
  budget: sometimes(fc.constantFrom('none', ' None', '0', '90', '24h', 'soon')),
  waitedUntilMinutesAgo: sometimes(fc.integer({ min: 0, max: 800 })),
  extendedForMinutes: sometimes(fc.integer({ min: -60, max: 600 })),
  cancellingForMinutes: sometimes(fc.integer({ min: 0, max: 120 })),
  hasUnreadableRow: sometimes(fc.constant(true)).map((value) => value ?? false),
  /** What the look finds, if that differs from the list. */
  becomes: sometimes(fc.constantFrom<Phase | 'gone'>('cancelling', 'finished', 'other', 'gone')),
  reply: fc.constantFrom<'cancelled' | 'finished' | 'running' | 'empty' | 'refused' | 'denied' | 'retry'>(
    ...(['cancelled', 'finished', 'running', 'empty', 'refused', 'denied', 'retry'] as const),
  ),
});

const arbitraryProject = fc.record({
  jobs: fc.array(arbitraryJob, { maxLength: 12 }),
  pageSize: fc.integer({ min: 1, max: 5 }),
  rules: fc.record({
    timeBudgetMinutes: fc.constantFrom(0, 30, 360),
    queueLimitMinutes: fc.constantFrom(undefined, 60, 'none' as const),
    lookbackDays: fc.constantFrom(0, 1, 30),
    cancelLimit: fc.oneof(fc.integer({ min: 1, max: 6 }), fc.constant('none' as const)),
    dryRun: fc.boolean(),
  }),
  /** After this many pages, listing fails or its time is up. */
  interruption: sometimes(fc.record({ afterPages: fc.integer({ min: 0, max: 3 }), isTime: fc.boolean() })),
});
export const arbitraryProjects = fc.array(arbitraryProject, { minLength: 1, maxLength: 3 });

type GivenJob = typeof arbitraryJob extends fc.Arbitrary<infer Value> ? Value : never;
export type GivenProject = typeof arbitraryProject extends fc.Arbitrary<infer Value> ? Value : never;
type GivenRules = Omit<Rules, 'budgetFrom'>;

const ownBudgets: Record<string, number> = {
  none: Number.POSITIVE_INFINITY,
  ' None': Number.POSITIVE_INFINITY,
  '90': 90,
  '24h': minutesPerDay,
};

/** The contract restated: whether a job is past its deadline and within the look-back. */
export function isOverdue(job: GivenJob, { timeBudgetMinutes, queueLimitMinutes, lookbackDays }: GivenRules): boolean {
  const { phase, ageMinutes, hasUnreadableRow, extendedForMinutes = 0, waitedUntilMinutesAgo = ageMinutes } = job;
  const budget = ownBudgets[job.budget ?? ''] ?? timeBudgetMinutes;
  const queueLimit = queueLimitMinutes ?? Math.max(budget, timeBudgetMinutes);
  const trainedMinutes = hasUnreadableRow ? ageMinutes : Math.min(ageMinutes, waitedUntilMinutesAgo);
  const isPastLimit =
    phase === 'waiting'
      ? budget < Number.POSITIVE_INFINITY && queueLimit !== 'none' && ageMinutes >= queueLimit
      : phase === 'running' && trainedMinutes >= budget;
  const isRecent = lookbackDays === 0 || ageMinutes <= lookbackDays * minutesPerDay;
  return isPastLimit && isRecent && (hasUnreadableRow || extendedForMinutes <= 0);
}

/** Whether an overdue job counts towards the limit. */
export const isNew = ({ hasUnreadableRow, cancellingForMinutes }: GivenJob) =>
  hasUnreadableRow || cancellingForMinutes === undefined;

/** Whether a sweep may cancel a job, apart from the limit. */
export const mayBeSent = (job: GivenJob, rules: GivenRules) =>
  isOverdue(job, rules) &&
  !rules.dryRun &&
  !job.hasUnreadableRow &&
  job.becomes === undefined &&
  (job.cancellingForMinutes ?? 60) >= 60;

function rowOf(job: GivenJob): JobRow {
  const { extendedForMinutes, cancellingForMinutes, waitedUntilMinutesAgo } = job;
  return {
    ...(extendedForMinutes !== undefined && { extendedUntil: now + extendedForMinutes * 60 }),
    ...(cancellingForMinutes !== undefined && { cancellingSince: now - cancellingForMinutes * 60 }),
    ...(waitedUntilMinutesAgo !== undefined && { lastWaiting: now - waitedUntilMinutesAgo * 60 }),
  };
}

function replyTo({ reply }: GivenJob, job: Job): CancelReply {
  if (reply === 'empty') return accepted(null);
  if (reply === 'refused') return failedCancel({ isRefusal: true });
  if (reply === 'denied') return failedCancel({ error: new AuthenticationError('No.') });
  if (reply === 'retry') return failedCancel({ mayRetry: true, askedWaitMs: 0 });
  if (reply === 'running') return accepted(job);
  return accepted({ ...job, phase: 'finished', wasCancelled: reply === 'cancelled' });
}

/** Returns a population behind fake ports that behave as its jobs say. */
export function populate(given: GivenProject[]) {
  const byId = new Map<string, { given: GivenJob; rules: GivenRules }>(
    given.flatMap(({ jobs, rules }, project) =>
      jobs.map((job, position) => [`ftjob-${project}-${position}`, { given: job, rules }] as const),
    ),
  );
  const context = fakeContext({
    rows: Object.fromEntries([...byId].map(([id, one]) => [id, rowOf(one.given)])),
    unreadable: [...byId].flatMap(([id, one]) => (one.given.hasUnreadableRow ? [id] : [])),
  });
  const projects = given.map(({ jobs, pageSize, rules, interruption }, project) => {
    const listed = jobs
      .map(({ phase, ageMinutes, budget }, position) =>
        jobOf({
          id: `ftjob-${project}-${position}`,
          phase,
          ageMinutes,
          metadata: budget === undefined ? {} : { time_budget_minutes: budget },
        }),
      )
      .sort((a, b) => (b.createdAt ?? 0) - (a.createdAt ?? 0));
    const find = (id: string) => {
      const [job, one] = [listed.find((candidate) => candidate.id === id), byId.get(id)];
      if (!job || !one) throw new OpenAIError('No such job.');
      return { job, given: one.given };
    };
    return fakeProject({
      name: `project-${project}`,
      rules,
      retrieve: async (id) => {
        const { job, given } = find(id);
        if (given.becomes === 'gone') throw new OpenAIError('Gone.');
        return { ...job, phase: given.becomes ?? job.phase };
      },
      cancel: async (id) => {
        const { job, given } = find(id);
        return replyTo(given, job);
      },
      async *list({ signal }) {
        for (let page = 0; page === 0 || page * pageSize < listed.length; page += 1) {
          if (interruption?.afterPages === page) {
            if (!interruption.isTime) throw new OpenAIError('Listing failed.');
            context.time.endListing();
          }
          signal?.throwIfAborted();
          yield { jobs: listed.slice(page * pageSize, (page + 1) * pageSize), unreadable: [] };
        }
      },
    });
  });
  return { projects, byId, context };
}
