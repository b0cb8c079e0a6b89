import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Job } from '../../../lambda/curfew/job.ts';
import { OpenAIError, StateError } from '../../../lambda/errors.ts';
import { accepted, type FakeTable, failedCancel, fakeContext, jobOf, now } from '../../support/fake-ports.ts';
import { afterLookUp, type SweepScene, sweepOne } from '../../support/run-rules.ts';

const overdue = (id: string, fields: Partial<Job> = {}) => jobOf({ id, ageMinutes: 400, ...fields });
const near = jobOf({ id: 'near', ageMinutes: 340 });

test('every overdue job is cancelled, and every other job left alone', async () => {
  const exempt = { time_budget_minutes: 'none' };
  const jobs = [
    jobOf({ id: 'future', ageMinutes: -10 }),
    jobOf({ id: 'young', ageMinutes: 359 }),
    jobOf({ id: 'late', ageMinutes: 400.9 }),
    overdue('extended'),
    overdue('queued', { phase: 'waiting' }),
    overdue('own-budget', { metadata: { time_budget_minutes: '24h' } }),
    overdue('exempt', { metadata: exempt }),
    overdue('cancelling', { phase: 'cancelling' }),
    overdue('finished', { phase: 'finished' }),
    overdue('paused', { phase: 'other' }),
    overdue('frozen', { phase: 'other', status: 'frozen', isKnownStatus: false }),
  ];
  const rows = { extended: { extendedUntil: now + 60 } };
  const { answer, context, project } = await sweepOne({ jobs, rows });
  const cancelled = { outcome: 'cancelled', finalStatus: 'cancelled', ageMinutes: 400, timeBudgetMinutes: 360 };
  assert.deepEqual(answer, {
    complete: true,
    dryRun: false,
    timeBudgetMinutes: 360,
    lookbackDays: 30,
    cancelLimit: 20,
    inspected: 11,
    inProgress: 8,
    overdue: 2,
    notCancellable: 2,
    cancelled: 2,
    alreadyFinished: 0,
    wouldCancel: 0,
    heldBack: 0,
    failed: 0,
    jobs: [
      { jobId: 'late', initialStatus: 'running', ...cancelled },
      { jobId: 'queued', initialStatus: 'queued', ...cancelled },
    ],
    jobsOmitted: 0,
  });
  assert.deepEqual(project.cancels, ['late', 'queued']);
  const others = context.decisions.filter(({ outcome }) => outcome !== 'cancelled');
  assert.deepEqual(
    others.map(({ job, outcome }) => `${job.id} ${outcome}`),
    [
      'paused not_cancellable',
      'frozen not_cancellable',
      'future within_budget',
      'young within_budget',
      'extended within_budget',
      'own-budget within_budget',
      'exempt exempt',
    ],
  );
  assert.ok(context.decisions.every(({ reason, requestedBy }) => reason === 'time_budget' && requestedBy === 'rule'));
});

test('a sweep notes the waiting jobs, then warns about near deadlines, then looks at overdue jobs and cancels', async () => {
  const { calls, context } = await sweepOne({ jobs: [near, jobOf({ id: 'new', phase: 'waiting' }), overdue('late')] });
  const notes = 'noteWaiting new, warn near, noteWarned near';
  assert.equal(calls.join(', '), `list, ${notes}, retrieve late, cancel late, publish late`);
  assert.deepEqual(context.table.reads, ['near', 'new', 'late', 'late']);
});

test('one failed cancel does not stop the others, and says why', async () => {
  const { answer, context } = await sweepOne({
    jobs: [overdue('bad'), overdue('good')],
    cancel: async (id) => (id === 'bad' ? failedCancel() : accepted(jobOf({ id, phase: 'cancelling' }))),
  });
  const { complete, cancelled, failed, jobs } = answer;
  assert.deepEqual([complete, cancelled, failed], [true, 1, 1]);
  const { error, ...bad } = jobs.find(({ outcome }) => outcome === 'failed') ?? {};
  const sums = { initialStatus: 'running', finalStatus: null, ageMinutes: 400, timeBudgetMinutes: 360 };
  assert.deepEqual(bad, { jobId: 'bad', outcome: 'failed', ...sums });
  assert.equal(error?.name, 'OpenAIError');
  assert.match(error.message, /^It failed\. .*the job is now "running"/);
  const logged = context.decisions.find(({ outcome }) => outcome === 'failed');
  assert.deepEqual([logged?.job.id, logged?.error?.name, logged?.isCancelledNow], ['bad', 'OpenAIError', false]);
});

