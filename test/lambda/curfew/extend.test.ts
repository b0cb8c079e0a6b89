import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type SimulatedJob, simulatedJob } from '../../../infra/local/providers/simulated-job.ts';
import { extend } from '../../../lambda/curfew/extend.ts';
import type { JobRecord } from '../../../lambda/curfew/job-table.ts';
import { startCurfew } from '../../support/curfew.ts';
import {
  fakeProject,
  fakeTable,
  fakeTime,
  isoIn,
  jobOf,
  nowMilliseconds,
  nowSeconds,
} from '../../support/fake-ports.ts';

describe('a job may run for so many minutes from now', () => {
  const extended = async (
    fields: Partial<Parameters<typeof jobOf>[0]>,
    minutes: number,
    record: JobRecord = {},
  ) => {
    const table = fakeTable({ 'ftjob-1': record });
    const job = jobOf({ id: 'ftjob-1', ...fields });
    // Half a second past the second, as time is.
    const scene = {
      table,
      time: fakeTime(),
      nowMilliseconds: nowMilliseconds + 500,
      requestedBy: 'alice',
    };
    const answer = await extend({ project: fakeProject(), job }, minutes, scene);
    return { answer, until: table.rows.get('ftjob-1')?.extendedUntilSeconds, reads: table.reads.length };
  };
  const answer = (previousMinutes: number, minutes: number, status = 'running') => ({
    jobId: 'ftjob-1',
    status,
    previousDeadline: isoIn(previousMinutes),
    deadline: isoIn(minutes),
  });

  test('if that is later than its deadline', async () => {
    const { answer: given, until } = await extended({ ageMinutes: 350 }, 120);
    assert.deepEqual(given, answer(10, 120));
    assert.equal(until, nowSeconds + 7200);
  });

  test('even if it is overdue already', async () => {
    assert.deepEqual((await extended({ ageMinutes: 400 }, 5)).answer, answer(-40, 5));
  });

  test('and longer, if it was extended before', async () => {
    const record = { extendedUntilSeconds: nowSeconds + 3600 };
    assert.deepEqual((await extended({ ageMinutes: 400 }, 90, record)).answer, answer(60, 90));
  });

  test('but never shorter than its extension', async () => {
    const record = { extendedUntilSeconds: nowSeconds + 3600 };
    const { answer: given, until } = await extended({ ageMinutes: 400 }, 60, record);
    assert.deepEqual(given, answer(60, 60));
    assert.equal(until, nowSeconds + 3600);
    assert.deepEqual((await extended({ ageMinutes: 400 }, 5, record)).answer, answer(60, 60));
  });

  test('but never shorter than its budget', async () => {
    const { answer: given, until } = await extended({ ageMinutes: 60 }, 300);
    assert.deepEqual(given, answer(300, 300));
    assert.equal(until, undefined, 'nothing is written');
  });

  test('unless it is exempt: it stays so, and has no deadline', async () => {
    const { answer: given, reads } = await extended({ metadata: { time_budget_minutes: 'none' } }, 60);
    assert.deepEqual(given, { jobId: 'ftjob-1', status: 'running', previousDeadline: null, deadline: null });
    assert.equal(reads, 0, 'the table has nothing to say');
  });

  for (const status of ['succeeded', 'cancelled', 'paused', 'frozen']) {
    test(`unless it is ${status}: its deadline stays`, async () => {
      const { answer: given, until } = await extended({ ageMinutes: 350, status }, 120);
      assert.deepEqual(given, answer(10, 10, status));
      assert.equal(until, undefined);
    });
  }
});

test('a row that cannot be read is StateError, even if there were nothing to write', async () => {
  const job = jobOf({ id: 'ftjob-1', status: 'succeeded' });
  const scene = {
    table: fakeTable({}, ['ftjob-1']),
    time: fakeTime(),
    nowMilliseconds,
    requestedBy: 'alice',
  };
  await assert.rejects(extend({ project: fakeProject(), job }, 60, scene), { name: 'StateError' });
});

describe('on the wire', () => {
  const overdueJob = (fields: Partial<SimulatedJob> = {}) =>
    simulatedJob({ id: 'ftjob-1', status: 'running', ageMinutes: 400, ...fields });

  test('an extended job survives the sweep, and is cancelled by it after the extension', async () => {
    await using curfew = await startCurfew({ jobs: [overdueJob()] });
    await curfew.extend('ftjob-1', 60, { requestedBy: 'alice, INC-1234' });
    const row = curfew.aws.table.rows.get('ftjob-1');
    assert.equal(row?.['extendedBy'], 'alice, INC-1234');
    const { overdue, inProgress } = await curfew.sweep();
    assert.deepEqual([overdue, inProgress], [0, 1]);
    assert.equal((await curfew.list()).jobs[0]?.budgetFrom, 'extension');

    curfew.aws.table.rows.set('ftjob-1', { ...row, jobId: 'ftjob-1', extendedUntil: 1 });
    assert.equal((await curfew.sweep()).cancelled, 1);
  });

  test('and a budget in the request of a sweep does not end an extension', async () => {
    await using curfew = await startCurfew({ jobs: [overdueJob()] });
    await curfew.extend('ftjob-1', 60);
    assert.equal((await curfew.sweep({ timeBudgetMinutes: 0 })).overdue, 0);
  });

  test('of two extensions at once the longer one holds, and both answers say so or are shorter', async () => {
    await using curfew = await startCurfew({ jobs: [overdueJob()] });
    const [short, long] = await Promise.all([curfew.extend('ftjob-1', 30), curfew.extend('ftjob-1', 90)]);
    const [row] = (await curfew.list()).jobs;
    assert.equal(row?.deadline, long.deadline);
    assert.ok(Date.parse(short.deadline ?? '') <= Date.parse(long.deadline ?? ''));
  });

  test('the log says until when, and who asked', async () => {
    await using curfew = await startCurfew({ jobs: [overdueJob()] });
    const { deadline, previousDeadline } = await curfew.extend('ftjob-1', 60, { requestedBy: 'alice' });
    const line = curfew.logLines.find(({ minutes }) => minutes === 60);
    assert.equal(
      line?.['message'],
      `Fine-tuning job ftjob-1 may run until ${deadline}, as asked (alice); it was ${previousDeadline}.`,
    );
  });

  test('the answer names the project that has the job', async () => {
    await using curfew = await startCurfew({ jobs: [overdueJob()], projects: { eu: {} } });
    assert.equal((await curfew.extend('ftjob-1', 60)).project, 'eu');
    assert.equal((await curfew.extend('ftjob-1', 60, { project: 'eu' })).project, 'eu');
  });

  for (const health of ['denied', 'throttled', 'down'] as const) {
    test(`a table that is ${health} is StateError, and no sweep cancels what may have been extended`, async () => {
      await using curfew = await startCurfew({ jobs: [overdueJob()] });
      curfew.aws.table.health = health;
      await assert.rejects(curfew.extend('ftjob-1', 60), { name: 'StateError' });
      const { failed, cancelled, jobs } = await curfew.sweep();
      assert.deepEqual([failed, cancelled, jobs[0]?.error?.name], [1, 0, 'StateError']);
      assert.equal(curfew.openai.jobs.get('ftjob-1')?.status, 'running');
      assert.equal((await curfew.cancel('ftjob-1')).outcome, 'cancelled', 'on request it is');
    });
  }

  test('a job that nobody has is JobNotFoundError', async () => {
    await using curfew = await startCurfew();
    await assert.rejects(curfew.extend('ftjob-1', 60), { name: 'JobNotFoundError' });
  });
});
