import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulatedJob } from '../../../infra/local/providers/simulated-job.ts';
import { list } from '../../../lambda/curfew/list.ts';
import { endpoints, startCurfew } from '../../support/curfew.ts';
import {
  fakeProject,
  fakeTable,
  fakeTime,
  isoIn,
  jobOf,
  nowMilliseconds,
  nowSeconds,
} from '../../support/fake-ports.ts';

const exempt = { time_budget_minutes: 'none' };

describe('a list', () => {
  const jobs = [
    jobOf({ id: 'paused-late', ageMinutes: 1, status: 'paused' }),
    jobOf({ id: 'exempt', ageMinutes: 5, metadata: exempt }),
    jobOf({ id: 'extended', ageMinutes: 200 }),
    jobOf({ id: 'own-budget', ageMinutes: 210, metadata: { time_budget_minutes: '900' } }),
    jobOf({ id: 'finished', ageMinutes: 220, status: 'succeeded' }),
    jobOf({ id: 'frozen-soon', ageMinutes: 300, status: 'frozen' }),
    jobOf({ id: 'unreadable', ageMinutes: 350 }),
    jobOf({ id: 'overdue', ageMinutes: 400.9, status: 'queued', estimatedFinishSeconds: nowSeconds + 60 }),
    jobOf({ id: 'exempt-older', ageMinutes: 500, metadata: exempt }),
  ];
  const scene = () => ({
    table: fakeTable({ extended: { extendedUntilSeconds: nowSeconds + 3 * 3600 } }, ['unreadable']),
    time: fakeTime(),
    nowMilliseconds,
  });

  test('has the soonest deadline first, then what is not known, then exempt ones, then those not in progress', async () => {
    const listed = await list([fakeProject({ jobs })], scene());
    assert.deepEqual(
      listed.jobs.map(({ jobId }) => jobId),
      [
        'overdue',
        'extended',
        'own-budget',
        'unreadable',
        'exempt-older',
        'exempt',
        'frozen-soon',
        'paused-late',
      ],
    );
    assert.equal(listed.stateError?.name, 'StateError');
  });

  test('looks at jobs of any age', async () => {
    const listed = await list([fakeProject({ jobs: [jobOf({ id: 'a', ageMinutes: 1e6 })] })], scene());
    assert.equal(listed.jobs.length, 1);
    assert.equal(listed.stateError, undefined);
  });

  const rows: [jobId: string, expected: object][] = [
    [
      'overdue',
      {
        status: 'queued',
        model: 'gpt-4o',
        ageMinutes: 400,
        timeBudgetMinutes: 360,
        budgetFrom: 'default',
        deadline: isoIn(-40.9),
        estimatedFinish: isoIn(1),
        overdue: true,
      },
    ],
    ['extended', { budgetFrom: 'extension', timeBudgetMinutes: 360, deadline: isoIn(180), overdue: false }],
    ['own-budget', { budgetFrom: 'metadata', timeBudgetMinutes: 900, deadline: isoIn(690) }],
    ['unreadable', { budgetFrom: null, timeBudgetMinutes: 360, deadline: null, overdue: false }],
    ['exempt', { budgetFrom: 'exempt', timeBudgetMinutes: null, deadline: null, estimatedFinish: null }],
    ['frozen-soon', { status: 'frozen', budgetFrom: 'default', deadline: null, overdue: false }],
    ['paused-late', { status: 'paused', deadline: null, overdue: false }],
  ];
  for (const [jobId, expected] of rows) {
    test(`says of a job that is ${jobId}: ${JSON.stringify(expected)}`, async () => {
      const listed = await list([fakeProject({ jobs })], scene());
      const row = listed.jobs.find((job) => job.jobId === jobId);
      assert.deepEqual({ ...row, ...expected }, row);
    });
  }

  test('says even of an overdue job not that it is overdue, if it cannot be read whether it was extended', async () => {
    const project = fakeProject({ jobs: [jobOf({ id: 'unreadable', ageMinutes: 400 })] });
    const [row] = (await list([project], scene())).jobs;
    assert.equal(row?.overdue, false);
  });

  test('says of a job that is overdue and paused not that it is overdue', async () => {
    const project = fakeProject({ jobs: [jobOf({ id: 'a', ageMinutes: 400, status: 'paused' })] });
    const [row] = (await list([project], scene())).jobs;
    assert.equal(row?.overdue, false);
  });

  test('reads once what is kept of the jobs with a deadline, and of no others', async () => {
    const { table, ...rest } = scene();
    await list([fakeProject({ jobs, pageSize: 2 })], { table, ...rest });
    assert.deepEqual(table.reads, [['extended', 'own-budget', 'unreadable', 'overdue']]);
  });

  test('puts the jobs of all projects in one order, each with the budget of its project', async () => {
    const projects = ['slow', 'quick'].map((name) =>
      fakeProject({
        name,
        jobs: [jobOf({ id: `of-${name}`, ageMinutes: 10 })],
        rules: { timeBudgetMinutes: name === 'quick' ? 20 : 200, budgetFrom: 'project' },
      }),
    );
    const listed = await list(projects, scene());
    assert.deepEqual(
      listed.jobs.map(({ project, jobId, deadline, budgetFrom }) => [project, jobId, deadline, budgetFrom]),
      [
        ['quick', 'of-quick', isoIn(10), 'project'],
        ['slow', 'of-slow', isoIn(190), 'project'],
      ],
    );
  });
});

test('a list on the wire only reads', async () => {
  const jobs = [simulatedJob({ id: 'ftjob-1', status: 'running', ageMinutes: 400 })];
  await using curfew = await startCurfew({ jobs });
  const { complete, jobs: listed, jobsOmitted } = await curfew.list();
  assert.deepEqual([complete, listed.length, jobsOmitted], [true, 1, 0]);
  assert.deepEqual(endpoints(curfew.openai), ['list']);
  assert.equal(curfew.aws.table.writes, 0);
  assert.deepEqual(curfew.aws.events, []);
});

test('500 jobs are listed, those with the soonest deadline, and the rest is counted', async () => {
  const jobs = Array.from({ length: 501 }, (_, index) =>
    simulatedJob({ id: `ftjob-${index}`, status: 'running', ageMinutes: index }),
  );
  await using curfew = await startCurfew({ jobs });
  const { jobs: listed, jobsOmitted } = await curfew.list();
  assert.deepEqual([listed.length, jobsOmitted], [500, 1]);
  assert.deepEqual([listed[0]?.jobId, listed[499]?.jobId], ['ftjob-500', 'ftjob-1']);
});
