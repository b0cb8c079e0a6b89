import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { list } from '../../../lambda/curfew/list.ts';
import {
  type FakeContextOptions,
  type FakeProjectOptions,
  fakeContext,
  fakeProject,
  isoIn,
  jobOf,
  listThenFail,
  now,
} from '../../support/fake-ports.ts';

const exempt = { time_budget_minutes: 'none' };
const jobs = [
  jobOf({ id: 'paused', phase: 'other', ageMinutes: 370 }),
  jobOf({ id: 'exempt', ageMinutes: 5, metadata: exempt }),
  jobOf({ id: 'extended', ageMinutes: 200 }),
  jobOf({ id: 'own-budget', ageMinutes: 210, metadata: { time_budget_minutes: '15h' } }),
  jobOf({ id: 'finished', ageMinutes: 220, phase: 'finished' }),
  jobOf({ id: 'cancelling', ageMinutes: 380, phase: 'cancelling' }),
  jobOf({ id: 'slip', ageMinutes: 310, metadata: { timeBudgetMinutes: '5' } }),
  jobOf({ id: 'unreadable', ageMinutes: 400 }),
  jobOf({ id: 'overdue', ageMinutes: 400.9, phase: 'waiting', estimatedFinish: now + 60 }),
  jobOf({ id: 'exempt-unreadable', ageMinutes: 500, metadata: exempt }),
  jobOf({ id: 'trained-late', ageMinutes: 90_000 }),
];
const rows = { extended: { extendedUntil: now + 3 * 3_600 }, 'trained-late': { lastWaiting: now - 600 } };
const unreadable = ['unreadable', 'exempt-unreadable'];

async function listed({ rows, unreadable, ...options }: FakeProjectOptions & FakeContextOptions = {}) {
  const context = fakeContext({ ...(rows && { rows }), ...(unreadable && { unreadable }) });
  const { answer, readError: why } = await list([fakeProject(options)], context);
  return { ...answer, ids: answer.jobs.map(({ jobId }) => jobId).join(' '), why, context };
}

test('the soonest deadline comes first, then jobs without a known deadline, then those that are never cancelled', async () => {
  const { ids, complete, why } = await listed({ jobs, rows, unreadable, pageSize: 2 });
  const active = 'overdue slip extended trained-late own-budget';
  assert.equal(ids, `${active} exempt-unreadable unreadable exempt cancelling paused`);
  assert.deepEqual([complete, why?.name], [false, 'StateError']);
});

describe('a list shows for a job that is', () => {
  const cases: [jobId: string, expected: object][] = [
    ['extended', { budgetFrom: 'extension', timeBudgetMinutes: 360, countsFrom: isoIn(-200), deadline: isoIn(180) }],
    ['own-budget', { budgetFrom: 'metadata', timeBudgetMinutes: 900, deadline: isoIn(690), estimatedFinish: null }],
    ['trained-late', { budgetFrom: 'default', ageMinutes: 90_000, countsFrom: isoIn(-10), deadline: isoIn(350) }],
    ['slip', { timeBudgetMinutes: 360, deadline: isoIn(50), unreadableBudget: 'timeBudgetMinutes: 5' }],
    ['unreadable', { budgetFrom: null, timeBudgetMinutes: 360, countsFrom: null, deadline: null, overdue: false }],
    ['exempt', { budgetFrom: 'exempt', timeBudgetMinutes: null, countsFrom: isoIn(-5), deadline: null }],
    ['exempt-unreadable', { budgetFrom: 'exempt', timeBudgetMinutes: null, countsFrom: null, deadline: null }],
    ['cancelling', { status: 'cancelling', deadline: null, overdue: false }],
    ['paused', { status: 'paused', deadline: null, overdue: false }],
  ];
  for (const [jobId, expected] of cases) {
    test(`${jobId}: ${JSON.stringify(expected)}`, async () => {
      const entry = (await listed({ jobs, rows, unreadable })).jobs.find((job) => job.jobId === jobId);
      assert.deepEqual({ ...entry, ...expected }, entry);
    });
  }

  test('overdue, all fields', async () => {
    const { jobs: entries, complete, jobsOmitted } = await listed({ jobs: jobs.filter(({ id }) => id === 'overdue') });
    const deadlines = { countsFrom: isoIn(-400.9), deadline: isoIn(-40.9), estimatedFinish: isoIn(1), overdue: true };
    const budget = { ageMinutes: 400, timeBudgetMinutes: 360, budgetFrom: 'default' };
    assert.deepEqual(entries, [{ jobId: 'overdue', status: 'queued', model: 'gpt-4o', ...budget, ...deadlines }]);
    assert.deepEqual([complete, jobsOmitted], [true, 0]);
  });
});

