import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type SimulatedJob, simulatedJob } from '../../infra/local/providers/simulated-job.ts';
import { StateError } from '../../lambda/errors.ts';
import { type Curfew, endpoints, startCurfew } from '../support/curfew.ts';
import { says } from '../support/wire-faults.ts';

/** Jobs under the default budget of 360 minutes: one that goes on, one near its deadline, one past it. */
const jobOfAge = (ageMinutes: number, more: Partial<SimulatedJob> = {}) =>
  simulatedJob({ id: 'ftjob-1', status: 'running', ageMinutes, ...more });
const exempt = { metadata: { time_budget_minutes: 'none' } };
const inSeconds = (minutes: number) => Math.floor(Date.now() / 1000) + minutes * 60;
const use = ({ aws: { table } }: Curfew) => ({ reads: table.reads, writes: table.writes });

describe('a sweep reads the table only for jobs that are overdue or near, and writes only what is news', () => {
  const cases: [name: string, job: SimulatedJob, reads: number, writes: number][] = [
    ['no job', jobOfAge(400, { status: 'succeeded' }), 0, 0],
    ['a job within its budget', jobOfAge(10), 0, 0],
    ['an exempt job', jobOfAge(4_000, exempt), 0, 0],
    ['a job that is neither in progress nor finished', jobOfAge(400, { status: 'paused' }), 0, 0],
    ['an overdue job', jobOfAge(400), 1, 0],
    ['a job near its deadline', jobOfAge(350), 1, 1],
    ['a job that will not finish in time', jobOfAge(10, { estimated_finish: inSeconds(600) }), 1, 1],
  ];
  for (const [name, job, reads, writes] of cases) {
    test(name, async () => {
      await using curfew = await startCurfew({ jobs: [job] });
      await curfew.sweep();
      assert.deepEqual(use(curfew), { reads, writes });
    });
  }

  test('a near job that was warned about before', async () => {
    await using curfew = await startCurfew({ jobs: [jobOfAge(350)] });
    await curfew.sweep();
    await curfew.sweep();
    assert.deepEqual(use(curfew), { reads: 2, writes: 1 });
  });

  test('a near job, if nobody is warned', async () => {
    await using curfew = await startCurfew({ jobs: [jobOfAge(350)], settings: { warnBeforeMinutes: 0 } });
    await curfew.sweep();
    assert.deepEqual(use(curfew), { reads: 0, writes: 0 });
  });

  for (const request of [{ timeBudgetMinutes: 360 }, { dryRun: true }]) {
    test(`a near job, in a sweep that only tries something out: ${JSON.stringify(request)}`, async () => {
      await using curfew = await startCurfew({ jobs: [jobOfAge(350)] });
      await curfew.sweep(request);
      assert.deepEqual(use(curfew), { reads: 0, writes: 0 });
    });
  }

  test('a job that it leaves cancelling, which is noted once', async () => {
    const job = jobOfAge(400);
    await using curfew = await startCurfew({ jobs: [job] });
    curfew.openai.faultFor = ({ endpoint }) => (endpoint === 'cancel' ? says(job) : undefined);
    await curfew.sweep();
    assert.deepEqual(use(curfew), { reads: 1, writes: 1 });
    await curfew.sweep();
    assert.deepEqual(use(curfew), { reads: 2, writes: 1 });
  });

  test('a page of overdue jobs, in one call', async () => {
    const jobs = Array.from({ length: 100 }, () => simulatedJob({ status: 'running', ageMinutes: 400 }));
    await using curfew = await startCurfew({ jobs });
    await curfew.sweep();
    assert.deepEqual(use(curfew), { reads: 1, writes: 0 });
  });
});

describe('other requests', () => {
  test('a cancel on request and stopping everything need no table', async () => {
    await using curfew = await startCurfew({ jobs: [jobOfAge(10), jobOfAge(400, { id: 'ftjob-2' })] });
    curfew.aws.table.health = 'down';
    assert.equal((await curfew.cancel('ftjob-1')).outcome, 'cancelled');
    assert.equal((await curfew.stopAll()).cancelled, 1);
    assert.deepEqual(use(curfew), { reads: 0, writes: 0 });
  });

  test('a list reads the rows of all that has a deadline, and writes none', async () => {
    const jobs = [
      jobOfAge(10),
      jobOfAge(4_000, { id: 'exempt', ...exempt }),
      jobOfAge(10, { id: 'paused', status: 'paused' }),
      jobOfAge(10, { id: 'done', status: 'succeeded' }),
    ];
    await using curfew = await startCurfew({ jobs });
    await curfew.list();
    assert.deepEqual(use(curfew), { reads: 1, writes: 0 });
    assert.deepEqual(curfew.aws.table.idsRead, ['ftjob-1']);
  });

  test('a list of nothing reads nothing', async () => {
    await using curfew = await startCurfew();
    await curfew.list();
    assert.deepEqual(use(curfew), { reads: 0, writes: 0 });
  });

  const extensions: [name: string, job: SimulatedJob, reads: number, writes: number][] = [
    ['that takes effect reads and writes once', jobOfAge(10), 1, 1],
    ['of an exempt job touches nothing', jobOfAge(10, exempt), 0, 0],
  ];
  for (const [name, job, reads, writes] of extensions) {
    test(`an extension ${name}`, async () => {
      await using curfew = await startCurfew({ jobs: [job] });
      await curfew.extend('ftjob-1', 600);
      assert.deepEqual(use(curfew), { reads, writes });
    });
  }

  test('an extension that is not later than the deadline writes nothing', async () => {
    await using curfew = await startCurfew({ jobs: [jobOfAge(10)] });
    await curfew.extend('ftjob-1', 5);
    assert.deepEqual(use(curfew), { reads: 1, writes: 0 });
  });
});

