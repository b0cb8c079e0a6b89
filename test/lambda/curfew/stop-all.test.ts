import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Job } from '../../../lambda/curfew/job.ts';
import { stopAll } from '../../../lambda/curfew/sweep.ts';
import {
  type FakeProjectOptions,
  failedCancel,
  fakeContext,
  fakeProject,
  jobOf,
  listThenFail,
  now,
} from '../../support/fake-ports.ts';

interface Scene extends FakeProjectOptions {
  context?: ReturnType<typeof fakeContext>;
  dryRun?: boolean;
}

async function stopIn({ context = fakeContext(), dryRun = false, ...options }: Scene) {
  const project = fakeProject(options);
  const { answer, tally } = await stopAll({ stopAll: { dryRun } }, [project], context);
  return { answer, tally, project, context };
}

/** Everything that a sweep would spare. */
const spared: Job[] = [
  jobOf({ id: 'new' }),
  jobOf({ id: 'waiting', phase: 'waiting' }),
  jobOf({ id: 'future', ageMinutes: -60 }),
  jobOf({ id: 'undated', createdAt: null }),
  jobOf({ id: 'exempt', metadata: { time_budget_minutes: 'none' } }),
  jobOf({ id: 'extended', ageMinutes: 400 }),
  jobOf({ id: 'old', ageMinutes: 400 * 1_440 }),
];

test('every active job is cancelled, whatever its age, budget, exemption, extension, limit or dry-run setting', async () => {
  const context = fakeContext({ rows: { extended: { extendedUntil: now + 86_400 } } });
  const left = [jobOf({ id: 'cancelling', phase: 'cancelling' }), jobOf({ id: 'paused', phase: 'other' })];
  const jobs = [...spared, ...left, jobOf({ id: 'finished', phase: 'finished' })];
  const { answer, project } = await stopIn({ jobs, context, rules: { dryRun: true, cancelLimit: 1 }, pageSize: 2 });
  const { jobs: entries, ...counts } = answer;
  assert.deepEqual(counts, {
    complete: true,
    dryRun: false,
    inspected: 10,
    inProgress: 8,
    notCancellable: 1,
    cancelled: 7,
    alreadyFinished: 0,
    wouldCancel: 0,
    failed: 0,
    jobsOmitted: 0,
  });
  assert.deepEqual(
    project.cancels,
    spared.map(({ id }) => id),
  );
  assert.deepEqual(context.table.reads, []);
  assert.deepEqual(
    entries.find(({ jobId }) => jobId === 'undated'),
    {
      jobId: 'undated',
      outcome: 'cancelled',
      initialStatus: 'running',
      finalStatus: 'cancelled',
      ageMinutes: null,
      timeBudgetMinutes: 360,
    },
  );
  assert.ok(context.cancellations.every(({ reason }) => reason === 'stop_all'));
});

test('a dry run says what would be cancelled, and sends nothing', async () => {
  const { answer, project } = await stopIn({ jobs: spared, dryRun: true });
  assert.deepEqual([answer.complete, answer.dryRun, answer.wouldCancel], [true, true, 7]);
  assert.deepEqual(project.cancels, []);
});

test('no warnings are sent, and waiting jobs are not noted', async () => {
  const jobs = [jobOf({ id: 'near', ageMinutes: 350, phase: 'waiting' })];
  const { context } = await stopIn({ jobs, dryRun: true });
  assert.deepEqual(context.calls, ['publish near']);
});

describe('a stop-all is incomplete', () => {
  const jobs = [jobOf({ id: 'a' })];
  const cases: [name: string, scene: Scene, isComplete: boolean][] = [
    ['if a cancel failed', { jobs, cancel: async () => failedCancel() }, false],
    [
      'if an entry of the list is unreadable',
      { unreadableEntries: [{ jobId: 'x', unreadableFields: ['status'] }] },
      false,
    ],
    ['if listing failed', { list: listThenFail([jobs]) }, false],
    ['but not because a job is paused', { jobs: [jobOf({ id: 'a', phase: 'other' })] }, true],
    ['but not because a job had finished', { jobs, retrieve: async (id) => jobOf({ id, phase: 'finished' }) }, true],
  ];
  for (const [name, scene, isComplete] of cases) {
    test(name, async () => assert.equal((await stopIn(scene)).answer.complete, isComplete));
  }

  test('if time ran out, and jobs not reached count only in inProgress', async () => {
    const context = fakeContext();
    context.time.end();
    const { answer } = await stopIn({ jobs, context });
    assert.deepEqual([answer.complete, answer.inProgress, answer.jobs], [false, 1, []]);
  });
});