test('a list only reads, and looks up the rows of all jobs in progress', async () => {
  const { context } = await listed({ jobs, pageSize: 2 });
  const ids = jobs.map(({ id }) => id).filter((id) => id !== 'paused' && id !== 'finished');
  assert.deepEqual([context.table.reads, context.calls], [ids, []]);
});

test('the jobs of all projects are sorted together, each with the budget of its project', async () => {
  const projects = [200, 20].map((timeBudgetMinutes) => {
    const rules = { timeBudgetMinutes, budgetFrom: 'project' } as const;
    return fakeProject({ name: `p${timeBudgetMinutes}`, jobs: [jobOf({ id: 'a', ageMinutes: 10 })], rules });
  });
  const { answer } = await list(projects, fakeContext());
  const entries = answer.jobs.map(({ project, deadline, budgetFrom }) => [project, deadline, budgetFrom]);
  assert.deepEqual(entries, [
    ['p20', isoIn(10), 'project'],
    ['p200', isoIn(190), 'project'],
  ]);
  assert.deepEqual([answer.projects, answer.failedProjects], [2, []]);
});

describe('a list is incomplete', () => {
  const running = jobOf({ id: 'a' });

  test('if a later page could not be read, but has the earlier ones', async () => {
    const [eu, us] = [fakeProject({ name: 'eu', list: listThenFail([[running]]) }), fakeProject({ name: 'us' })];
    const { answer } = await list([eu, us], fakeContext());
    assert.deepEqual([answer.complete, answer.jobs.length, answer.projects], [false, 1, 1]);
    assert.equal(answer.failedProjects?.[0]?.project, 'eu');
  });

  test('if a job has no creation time', async () => {
    const { complete, ids } = await listed({ jobs: [running, jobOf({ id: 'undated', createdAt: null })] });
    assert.deepEqual([complete, ids], [false, 'a']);
  });

  test('if tags cannot be read, which leaves the deadline unknown', async () => {
    const { complete, jobs: entries } = await listed({ jobs: [{ ...running, metadataError: new Error('No tags.') }] });
    assert.deepEqual([complete, entries[0]?.deadline, entries[0]?.budgetFrom], [false, null, null]);
  });

  test('and is an error if no project could be read', async () => {
    const projects = ['eu', 'us'].map((name) => fakeProject({ name, list: listThenFail([]) }));
    await assert.rejects(list(projects, fakeContext()), {
      name: 'OpenAIError',
      message: 'Project "eu": No answer in time.',
    });
  });
});

test('of more than 500 jobs, those with the soonest deadlines are listed and the rest counted', async () => {
  const many = Array.from({ length: 501 }, (_, index) => jobOf({ id: `ftjob-${index}`, ageMinutes: index }));
  const { jobs: entries, jobsOmitted } = await listed({ jobs: many });
  assert.deepEqual([entries.length, jobsOmitted], [500, 1]);
  assert.deepEqual([entries[0]?.jobId, entries[499]?.jobId], ['ftjob-500', 'ftjob-1']);
});
