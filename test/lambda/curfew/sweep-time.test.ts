import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulatedJob } from '../../../infra/local/providers/simulated-job.ts';
import { sweep } from '../../../lambda/curfew/sweep.ts';
import { OpenAIError } from '../../../lambda/errors.ts';
import { type Curfew, startCurfew } from '../../support/curfew.ts';
import { fakeProject, fakeScene, fakeTime, jobOf } from '../../support/fake-ports.ts';
import { noAnswer } from '../../support/wire-faults.ts';

const overdueJobs = (count: number) =>
  Array.from({ length: count }, (_, index) =>
    simulatedJob({ status: 'running', ageMinutes: 400 + index / 60 }),
  );
const cancelledJobs = ({ openai }: Curfew) =>
  [...openai.jobs.values()].filter((job) => job.status === 'cancelled').map((job) => job.id);
const noLimit = { cancelLimit: 'none' } as const;

/** Enough for what answers, however loaded the machine is; what hangs takes all of it. */
const remainingMilliseconds = 10_000;

describe('time runs out', { concurrency: true }, () => {
  for (const cancelLimit of ['none', 250] as const) {
    test(`while listing: what was found is cancelled, and the next sweep does the rest (limit ${cancelLimit})`, async () => {
      const jobs = overdueJobs(250);
      for (const [index, job] of jobs.entries()) if (index % 20 > 0) job.status = 'succeeded';
      await using curfew = await startCurfew({ jobs });
      // What a cold start takes is not to be measured here.
      await curfew.list();
      curfew.openai.faultFor = ({ url }) =>
        url.searchParams.get('after') === jobs[99]?.id ? noAnswer : undefined;
      const first = await curfew.sweep({ cancelLimit }, { remainingMilliseconds });
      assert.deepEqual([first.complete, first.overdue, first.cancelled], [false, 5, 5]);
      assert.equal(cancelledJobs(curfew).length, 5);

      curfew.openai.faultFor = () => undefined;
      const second = await curfew.sweep({ cancelLimit });
      assert.deepEqual([second.complete, second.cancelled], [true, 8]);
    });
  }

  test('while cancelling: what got no answer has failed, the rest is as it was', async () => {
    const jobs = overdueJobs(20);
    const silent = new Set(jobs.slice(0, 5).map((job) => job.id));
    await using curfew = await startCurfew({ jobs });
    curfew.openai.faultFor = ({ endpoint, jobId = '' }) =>
      endpoint === 'cancel' && silent.has(jobId) ? noAnswer : undefined;
    const { cancelled, failed, jobs: swept } = await curfew.sweep({}, { remainingMilliseconds });
    assert.deepEqual([cancelled, failed], [15, 5]);
    const unanswered = swept.filter((job) => job.outcome === 'failed');
    assert.deepEqual(new Set(unanswered.map((job) => job.jobId)), silent);
    for (const { error } of unanswered) assert.equal(error?.name, 'OpenAIError');
  });

  test('before the first page: an incomplete sweep that has seen nothing', async () => {
    await using curfew = await startCurfew({ jobs: overdueJobs(1) });
    curfew.openai.faultFor = () => noAnswer;
    const { complete, inspected } = await curfew.sweep({}, { remainingMilliseconds });
    assert.deepEqual([complete, inspected], [false, 0]);
  });

  test('the answer comes before Lambda would end the function', async () => {
    await using curfew = await startCurfew({ jobs: overdueJobs(20) });
    curfew.openai.faultFor = ({ endpoint }) => (endpoint === 'cancel' ? noAnswer : undefined);
    const startedAt = performance.now();
    await curfew.sweep({}, { remainingMilliseconds });
    assert.ok(performance.now() - startedAt < remainingMilliseconds);
  });
});

test('a sweep takes the time that Lambda gives, a cancel ends before the AWS CLI would send it again', async (t) => {
  await using curfew = await startCurfew({ jobs: overdueJobs(1) });
  const timeout = t.mock.method(AbortSignal, 'timeout');
  const longestTimeout = () => Math.max(...timeout.mock.calls.map((call) => Number(call.arguments[0])));
  await curfew.cancel([...curfew.openai.jobs.keys()][0] ?? '', { remainingMilliseconds: 300_000 });
  assert.equal(longestTimeout(), 49_500);
  // A moment has passed since Lambda was asked.
  await curfew.sweep({}, { remainingMilliseconds: 300_000 });
  assert.ok(longestTimeout() > 298_000);
});

test('with hardly any time left the answer is OpenAIError still', async () => {
  await using curfew = await startCurfew({ jobs: overdueJobs(1) });
  curfew.openai.faultFor = () => noAnswer;
  await assert.rejects(curfew.sweep(noLimit, { remainingMilliseconds: 60 }), {
    name: 'OpenAIError',
    message: 'Time ran out before the answer was ready. Try again.',
  });
});

test('once the time runs down, no further page is asked for', async () => {
  const time = fakeTime();
  const jobs = Array.from({ length: 250 }, (_, index) => jobOf({ id: `ftjob-${index}`, ageMinutes: 400 }));
  const project = fakeProject({
    jobs,
    rules: { cancelLimit: 'none' },
    cancel: async (id) => {
      time.runDown();
      return jobOf({ id, status: 'cancelled' });
    },
  });
  const { survey, tally } = await sweep([project], 0, fakeScene({ time }));
  assert.ok(tally.inspected < 250);
  assert.equal(tally.counts.cancelled, tally.inspected, 'what was found is cancelled');
  assert.equal(survey.isComplete, false);
  assert.equal(survey.lookedAt, 0);
  assert.deepEqual(survey.failures, []);
});

test('if the time runs down on the last page, the sweep is complete all the same', async () => {
  const time = fakeTime();
  const project = fakeProject({
    jobs: [jobOf({ id: 'ftjob-1', ageMinutes: 400 })],
    cancel: async (id) => {
      time.runDown();
      return jobOf({ id, status: 'cancelled' });
    },
  });
  const { survey } = await sweep([project], 0, fakeScene({ time }));
  assert.deepEqual([survey.isComplete, survey.lookedAt], [true, 1]);
});

test('a sweep whose cancels are given up because the time is up is not complete', async () => {
  const time = fakeTime();
  const project = fakeProject({
    jobs: [jobOf({ id: 'ftjob-1', ageMinutes: 400 })],
    cancel: async () => {
      time.end();
      throw new OpenAIError('The time was up.');
    },
  });
  const { survey, tally } = await sweep([project], 0, fakeScene({ time }));
  assert.deepEqual([survey.isComplete, tally.counts.failed], [false, 1]);
});
