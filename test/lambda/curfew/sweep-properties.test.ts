import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Phase } from '../../../lambda/curfew/job.ts';
import { stopAll, sweep } from '../../../lambda/curfew/sweep.ts';
import type { Tally } from '../../../lambda/curfew/tally.ts';
import { type FakeContext, fakeContext, fakeProject, jobOf, now } from '../../support/fake-ports.ts';
import {
  arbitraryProjects,
  type GivenProject,
  isNew,
  isOverdue,
  mayBeSent,
  populate,
} from '../../support/population.ts';

const numRuns = 500;

/** Every job with a decision is in exactly one count, and in the answer if it was acted on. */
function checkCounts({ decisions }: FakeContext, tally: Tally): void {
  assert.equal(new Set(decisions.map(({ job }) => job.id)).size, decisions.length, 'a job is decided on twice');
  const count = (...outcomes: string[]) => decisions.filter(({ outcome }) => outcomes.includes(outcome)).length;
  const { inspected, inProgress, overdue, notCancellable, ...outcomes } = tally.counts;
  assert.deepEqual(outcomes, {
    cancelled: count('cancelled', 'cancelling'),
    alreadyFinished: count('already_finished'),
    wouldCancel: count('would_cancel'),
    heldBack: count('held_back'),
    failed: count('failed'),
  });
  assert.equal(tally.jobs.length, overdue);
  assert.equal(notCancellable, count('not_cancellable'));
  assert.ok(decisions.every(({ outcome, error }) => (outcome === 'failed') === (error !== undefined)));
}

describe('for any jobs, extensions, limits, interruptions and faults', () => {
  test('a sweep cancels at most its limit, nothing exempt, extended or in time, and counts each job once', async () => {
    const check = async (given: GivenProject[]): Promise<void> => {
      const { projects, byId, context } = populate(given);
      const { tally } = await sweep({ sweep: {} }, projects, context);
      checkCounts(context, tally);

      for (const { cancels, rules } of projects) {
        const sent = [...new Set(cancels)].map((id) => byId.get(id)?.given).filter((job) => job !== undefined);
        for (const job of sent) assert.ok(mayBeSent(job, rules), `sent to ${JSON.stringify(job)}`);
        const found = sent.filter(isNew).length;
        if (rules.cancelLimit !== 'none') assert.ok(found <= rules.cancelLimit, `${found} cancels`);
        const isRetried = (id: string) => byId.get(id)?.given.reply === 'retry';
        for (const id of new Set(cancels)) {
          assert.equal(cancels.filter((sentTo) => sentTo === id).length, isRetried(id) ? 4 : 1);
        }
      }
      for (const { jobId } of context.warnings) {
        const { given, rules } = byId.get(jobId) ?? assert.fail();
        assert.ok(!isOverdue(given, rules) && !given.hasUnreadableRow && given.cancellingForMinutes === undefined);
      }
    };
    await fc.assert(fc.asyncProperty(arbitraryProjects, check), { numRuns });
  });

  test('an uninterrupted sweep cancels everything overdue, up to its limit', async () => {
    const check = async (given: GivenProject[]): Promise<void> => {
      const { projects, context } = populate(given.map((project) => ({ ...project, interruption: undefined })));
      const { answer, tally } = await sweep({ sweep: {} }, projects, context);
      const listed = given.flatMap(({ jobs, rules: { lookbackDays } }) =>
        jobs.filter(({ ageMinutes }) => lookbackDays === 0 || ageMinutes <= lookbackDays * 1_440),
      );
      assert.deepEqual([answer.complete, answer.projects, answer.inspected], [true, projects.length, listed.length]);
      checkCounts(context, tally);
      const goingOn = context.decisions.filter(({ outcome }) => outcome === 'within_budget' || outcome === 'exempt');
      const cancelling = listed.filter(({ phase }) => phase === 'cancelling');
      assert.equal(answer.inProgress, answer.overdue + goingOn.length + cancelling.length);
      for (const [index, { jobs, rules }] of given.entries()) {
        const found = jobs.filter((job) => isOverdue(job, rules) && isNew(job)).length;
        const isHeldBack = rules.cancelLimit !== 'none' && found > rules.cancelLimit;
        const expected = jobs.flatMap((job, position) =>
          mayBeSent(job, rules) && !(isHeldBack && isNew(job)) ? [`ftjob-${index}-${position}`] : [],
        );
        assert.deepEqual([...new Set(projects[index]?.cancels)].sort(), expected.sort());
      }
    };
    await fc.assert(fc.asyncProperty(arbitraryProjects, check), { numRuns });
  });

  test('a stop-all cancels every active job that is listed, and nothing else', async () => {
    const check = async (given: GivenProject[]): Promise<void> => {
      const { projects, byId, context } = populate(given);
      const { tally } = await stopAll({ stopAll: {} }, projects, context);
      const decided = context.decisions.filter(({ outcome }) => outcome !== 'not_cancellable');
      checkCounts(context, tally);
      const reached = decided
        .filter(({ job }) => byId.get(job.id)?.given.becomes === undefined)
        .map(({ job }) => job.id);
      assert.deepEqual([...new Set(projects.flatMap(({ cancels }) => cancels))].sort(), reached.sort());
      const active = [...byId].filter(([, { given: job }]) => job.phase === 'waiting' || job.phase === 'running');
      if (tally.isComplete)
        assert.equal(decided.length, active.filter(([, { given: job }]) => job.becomes !== 'other').length);
    };
    await fc.assert(fc.asyncProperty(arbitraryProjects, check), { numRuns });
  });
});

describe('for any sequence of statuses that sweeps see', () => {
  const arbitraryLife = fc.record({
    budget: fc.constantFrom(30, 90, 360),
    queueLimit: fc.constantFrom(undefined, 'none' as const, 20, 120),
    steps: fc.array(
      fc.record({
        minutes: fc.integer({ min: 1, max: 120 }),
        listed: fc.constantFrom<Phase>('waiting', 'running', 'running', 'other'),
        /** A job may start between list and look. */
        isStarting: fc.boolean(),
        dryRun: fc.boolean(),
      }),
      { minLength: 1, maxLength: 25 },
    ),
  });

  test('a running job gets exactly its budget since last seen waiting, a waiting one exactly its queue limit', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryLife, async ({ budget, queueLimit, steps }) => {
        const context = fakeContext();
        const rules = { timeBudgetMinutes: budget, queueLimitMinutes: queueLimit };
        let minutes = 0;
        let lastWaiting = 0;
        for (const { minutes: passed, listed, isStarting, dryRun } of steps) {
          minutes += passed;
          if (listed === 'waiting') lastWaiting = minutes;
          const look = listed === 'waiting' && isStarting ? 'running' : listed;
          const job = jobOf({ id: 'ftjob-1', phase: listed });
          const project = fakeProject({ jobs: [job], rules, retrieve: async () => ({ ...job, phase: look }) });
          context.now = now + minutes * 60;
          await sweep({ sweep: { dryRun } }, [project], context);
          const waitsTooLong = look === 'waiting' && queueLimit !== 'none' && minutes >= (queueLimit ?? budget);
          const isDue = waitsTooLong || (look === 'running' && minutes - lastWaiting >= budget);
          const { outcome } = context.decisions.at(-1) ?? {};
          assert.equal(project.cancels.length, isDue && !dryRun ? 1 : 0, `${listed} after ${minutes} minutes`);
          assert.equal(outcome === 'would_cancel', isDue && dryRun);
          if (project.cancels.length > 0) return;
        }
      }),
      { numRuns },
    );
  });
});
