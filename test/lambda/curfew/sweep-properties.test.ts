import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { isFinished, isInProgress } from '../../../lambda/curfew/job.ts';
import type { JobRecord } from '../../../lambda/curfew/ledger.ts';
import type { ProjectRules } from '../../../lambda/curfew/projects.ts';
import { stopAll } from '../../../lambda/curfew/stop-all.ts';
import { sweep } from '../../../lambda/curfew/sweep.ts';
import { AuthenticationError, OpenAIError, RateLimitError } from '../../../lambda/errors.ts';
import {
  type FakeScene,
  fakeLedger,
  fakeProject,
  fakeScene,
  fakeTime,
  jobOf,
  nowSeconds,
} from '../../support/fake-ports.ts';

const numRuns = 1_500;
const minutesPerDay = 1440;

/** What becomes of a cancel: the status in the answer, or an error and what the job then is when read again. */
const cancelAnswers = ['cancelled', 'canceled', 'succeeded', 'running', 'paused'] as const;
const statusesAfterFailure = ['running', 'cancelled', 'succeeded', 'paused', 'unreadable'] as const;

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
  budget: fc.option(fc.constantFrom('none', ' None', '0', '90', '1440', '43200', 'soon', ''), {
    nil: undefined,
  }),
  finishesInMinutes: fc.option(fc.integer({ min: -60, max: 2_000 }), { nil: undefined }),
  extendedForMinutes: fc.option(fc.integer({ min: -60, max: 600 }), { nil: undefined }),
  cancellingForMinutes: fc.option(fc.integer({ min: 0, max: 120 }), { nil: undefined }),
  hasUnusableRow: fc.boolean(),
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
  interruption: fc.option(
    fc.record({ afterPages: fc.integer({ min: 0, max: 3 }), kind: fc.constantFrom('failure', 'time') }),
    { nil: undefined },
  ),
});
const arbitraryProjects = fc.array(arbitraryProject, { minLength: 1, maxLength: 3 });
const arbitraryWarnBefore = fc.constantFrom(0, 30, 100);

type GivenJob = typeof arbitraryJob extends fc.Arbitrary<infer Value> ? Value : never;
type Rules = Omit<ProjectRules, 'budgetFrom'>;
type GivenProject = typeof arbitraryProject extends fc.Arbitrary<infer Value> ? Value : never;

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
const mayBeCancelled = (job: GivenJob, rules: Rules) =>
  isOverdue(job, rules) && !job.hasUnusableRow && !rules.dryRun;

