import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulatedJob } from '../../../infra/local/providers/simulated-job.ts';
import { startCurfew } from '../../support/curfew.ts';

describe('a job sets its own budget in its metadata', () => {
  const cases: [budget: string, ageMinutes: number, isCancelled: boolean][] = [
    ['90', 100, true],
    ['90', 80, false],
    ['1000', 500, false],
    ['none', 50_000, false],
    ['None', 50_000, false],
    [' 1000', 500, false],
    ['1000.5', 1000, false],
    ['soon', 400, true],
    ['soon', 300, false],
  ];
  for (const [budget, ageMinutes, isCancelled] of cases) {
    test(`"${budget}" at ${ageMinutes} minutes: ${isCancelled ? 'cancelled' : 'left alone'}`, async () => {
      const job = simulatedJob({ status: 'running', ageMinutes, metadata: { time_budget_minutes: budget } });
      await using curfew = await startCurfew({ jobs: [job] });
      await curfew.sweep({ lookbackDays: 0 });
      assert.equal(job.status, isCancelled ? 'cancelled' : 'running');
      const warnings = curfew.logLines.filter(({ level }) => level === 'WARN').map(({ message }) => message);
      assert.deepEqual(
        warnings,
        budget === 'soon'
          ? [
              `The metadata time_budget_minutes of ${job.id} is neither a number of minutes nor "none": the budget of the project or deployment holds.`,
            ]
          : [],
      );
    });
  }

  test('and no budget of the request changes that', async () => {
    const job = simulatedJob({ status: 'running', ageMinutes: 80, metadata: { time_budget_minutes: '90' } });
    await using curfew = await startCurfew({ jobs: [job] });
    assert.equal((await curfew.sweep({ timeBudgetMinutes: 0 })).overdue, 0);
  });

  for (const metadata of [{ time_budget_minutes: 1000 }, { team: { name: 'search' } }, ['none'], 'none', 7]) {
    test(`which ${JSON.stringify(metadata)} does not: a warning, and the default holds`, async () => {
      const job = { ...simulatedJob({ id: 'ftjob-1', status: 'running', ageMinutes: 400 }), metadata };
      await using curfew = await startCurfew();
      curfew.openai.faultFor = ({ endpoint }) =>
        endpoint === 'list' ? () => ({ status: 200, body: { data: [job], has_more: false } }) : undefined;
      const { complete, overdue } = await curfew.sweep({ dryRun: true });
      assert.deepEqual([complete, overdue], [true, 1]);
      assert.deepEqual(
        curfew.logLines.filter(({ level }) => level === 'WARN').map(({ message }) => message),
        [
          'The metadata of ftjob-1 has entries that are not texts or exceed the limits of the API: they are ignored.',
        ],
      );
    });
  }
});

test('a budget of 0 cancels all that is in progress, except the exempt and what comes from the future', async () => {
  const jobs = [
    simulatedJob({ id: 'ftjob-new', status: 'running', ageMinutes: 1 }),
    simulatedJob({ id: 'ftjob-exempt', status: 'running', metadata: { time_budget_minutes: 'none' } }),
    simulatedJob({ id: 'ftjob-future', status: 'running', ageMinutes: -10 }),
  ];
  await using curfew = await startCurfew({ jobs });
  const answer = await curfew.sweep({ timeBudgetMinutes: 0 });
  assert.deepEqual(
    answer.jobs.map((job) => job.jobId),
    ['ftjob-new'],
  );
  assert.equal(answer.inProgress, 3);
});
