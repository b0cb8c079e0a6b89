import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Job, JobRow } from '../../../lambda/curfew/job.ts';
import { OpenAIError } from '../../../lambda/errors.ts';
import { accepted, cancelledJob, fakeContext, jobOf, listThenFail, now } from '../../support/fake-ports.ts';
import { type SweepScene, sweepOne } from '../../support/run-rules.ts';

const overdue = (id: string, fields: Partial<Job> = {}) => jobOf({ id, ageMinutes: 400, ...fields });
const overdueJobs = (count: number) => Array.from({ length: count }, (_, index) => overdue(`ftjob-${index}`));

describe('overdue jobs', () => {
  const jobs = overdueJobs(21);

  for (const dryRun of [false, true]) {
    test(`are all held back above the cancel limit${dryRun ? ', in a dry run too' : ''}`, async () => {
      const { answer, project, context } = await sweepOne({ jobs, request: { dryRun } });
      const { complete, cancelLimit, overdue, heldBack, cancelled, wouldCancel } = answer;
      assert.deepEqual([complete, cancelLimit, overdue, heldBack, cancelled, wouldCancel], [true, 20, 21, 21, 0, 0]);
      assert.deepEqual([project.calls, context.cancellations], [['list'], []]);
      assert.ok(context.decisions.every(({ outcome, finalStatus }) => outcome === 'held_back' && finalStatus === null));
    });
  }

  const cancelled: [name: string, scene: SweepScene, count: number][] = [
    ['if they just reach the limit', { jobs: overdueJobs(20) }, 20],
    ['if the request has a higher one', { jobs, request: { cancelLimit: 21 } }, 21],
    ['if there is none', { jobs, rules: { cancelLimit: 'none' } }, 21],
  ];
  for (const [name, scene, count] of cancelled) {
    test(`are cancelled ${name}`, async () => assert.equal((await sweepOne(scene)).answer.cancelled, count));
  }
});

describe('with a limit of 2, two overdue jobs and', () => {
  const extended: JobRow = { extendedUntil: now + 60 };
  const third = overdue('third');
  const sent = { heldBack: 0, cancelled: 2 };
  const cases: [name: string, job: Job, scene: SweepScene, expected: object][] = [
    ['a third are held back', third, {}, { heldBack: 3, cancelled: 0 }],
    ['one near its deadline are cancelled', jobOf({ id: 'third', ageMinutes: 350 }), {}, sent],
    ['an exempt one are cancelled', overdue('third', { metadata: { time_budget_minutes: 'none' } }), {}, sent],
    ['a paused one are cancelled', overdue('third', { phase: 'other' }), {}, sent],
    ['a cancelling one are cancelled', overdue('third', { phase: 'cancelling' }), {}, sent],
    ['an extended one are cancelled', third, { rows: { third: extended } }, sent],
    ['one cancelling since are cancelled', third, { rows: { third: { cancellingSince: 1 } } }, { cancelled: 3 }],
    ['one whose row cannot be read are held back', third, { unreadable: ['third'] }, { heldBack: 2, failed: 1 }],
  ];
  for (const [name, job, scene, expected] of cases) {
    test(name, async () => {
      const { answer } = await sweepOne({ jobs: [...overdueJobs(2), job], rules: { cancelLimit: 2 }, ...scene });
      assert.deepEqual({ ...answer, ...expected }, answer);
    });
  }

  test('others are held back, but a cancel that is due again is sent', async () => {
    const rows = { third: { cancellingSince: now - 4_000 } };
    const { outcomes, project } = await sweepOne({ jobs: [...overdueJobs(3), third], rows, rules: { cancelLimit: 2 } });
    assert.deepEqual(project.cancels, ['third']);
    assert.equal(outcomes['ftjob-0'], 'held_back');
  });
});

describe('if time runs out', () => {
  /** Lists one page, after which two thirds of the time are gone. */
  const endingAfter = (jobs: Job[], rules: SweepScene['rules'] = {}) => {
    const context = fakeContext();
    const list = listThenFail([jobs], context.time.endListing);
    return sweepOne({ jobs, list, rules, context });
  };

  test('while listing, what was found is cancelled, and the sweep is incomplete', async () => {
    const { answer, tally } = await endingAfter(overdueJobs(2));
    assert.deepEqual([answer.complete, answer.inspected, answer.cancelled], [false, 2, 2]);
    assert.deepEqual(tally.failures, []);
  });

  test('while listing, the limit holds for what was found', async () => {
    const { answer, project } = await endingAfter(overdueJobs(2), { cancelLimit: 1 });
    assert.deepEqual([answer.complete, answer.heldBack, project.cancels], [false, 2, []]);
  });

  test('before the first page, the project has failed', async () => {
    const context = fakeContext();
    context.time.endListing();
    const { answer, tally } = await sweepOne({ jobs: overdueJobs(1), context });
    assert.deepEqual([answer.complete, answer.inspected], [false, 0]);
    const [failure] = tally.failures;
    assert.equal(failure?.error.message, 'Time ran out before the first page of jobs came. No answer in time.');
  });

  test('after listing, the sweep is complete', async () => {
    const context = fakeContext();
    const cancel: SweepScene['cancel'] = async (id) => {
      context.time.endListing();
      return accepted(cancelledJob(id));
    };
    assert.equal((await sweepOne({ jobs: overdueJobs(1), cancel, context })).answer.complete, true);
  });

  test('while cancelling, a job that was not reached has no outcome', async () => {
    const context = fakeContext({ unreadable: ['ftjob-149'] });
    const retrieve = async () => {
      context.time.end();
      throw new OpenAIError('No answer in time.');
    };
    const jobs = overdueJobs(150);
    const { answer } = await sweepOne({ jobs, retrieve, context, rules: { cancelLimit: 'none' } });
    const { complete, inProgress, overdue, failed } = answer;
    assert.deepEqual([complete, inProgress, overdue, failed], [false, 150, 2, 2]);
    const { error } = answer.jobs.find(({ jobId }) => jobId === 'ftjob-149') ?? {};
    assert.equal(error?.name, 'StateError', 'what takes no call is still said');
  });
});

test('if listing fails halfway, what was found is dealt with, then the project has failed', async () => {
  const jobs = overdueJobs(3);
  const { answer, tally } = await sweepOne({ list: listThenFail([jobs.slice(0, 2)]), jobs });
  assert.deepEqual([answer.complete, answer.inspected, answer.cancelled], [false, 2, 2]);
  assert.deepEqual(tally.failures.map(({ error }) => error.message).join(), 'No answer in time.');
});