/** Whether a job counts for the limit. */
const isNewlyOverdue = (job: GivenJob, rules: Rules) =>
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
function populate(given: GivenProject[], warnBeforeMinutes: number) {
  const time = fakeTime();
  const jobs = given.flatMap((project, index) =>
    project.jobs.map((job, position) => ({ id: `ftjob-${index}-${position}`, job, rules: project.rules })),
  );
  const byId = new Map(jobs.map((one) => [one.id, one]));
  const ledger = fakeLedger(
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
  return { projects, byId, scene: fakeScene({ ledger, time, warnBeforeMinutes }) };
}

/** Every job in progress that was decided on is in exactly one count, and in the answer if it was dealt with. */
function checkCounts({ decisions }: FakeScene, { tally }: Awaited<ReturnType<typeof sweep>>): void {
  const { counts, jobs, jobsOmitted, inspected } = tally;
  const { overdue, cancelled, alreadyFinished, wouldCancel, heldBack, failed, inProgress } = counts;
  const ids = new Set(decisions.map(({ job }) => job.id));
  assert.equal(ids.size, decisions.length, 'a job is decided on twice');
  const running = decisions.filter(({ job }) => isInProgress(job.status));
  const goingOn = running.filter(({ outcome }) => outcome === 'within_budget' || outcome === 'exempt');
  assert.equal(inProgress, running.length);
  assert.equal(inProgress, overdue + goingOn.length);
  assert.equal(overdue, cancelled + alreadyFinished + wouldCancel + heldBack + failed);
  assert.equal(overdue, jobs.length + jobsOmitted);
  assert.equal(counts.notCancellable, decisions.length - running.length);
  assert.ok(decisions.length <= inspected);
}

describe('of any population, with any extensions, limits, interruptions and faults', () => {
  test('a sweep cancels what is overdue, no more than its limit, and counts each job once', async () => {
    const check = async (given: GivenProject[], warnBeforeMinutes: number): Promise<void> => {
      const { projects, byId, scene } = populate(given, warnBeforeMinutes);
      const swept = await sweep(projects, 0, scene);
      checkCounts(scene, swept);

      for (const { cancels, rules } of projects) {
        assert.equal(new Set(cancels).size, cancels.length, 'a job is asked to cancel twice');
        const sentTo = cancels.map((id) => byId.get(id)).filter((one) => one !== undefined);
        for (const { id, job } of sentTo) {
          assert.ok(mayBeCancelled(job, rules), `a cancel was sent to ${id}`);
        }
        const newly = sentTo.filter(({ job }) => job.cancellingForMinutes === undefined);
        if (rules.cancelLimit !== 'none') assert.ok(newly.length <= rules.cancelLimit, 'past the limit');
      }

      for (const { job, outcome, error, warning, judgement } of scene.decisions) {
        const { hasUnusableRow = false } = byId.get(job.id)?.job ?? {};
        if (outcome === 'failed') assert.ok(error, 'a failure without an error');
        if (hasUnusableRow && judgement.isOverdue && outcome !== 'not_cancellable') {
          assert.deepEqual([outcome, error?.name], ['failed', 'StateError']);
        }
        if (warning) assert.ok(outcome === 'within_budget' && warnBeforeMinutes > 0 && !judgement.isOverdue);
      }
    };
    await fc.assert(fc.asyncProperty(arbitraryProjects, arbitraryWarnBefore, check), { numRuns });
  });

  test('a sweep that nothing interrupts cancels all that is overdue, up to its limit', async () => {
    const check = async (given: GivenProject[]): Promise<void> => {
      const uninterrupted = given.map((project) => ({ ...project, interruption: undefined }));
      const { projects, scene } = populate(uninterrupted, 30);
      const { survey } = await sweep(projects, 0, scene);
      assert.deepEqual([survey.isComplete, survey.lookedAt], [true, projects.length]);
      for (const [index, { jobs, rules }] of uninterrupted.entries()) {
        const found = jobs.filter((job) => isNewlyOverdue(job, rules)).length;
        const isHeldBack = rules.cancelLimit !== 'none' && found > rules.cancelLimit;
        const expected = jobs.flatMap((job, position) =>
          mayBeCancelled(job, rules) && !(isHeldBack && isNewlyOverdue(job, rules))
            ? [`ftjob-${index}-${position}`]
            : [],
        );
        assert.deepEqual(projects[index]?.cancels.toSorted(), expected.toSorted());
      }
    };
    await fc.assert(fc.asyncProperty(arbitraryProjects, check), { numRuns });
  });

  test('two sweeps at once warn of each deadline once', async () => {
    const check = async (given: GivenProject[]): Promise<void> => {
      const { projects, scene } = populate(given, 100);
      await Promise.all([sweep(projects, 0, scene), sweep(projects, 0, scene)]);
      const warned = scene.decisions.flatMap(({ job, warning }) => (warning ? [job.id] : []));
      assert.equal(new Set(warned).size, warned.length);
    };
    await fc.assert(fc.asyncProperty(arbitraryProjects, check), { numRuns: numRuns / 3 });
  });

  test('stop all cancels every job in progress that is listed, and nothing else', async () => {
    const check = async (given: GivenProject[]): Promise<void> => {
      const { projects, byId, scene } = populate(given, 30);
      const stopped = await stopAll(projects, false, 'alice', scene);
      checkCounts(scene, stopped);
      const decided = scene.decisions.filter(({ job }) => isInProgress(job.status));
      assert.deepEqual(
        projects.flatMap(({ cancels }) => cancels).toSorted(),
        decided.map(({ job }) => job.id).toSorted(),
      );
      const unfinished = [...byId.values()].filter(({ job }) => !isFinished(job.status));
      if (stopped.survey.isComplete) assert.equal(scene.decisions.length, unfinished.length);
    };
    await fc.assert(fc.asyncProperty(arbitraryProjects, check), { numRuns });
  });
});