describe('an overdue job whose look finds that it', () => {
  const id = 'late';
  const cases: [name: string, look: Job | Error, counts: object][] = [
    ['has finished', overdue(id, { phase: 'finished' }), { overdue: 1, alreadyFinished: 1, inProgress: 1 }],
    ['is cancelling', overdue(id, { phase: 'cancelling' }), { overdue: 1, cancelled: 1, inProgress: 1 }],
    ['is paused', overdue(id, { phase: 'other' }), { overdue: 0, notCancellable: 1, inProgress: 0 }],
    ['is exempt now', overdue(id, { metadata: { time_budget_minutes: 'none' } }), { overdue: 0, inProgress: 1 }],
    ['cannot be read', new OpenAIError('No.'), { overdue: 1, failed: 1, inProgress: 1 }],
  ];
  for (const [name, look, counts] of cases) {
    test(`${name}: ${JSON.stringify(counts)}`, async () => {
      const retrieve = async () => {
        if (look instanceof Error) throw look;
        return look;
      };
      const { answer, project } = await sweepOne({ jobs: [overdue(id)], retrieve });
      assert.deepEqual({ ...answer, ...counts }, answer);
      assert.equal(answer.jobs.length, answer.overdue);
      assert.deepEqual(project.cancels, []);
    });
  }

  const changes: [name: string, change: (table: FakeTable) => unknown, counts: object][] = [
    ['was extended', (table) => table.rows.set(id, { extendedUntil: now + 60 }), { overdue: 0, inProgress: 1 }],
    ['has a row that cannot be read', (table) => table.unreadable.add(id), { overdue: 1, failed: 1 }],
  ];
  for (const [name, change, counts] of changes) {
    test(`${name}: ${JSON.stringify(counts)}`, async () => {
      const context = fakeContext();
      afterLookUp(context, () => change(context.table));
      const { answer, project } = await sweepOne({ jobs: [overdue(id)], context });
      assert.deepEqual({ ...answer, ...counts }, answer);
      assert.deepEqual(project.cancels, []);
    });
  }
});

const metadataError = new StateError('The tags cannot be read.');
const unjudged: [what: string, scene: SweepScene][] = [
  ['row', { jobs: [near, overdue('late'), overdue('later')], unreadable: ['near', 'late'] }],
  ['metadata', { jobs: [{ ...near, metadataError }, overdue('late', { metadataError }), overdue('later')] }],
];
for (const [what, scene] of unjudged) {
  test(`a job whose ${what} cannot be read is neither cancelled nor warned about: failed if overdue`, async () => {
    const { answer, calls, context } = await sweepOne(scene);
    assert.deepEqual([answer.failed, answer.cancelled], [1, 1]);
    const failed = answer.jobs.find(({ jobId }) => jobId === 'late');
    assert.deepEqual([failed?.outcome, failed?.error?.name], ['failed', 'StateError']);
    assert.deepEqual(calls, ['list', 'retrieve later', 'cancel later', 'publish later']);
    assert.equal(context.problems.length, 1, 'is reported once');
  });
}

test('100 overdue jobs of a project are cancelled at once', async () => {
  let underWay = 0;
  let most = 0;
  const { answer } = await sweepOne({
    jobs: Array.from({ length: 250 }, (_, index) => overdue(`ftjob-${index}`)),
    rules: { cancelLimit: 'none' },
    cancel: async (id) => {
      underWay += 1;
      most = Math.max(most, underWay);
      await new Promise(setImmediate);
      underWay -= 1;
      return accepted(overdue(id, { phase: 'cancelling' }));
    },
  });
  assert.deepEqual([answer.cancelled, most], [250, 100]);
});