describe('with a table that is throttled, denied or down', { concurrency: true }, () => {
  for (const health of ['throttled', 'denied', 'down'] as const) {
    test(`(${health}) a sweep cancels no job that may have been extended, and says so`, async () => {
      await using curfew = await startCurfew({ jobs: [jobOfAge(400)] });
      curfew.aws.table.health = health;
      const { failed, cancelled, complete, jobs } = await curfew.sweep();
      assert.deepEqual([failed, cancelled, complete], [1, 0, true]);
      assert.equal(jobs[0]?.error?.name, 'StateError');
      assert.deepEqual(endpoints(curfew.openai), ['list']);
      const line = curfew.logLines.find(({ jobId }) => jobId === 'ftjob-1');
      assert.equal(line?.['level'], 'ERROR');
      assert.equal(curfew.metricDocuments[0]?.['CancelFailures'], 1);
    });

    test(`(${health}) a near job is left to the next sweep, with a warning in the log`, async () => {
      await using curfew = await startCurfew({ jobs: [jobOfAge(350)] });
      curfew.aws.table.health = health;
      const { failed, complete } = await curfew.sweep();
      assert.deepEqual([failed, complete], [0, true]);
      assert.deepEqual(curfew.aws.events, []);
      const warnings = curfew.logLines.filter(({ level }) => level === 'WARN');
      assert.equal(warnings.length, 1);
      assert.match(String(warnings[0]?.['message']), /^ftjob-1: The table of extensions could not be read/);
    });

    test(`(${health}) a list says that it does not know the deadlines`, async () => {
      await using curfew = await startCurfew({ jobs: [jobOfAge(400)] });
      curfew.aws.table.health = health;
      const { complete, jobs } = await curfew.list();
      const [job] = jobs;
      assert.equal(complete, false);
      assert.deepEqual([job?.deadline, job?.budgetFrom, job?.overdue], [null, null, false]);
    });

    test(`(${health}) an extension is a StateError`, async () => {
      await using curfew = await startCurfew({ jobs: [jobOfAge(10)] });
      curfew.aws.table.health = health;
      await assert.rejects(curfew.extend('ftjob-1', 600), { name: 'StateError' });
      assert.deepEqual(
        curfew.metricDocuments.map(({ Errors }) => Errors),
        [1],
      );
    });
  }

  test('(silent) a sweep ends all the same', async () => {
    await using curfew = await startCurfew({ jobs: [jobOfAge(400), jobOfAge(350, { id: 'ftjob-2' })] });
    curfew.aws.table.health = 'silent';
    const startedAt = performance.now();
    assert.equal((await curfew.sweep()).failed, 1);
    assert.ok(performance.now() - startedAt < 12_000);
  });

  test('(silent) a list answers within 50 seconds', async () => {
    await using curfew = await startCurfew({ jobs: [jobOfAge(400)] });
    curfew.aws.table.health = 'silent';
    const startedAt = performance.now();
    assert.equal((await curfew.list()).complete, false);
    assert.ok(performance.now() - startedAt < 12_000);
  });

  test('(silent) every answer comes in time, though there is little', async () => {
    const jobs = ['1', '2', '3'].map((name) => jobOfAge(400, { id: `ftjob-${name}` }));
    await using curfew = await startCurfew({ jobs });
    curfew.aws.table.health = 'silent';
    // Less than the table's own time-outs come to.
    const inTime = { remainingMilliseconds: 8_000 };
    const startedAt = performance.now();
    const answers = await Promise.allSettled([
      curfew.sweep({}, inTime),
      curfew.list({}, inTime),
      curfew.extend('ftjob-1', 60, inTime),
    ]);
    assert.ok(performance.now() - startedAt < 8_000);
    const [swept, listed, extended] = answers;
    assert.partialDeepStrictEqual(swept, { status: 'fulfilled', value: { cancelled: 0, failed: 3 } });
    assert.partialDeepStrictEqual(listed, { status: 'fulfilled', value: { complete: false } });
    assert.ok(extended.status === 'rejected' && extended.reason instanceof StateError);
  });

  test('that leaves out one row of two, a sweep cancels only the other', async () => {
    await using curfew = await startCurfew({ jobs: [jobOfAge(400), jobOfAge(400, { id: 'ftjob-2' })] });
    curfew.aws.table.leaves = (jobId) => jobId === 'ftjob-2';
    const { cancelled, failed } = await curfew.sweep();
    assert.deepEqual([cancelled, failed], [1, 1]);
    assert.equal(curfew.openai.jobs.get('ftjob-2')?.status, 'running');
  });
});
