import fc from 'fast-check';
import { isInProgress } from '../../lambda/curfew/job.ts';
import type { JobRecord } from '../../lambda/curfew/job-table.ts';
import type { ProjectRules } from '../../lambda/curfew/projects.ts';
import { AuthenticationError, OpenAIError, RateLimitError } from '../../lambda/errors.ts';
import { fakeProject, fakeScene, fakeTable, fakeTime, jobOf, nowSeconds } from './fake-ports.ts';

const minutesPerDay = 1440;

/** What becomes of a cancel: the status in the answer, or an error and what the job then is when read again. */
const cancelAnswers = ['cancelled', 'canceled', 'succeeded', 'running', 'paused'] as const;
const statusesAfterFailure = ['running', 'cancelled', 'succeeded', 'paused', 'unreadable'] as const;

/** Mostly nothing, so many jobs of a population are overdue with nothing in the way. */
const sometimes = <Value>(arbitrary: fc.Arbitrary<Value>) =>
  fc.oneof({ weight: 5, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });

const arbitraryJob = fc.record({
  status: fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom('validating_files', 'pending', 'queued', 'running', 'resuming') },
    { weight: 1, arbitrary: fc.constantFrom('succeeded', 'failed', 'cancelled', 'paused', 'frozen') },
  ),
  ageMinutes: fc.oneof(
    fc.integer({ min: -100, max: 800 }),
    fc.integer({ min: 0, max: 60 * minutesPerDay }),
    fc.constantFrom(0, 30, 360),
  ),
  budget: sometimes(fc.constantFrom('none', ' None', '0', '90', '1440', '43200', 'soon', '')),
  finishesInMinutes: sometimes(fc.integer({ min: -60, max: 2_000 })),
  extendedForMinutes: sometimes(fc.integer({ min: -60, max: 600 })),
  cancellingForMinutes: sometimes(fc.integer({ min: 0, max: 120 })),
  hasUnusableRow: sometimes(fc.boolean()).map((isUnusable = false) => isUnusable),
  cancelled: fc.oneof(
    fc.record({ answer: fc.constantFrom(...cancelAnswers) }),
    fc.record({
      error: fc.constantFrom(AuthenticationError, RateLimitError, OpenAIError),
      readAgain: fc.constantFrom(...statusesAfterFailure),
    }),
  ),
});
const arbitraryProject = fc.record({
  jobs: fc.array(arbitraryJob, { maxLength: 12 }),
  pageSize: fc.integer({ min: 1, max: 5 }),
  rules: fc.record({
    timeBudgetMinutes: fc.constantFrom(0, 30, 360),
    lookbackDays: fc.constantFrom(0, 1, 30),
    cancelLimit: fc.oneof(fc.integer({ min: 1, max: 6 }), fc.constant('none' as const)),
    dryRun: fc.boolean(),
  }),
  /** After this many pages listing fails, or time runs out. */
  interruption: sometimes(
    fc.record({ afterPages: fc.integer({ min: 0, max: 3 }), kind: fc.constantFrom('failure', 'time') }),
  ),
});
export const arbitraryProjects = fc.array(arbitraryProject, { minLength: 1, maxLength: 3 });
export const arbitraryWarnBefore = fc.constantFrom(0, 30, 100);

type GivenJob = typeof arbitraryJob extends fc.Arbitrary<infer Value> ? Value : never;
type Rules = Omit<ProjectRules, 'budgetFrom'>;
export type GivenProject = typeof arbitraryProject extends fc.Arbitrary<infer Value> ? Value : never;

/** The model: how long a job may run by its budget alone, in minutes. */
function budgetOf({ budget }: GivenJob, { timeBudgetMinutes }: Rules): number {
  if (budget === 'none' || budget === ' None') return Number.POSITIVE_INFINITY;
  return budget === undefined || budget === 'soon' || budget === '' ? timeBudgetMinutes : Number(budget);
}

function isOverdue(job: GivenJob, rules: Rules): boolean {
  const isRecent = rules.lookbackDays === 0 || job.ageMinutes <= rules.lookbackDays * minutesPerDay;
  // What cannot be read extends nothing.
  const isExtended = !job.hasUnusableRow && (job.extendedForMinutes ?? 0) > 0;
  return isInProgress(job.status) && isRecent && job.ageMinutes >= budgetOf(job, rules) && !isExtended;
}

/** Whether a sweep may send a cancel to a job, but for the limit. */
export const mayBeCancelled = (job: GivenJob, rules: Rules) =>
  isOverdue(job, rules) && !job.hasUnusableRow && !rules.dryRun;

/** Whether a job counts for the limit. */
export const isNewlyOverdue = (job: GivenJob, rules: Rules) =>
  isOverdue(job, rules) && (job.hasUnusableRow || job.cancellingForMinutes === undefined);

/** The row of a job, as the table has it. */
function rowOf({ extendedForMinutes, cancellingForMinutes }: GivenJob): JobRecord {
  return {
    ...(extendedForMinutes !== undefined && { extendedUntilSeconds: nowSeconds + extendedForMinutes * 60 }),
    ...(cancellingForMinutes !== undefined && {
      cancellingSinceSeconds: nowSeconds - cancellingForMinutes * 60,
    }),
  };
}

/** A population behind fake ports that behave as its jobs say. */
export function populate(given: GivenProject[], warnBeforeMinutes: number) {
  const time = fakeTime();
  const jobs = given.flatMap((project, index) =>
    project.jobs.map((job, position) => ({ id: `ftjob-${index}-${position}`, job, rules: project.rules })),
  );
  const byId = new Map(jobs.map((one) => [one.id, one]));
  const table = fakeTable(
    Object.fromEntries(jobs.map(({ id, job }) => [id, rowOf(job)])),
    jobs.flatMap(({ id, job }) => (job.hasUnusableRow ? [id] : [])),
  );
  const projects = given.map(({ pageSize, rules, interruption, ...project }, index) => {
    const listed = project.jobs
      .map(({ status, ageMinutes, budget, finishesInMinutes }, position) =>
        jobOf({
          id: `ftjob-${index}-${position}`,
          status,
          ageMinutes,
          metadata: budget === undefined ? {} : { time_budget_minutes: budget },
          estimatedFinishSeconds:
            finishesInMinutes === undefined ? null : nowSeconds + finishesInMinutes * 60,
        }),
      )
      .sort((a, b) => b.createdAtSeconds - a.createdAtSeconds);
    return fakeProject({
      name: `project-${index}`,
      rules,
      cancel: async (id) => {
        const fate = byId.get(id)?.job.cancelled;
        if (fate && 'error' in fate) throw new fate.error('No.');
        return jobOf({ id, status: fate?.answer ?? 'cancelled' });
      },
      retrieve: async (id) => {
        const fate = byId.get(id)?.job.cancelled;
        if (!fate || 'answer' in fate || fate.readAgain === 'unreadable') throw new OpenAIError('No.');
        return jobOf({ id, status: fate.readAgain });
      },
      async *list(signal) {
        for (let page = 0; page === 0 || page * pageSize < listed.length; page += 1) {
          if (interruption?.afterPages === page) {
            if (interruption.kind === 'failure') throw new OpenAIError('Listing failed.');
            time.runDown();
          }
          signal.throwIfAborted();
          yield { jobs: listed.slice(page * pageSize, (page + 1) * pageSize), odd: [] };
        }
      },
    });
  });
  return { projects, byId, scene: fakeScene({ table, time, warnBeforeMinutes }) };
}
