import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { SweepRequest } from '../../../lambda/contract.ts';
import { sweep } from '../../../lambda/curfew/sweep.ts';
import { type FakeProject, fakeContext, fakeProject, jobOf, listThenFail } from '../../support/fake-ports.ts';

const overdue = (id: string) => jobOf({ id, ageMinutes: 400 });
const sweepAll = async (projects: FakeProject[], request: SweepRequest['sweep'] = {}) => {
  const context = fakeContext();
  return { ...(await sweep({ sweep: request }, projects, context)), context };
};
describe('what a request leaves out comes from the settings', () => {
  const rules = { timeBudgetMinutes: 45, lookbackDays: 3, cancelLimit: 7, dryRun: true };
  const other = { timeBudgetMinutes: 600, lookbackDays: 30, cancelLimit: 'none', dryRun: false } as const;
  const differing = { timeBudgetMinutes: null, lookbackDays: null, cancelLimit: null, dryRun: null };
  const projects = () => [fakeProject({ name: 'a', rules }), fakeProject({ name: 'b', rules: other })];
  const requests: SweepRequest['sweep'][] = [
    {},
    { timeBudgetMinutes: 0 },
    { timeBudgetMinutes: 90.5 },
    { lookbackDays: 0 },
    { cancelLimit: 'none' },
    { dryRun: true },
  ];
  for (const request of requests) {
    test(`${JSON.stringify(request)}, and is null where projects differ`, async () => {
      const { answer } = await sweepAll([fakeProject({ rules })], request);
      assert.deepEqual({ ...answer, ...rules, ...request }, answer);
      const { answer: ofBoth } = await sweepAll(projects(), request);
      assert.deepEqual({ ...ofBoth, ...differing, ...request }, ofBoth);
    });
  }

  test("and a job's own budget stays, even if the request says 0", async () => {
    const own = jobOf({ id: 'own', ageMinutes: 80, metadata: { time_budget_minutes: '90' } });
    const waiting = jobOf({ id: 'waiting', phase: 'waiting', ageMinutes: 1 });
    const project = fakeProject({ jobs: [jobOf({ id: 'other' }), own, waiting] });
    await sweepAll([project], { timeBudgetMinutes: 0 });
    assert.deepEqual(project.cancels, ['other', 'waiting']);
  });
});

describe('"dryRun": false arms', () => {
  const cases: [name: string, project: string | undefined, request: SweepRequest['sweep'], cancelled: number][] = [
    ['a deployment without projects', undefined, {}, 1],
    ['a project that the request names', 'eu', { project: 'eu' }, 1],
    ['no project that the request does not name, even the only one', 'eu', {}, 0],
  ];
  for (const [name, project, request, cancelled] of cases) {
    test(name, async () => {
      const options = { jobs: [overdue('late')], rules: { dryRun: true }, ...(project && { name: project }) };
      const { answer } = await sweepAll([fakeProject(options)], { dryRun: false, ...request });
      assert.deepEqual([answer.cancelled, answer.wouldCancel, answer.dryRun], [cancelled, 1 - cancelled, !cancelled]);
    });
  }
});

test('each project is swept by its own rules, and the answer names the project of each job', async () => {
  const quick = fakeProject({ name: 'quick', jobs: [overdue('a')], rules: { timeBudgetMinutes: 60, dryRun: true } });
  const usual = fakeProject({ name: 'usual', jobs: [overdue('b'), jobOf({ id: 'c', ageMinutes: 90 })] });
  const held = fakeProject({ name: 'held', jobs: [overdue('d'), overdue('e')], rules: { cancelLimit: 1 } });
  const { answer } = await sweepAll([quick, usual, held]);
  const entries = answer.jobs.map(({ project, jobId, outcome, timeBudgetMinutes }) =>
    [project, jobId, outcome, timeBudgetMinutes].join(' '),
  );
  assert.deepEqual(entries.sort(), [
    'held d held_back 360',
    'held e held_back 360',
    'quick a would_cancel 60',
    'usual b cancelled 360',
  ]);
  assert.deepEqual([answer.projects, answer.failedProjects, answer.failedProjectsOmitted], [3, [], 0]);
});

describe('a project that fails', () => {
  const bad = (name: string) => fakeProject({ name, list: listThenFail([]) });

  test('costs the others nothing, and is named in configured order', async () => {
    const good = fakeProject({ name: 'good', jobs: [overdue('late')] });
    const { answer } = await sweepAll([bad('b'), good, bad('a')]);
    const error = { name: 'OpenAIError', message: 'No answer in time.' };
    assert.deepEqual([answer.complete, answer.cancelled, answer.projects], [false, 1, 1]);
    assert.deepEqual(answer.failedProjects, [
      { project: 'b', error },
      { project: 'a', error },
    ]);
  });
});

describe('projects are swept side by side', () => {
  test('200 at once, so that a hundred that hang hold up no others', async () => {
    const release = Promise.withResolvers<void>();
    let begun = 0;
    const projects = Array.from({ length: 300 }, (_, index) =>
      fakeProject({
        name: `project-${index}`,
        async *list() {
          begun += 1;
          await release.promise;
          yield { jobs: [], unreadable: [] };
        },
      }),
    );
    const swept = sweepAll(projects);
    await new Promise(setImmediate);
    assert.equal(begun, 200);
    release.resolve();
    assert.equal((await swept).answer.projects, 300);
  });

  test('in random order, so that it is not always the same ones that run out of time', async (t) => {
    const order: (string | undefined)[] = [];
    const values = [0.9, 0.1, 0.5];
    t.mock.method(Math, 'random', () => values.shift());
    const named = ['a', 'b', 'c'].map((name) =>
      fakeProject({
        name,
        async *list() {
          order.push(name);
          yield { jobs: [], unreadable: [] };
        },
      }),
    );
    await sweepAll(named);
    assert.deepEqual(order, ['b', 'c', 'a']);
  });
});
