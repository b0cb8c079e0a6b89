import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Job, JobRow } from '../../../lambda/curfew/job.ts';
import { accepted, failedCancel, fakeContext, jobOf, now } from '../../support/fake-ports.ts';
import { type SweepScene, sweepOne } from '../../support/run-rules.ts';

const overdue = (id: string, fields: Partial<Job> = {}) => jobOf({ id, ageMinutes: 400, ...fields });
const near = jobOf({ id: 'near', ageMinutes: 340 });

describe('a job is noted as waiting by every sweep that sees it waiting', () => {
  const waiting = (ageMinutes: number) => jobOf({ id: 'ftjob-1', phase: 'waiting', ageMinutes });
  const listedAsRunning = { jobs: [overdue('ftjob-1')], retrieve: async () => waiting(400) };
  const cases: [name: string, scene: SweepScene][] = [
    ['in time', { jobs: [waiting(10)] }],
    ['overdue', { jobs: [waiting(400)] }],
    ['in a dry run', { jobs: [waiting(400)], request: { dryRun: true } }],
    ['held back', { jobs: [waiting(400), overdue('other')], rules: { cancelLimit: 1 } }],
    ['when only its look finds it waiting', { ...listedAsRunning, rules: { queueLimitMinutes: 'none' } }],
  ];
  for (const [name, scene] of cases) {
    test(name, async () => {
      const { context } = await sweepOne(scene);
      assert.equal(context.table.rows.get('ftjob-1')?.lastWaiting, now);
    });
  }

  test('and a job that starts between list and look gets its whole budget', async () => {
    const jobs = [waiting(400)];
    const { answer, project } = await sweepOne({ jobs, retrieve: async () => overdue('ftjob-1') });
    assert.deepEqual([answer.overdue, project.cancels], [0, []]);
  });

  test('but failures are only reported, once for all jobs', async () => {
    const jobs = [waiting(10), ...['2', '3'].map((id) => jobOf({ id, phase: 'waiting' }))];
    const { answer, context } = await sweepOne({ jobs, isWritable: false });
    assert.deepEqual([answer.complete, answer.failed], [true, 0]);
    assert.deepEqual(
      context.problems.map(({ jobId, others }) => [jobId, others]),
      [['ftjob-1', 2]],
    );
  });

  test('for at most a third of the time, because cancels come afterwards', async (t) => {
    let seconds = 0;
    t.mock.method(performance, 'now', () => seconds * 1_000);
    const context = fakeContext();
    context.time.endsAt = 30_000;
    context.table.noteWaiting = async () => {
      seconds += 4;
    };
    const jobs = ['1', '2', '3', '4', '5'].map((id) => jobOf({ id, phase: 'waiting' }));
    const { answer } = await sweepOne({ jobs: [...jobs, overdue('late')], context, maxConcurrency: 1 });
    assert.deepEqual([seconds, answer.cancelled], [12, 1]);
    assert.deepEqual([context.problems.length, context.problems[0]?.others], [1, 1]);
  });
});

