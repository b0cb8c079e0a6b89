import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulatedJob } from '../../../infra/local/providers/simulated-job.ts';
import { startCurfew } from '../../support/curfew.ts';

describe('what the request of a sweep leaves out comes from the settings', () => {
  const settings = { timeBudgetMinutes: 45, lookbackDays: 3, cancelLimit: 7, dryRun: true };
  const cases = [
    [{}, settings],
    [{ timeBudgetMinutes: 0 }, { ...settings, timeBudgetMinutes: 0 }],
    [{ timeBudgetMinutes: 90.5 }, { ...settings, timeBudgetMinutes: 90.5 }],
    [{ lookbackDays: 0 }, { ...settings, lookbackDays: 0 }],
    [{ cancelLimit: 1 }, { ...settings, cancelLimit: 1 }],
    [{ cancelLimit: 'none' }, { ...settings, cancelLimit: 'none' }],
    [{ dryRun: false }, { ...settings, dryRun: false }],
  ] as const;
  for (const [request, expected] of cases) {
    test(JSON.stringify(request), async () => {
      await using curfew = await startCurfew({ settings });
      const { timeBudgetMinutes, lookbackDays, cancelLimit, dryRun } = await curfew.sweep(request);
      assert.deepEqual({ timeBudgetMinutes, lookbackDays, cancelLimit, dryRun }, expected);
    });
  }
});

describe('with projects the answer says what held in all of them, null where it was not the same', () => {
  const projects = {
    quick: { timeBudgetMinutes: 60, lookbackDays: 1, cancelLimit: 3, dryRun: true },
    slow: { timeBudgetMinutes: 600, cancelLimit: 'none' },
    usual: {},
  } as const;
  const different = { timeBudgetMinutes: null, lookbackDays: null, cancelLimit: null, dryRun: null };
  const cases: [request: object, expected: object][] = [
    [{}, different],
    [{ timeBudgetMinutes: 5 }, { ...different, timeBudgetMinutes: 5 }],
    [{ lookbackDays: 2 }, { ...different, lookbackDays: 2 }],
    [{ cancelLimit: 'none' }, { ...different, cancelLimit: 'none' }],
    [{ dryRun: true }, { ...different, dryRun: true }],
    [{ project: 'slow' }, { timeBudgetMinutes: 600, lookbackDays: 30, cancelLimit: 'none', dryRun: false }],
    [{ project: 'quick' }, projects.quick],
  ];
  for (const [request, expected] of cases) {
    test(JSON.stringify(request), async () => {
      await using curfew = await startCurfew({ projects });
      const { timeBudgetMinutes, lookbackDays, cancelLimit, dryRun } = await curfew.sweep(request);
      assert.deepEqual({ timeBudgetMinutes, lookbackDays, cancelLimit, dryRun }, expected);
    });
  }

  test('and each project is swept by its own settings', async () => {
    const jobs = [simulatedJob({ id: 'ftjob-1', status: 'running', ageMinutes: 90 })];
    await using curfew = await startCurfew({
      jobs,
      projects: { quick: { timeBudgetMinutes: 60, dryRun: true }, usual: {} },
    });
    const answer = await curfew.sweep();
    assert.deepEqual(
      answer.jobs.map(({ project, outcome, timeBudgetMinutes }) => [project, outcome, timeBudgetMinutes]),
      [['quick', 'would_cancel', 60]],
    );
    assert.equal(answer.inProgress, 2);
  });
});

describe('dryRun false arms what is set to dry run', () => {
  const overdue = () => [simulatedJob({ id: 'ftjob-1', status: 'running', ageMinutes: 400 })];

  test('in a deployment without projects', async () => {
    await using curfew = await startCurfew({ jobs: overdue(), settings: { dryRun: true } });
    assert.equal((await curfew.sweep({ dryRun: false })).cancelled, 1);
  });

  test('in a project that the request names', async () => {
    await using curfew = await startCurfew({ jobs: overdue(), projects: { careful: { dryRun: true } } });
    const { cancelled, dryRun } = await curfew.sweep({ dryRun: false, project: 'careful' });
    assert.deepEqual([cancelled, dryRun], [1, false]);
  });

  test('but not in a project that it does not name, even if that is the only one', async () => {
    await using curfew = await startCurfew({ jobs: overdue(), projects: { careful: { dryRun: true } } });
    const { wouldCancel, cancelled, dryRun } = await curfew.sweep({ dryRun: false });
    assert.deepEqual([wouldCancel, cancelled, dryRun], [1, 0, true]);
  });
});
