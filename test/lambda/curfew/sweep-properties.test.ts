import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { isFinished, isInProgress } from '../../../lambda/curfew/job.ts';
import { stopAll } from '../../../lambda/curfew/stop-all.ts';
import { sweep } from '../../../lambda/curfew/sweep.ts';
import type { FakeScene } from '../../support/fake-ports.ts';
import {
  arbitraryProjects,
  arbitraryWarnBefore,
  type GivenProject,
  isNewlyOverdue,
  mayBeCancelled,
  populate,
} from '../../support/population.ts';

const numRuns = 1_500;
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