describe('a job whose cancel was accepted', () => {
  const late = overdue('ftjob-1');
  const young = jobOf({ id: 'ftjob-1' });
  const listed = overdue('ftjob-1', { phase: 'cancelling' });
  const [recent, stuck] = [{ cancellingSince: now - 3_599 }, { cancellingSince: now - 3_600 }];
  const dryRun: SweepScene = { rules: { dryRun: true } };
  const fails = (isRefusal: boolean): SweepScene => ({ cancel: async () => failedCancel({ isRefusal }) });
  const cases: [when: string, Job, JobRow, scene: SweepScene, outcome: string, cancels: number, stuck: number][] = [
    ['within the hour', late, recent, {}, 'cancelling', 0, 0],
    ['within the hour, in a dry run', late, recent, dryRun, 'cancelling', 0, 0],
    ['within the hour, and is listed as cancelling', listed, recent, {}, 'none', 0, 0],
    ['an hour ago', late, stuck, {}, 'cancelled', 1, 1],
    ['an hour ago, in a dry run', late, stuck, dryRun, 'would_cancel', 0, 1],
    ['an hour ago, and another is refused', late, stuck, fails(true), 'cancelling', 1, 1],
    ['an hour ago, and another fails', late, stuck, fails(false), 'failed', 1, 1],
    ['an hour ago, before its deadline', young, stuck, {}, 'none', 0, 1],
    ['an hour ago, and is listed as cancelling', listed, stuck, {}, 'none', 0, 1],
  ];
  for (const [when, job, row, scene, outcome, cancels, stuckCancelling] of cases) {
    test(`${when}: ${outcome}, ${cancels} sent, ${stuckCancelling} stuck`, async () => {
      const { outcomes, project, tally, context } = await sweepOne({ jobs: [job], rows: { 'ftjob-1': row }, ...scene });
      const found = [outcomes['ftjob-1'] ?? 'none', project.cancels.length, tally.stuckCancelling];
      assert.deepEqual(found, [outcome, cancels, stuckCancelling]);
      assert.ok(!context.calls.includes('noteCancelling ftjob-1'), 'the first time is kept');
      if (row === recent) assert.deepEqual(project.calls, ['list'], 'it is left alone');
      assert.ok(!context.cancellations.some(({ isCancelledNow }) => isCancelledNow), 'it was published before');
    });
  }

  test('and that is still cancelling is published and counted as cancelled once', async () => {
    const scene: SweepScene = { jobs: [late], cancel: async () => accepted(late) };
    const first = await sweepOne(scene);
    const second = await sweepOne({ ...scene, context: first.context });
    assert.deepEqual([first.outcomes, second.outcomes], [{ 'ftjob-1': 'cancelling' }, { 'ftjob-1': 'cancelling' }]);
    assert.equal(first.context.cancellations.length, 1);
    assert.deepEqual([first.tally.newlyCancelled, second.tally.newlyCancelled], [1, 0]);
    assert.deepEqual([first.answer.cancelled, second.answer.cancelled], [1, 1]);
  });

  test('by somebody else is noted, but not published', async () => {
    const { context, answer } = await sweepOne({ jobs: [listed] });
    assert.deepEqual([context.table.rows.get('ftjob-1'), context.cancellations], [{ cancellingSince: now }, []]);
    assert.deepEqual([answer.inProgress, answer.overdue], [1, 0]);
  });
});

describe('a warning', () => {
  const warned = async (scene: SweepScene) => (await sweepOne({ jobs: [near], ...scene })).context;

  test('is published once for each deadline, and noted then', async () => {
    const context = await warned({});
    const deadline = now + 20 * 60;
    assert.deepEqual(context.table.rows.get('near'), { warnedFor: deadline });
    await sweepOne({ jobs: [near], context });
    const [warning, ...others] = context.warnings;
    assert.deepEqual([warning?.jobId, warning?.minutesLeft, others], ['near', 20, []]);
  });

  const cases: [name: string, scene: SweepScene, expectedDryRun: boolean[]][] = [
    ['from a dry-run project says so', { rules: { dryRun: true } }, [true]],
    ['comes even if the request says dryRun false', { request: { dryRun: false } }, [false]],
    ['does not come if the request says dryRun', { request: { dryRun: true } }, []],
    ['does not come if the request has a budget', { request: { timeBudgetMinutes: 345 } }, []],
    ['does not come for a paused job', { jobs: [{ ...near, phase: 'other' }] }, []],
  ];
  for (const [name, scene, expectedDryRun] of cases) {
    test(name, async () => {
      const { warnings } = await warned(scene);
      assert.deepEqual([...warnings.values().map(({ dryRun }) => dryRun)], expectedDryRun);
    });
  }

  test('that could not be published is retried by the next sweep', async () => {
    assert.equal((await warned({ isBusUp: false })).table.rows.get('near'), undefined);
  });

  test('that could not be noted is reported, and comes again', async () => {
    const context = await warned({ isWritable: false });
    assert.deepEqual([context.warnings.length, context.problems.map(({ jobId }) => jobId)], [1, ['near']]);
  });
});
