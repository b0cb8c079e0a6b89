import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulatedJob } from '../../../infra/local/providers/simulated-job.ts';
import { startCurfew } from '../../support/curfew.ts';

test('a job that cannot be judged is told of with its project', async () => {
  await using curfew = await startCurfew({ projects: { research: {} } });
  const odd = { ...simulatedJob({ id: 'ftjob-odd', status: 'running' }), created_at: null };
  curfew.openai.faultFor = () => () => ({ status: 200, body: { data: [odd], has_more: false } });
  await curfew.sweep();
  const line = curfew.logLines.find(({ jobId }) => jobId === 'ftjob-odd');
  assert.deepEqual([line?.['level'], line?.['project']], ['WARN', 'research']);
});

describe('an entry of the list that cannot be judged', () => {
  const good = simulatedJob({ id: 'ftjob-good', status: 'running', ageMinutes: 400 });
  const entry = (fields: object) => ({ ...simulatedJob({ id: 'ftjob-odd', status: 'running' }), ...fields });
  const cases: [fields: object, warning: string | undefined][] = [
    [{ id: '' }, 'A job without a readable id cannot be judged: unreadable id. It was left alone.'],
    [{ id: '../x' }, 'A job without a readable id cannot be judged: unreadable id. It was left alone.'],
    [{ status: 7 }, 'Job ftjob-odd cannot be judged: unreadable status. It was left alone.'],
    [{ created_at: null }, 'Job ftjob-odd cannot be judged: unreadable created_at. It was left alone.'],
    [{ created_at: 'today' }, 'Job ftjob-odd cannot be judged: unreadable created_at. It was left alone.'],
    [{ status: 'failed', created_at: null }, undefined],
    [{ status: 'canceled', id: 7 }, undefined],
  ];
  for (const [fields, warning] of cases) {
    const fate = warning === undefined ? 'is passed over' : 'is skipped, and the sweep is incomplete';
    test(`${JSON.stringify(fields)} ${fate}`, async () => {
      await using curfew = await startCurfew({ jobs: [good] });
      curfew.openai.faultFor = ({ endpoint }) => {
        if (endpoint !== 'list') return undefined;
        return () => ({ status: 200, body: { data: [entry(fields), good], has_more: false } });
      };
      const { complete, jobs } = await curfew.sweep();
      assert.equal(complete, warning === undefined);
      assert.deepEqual(
        jobs.map(({ jobId }) => jobId),
        ['ftjob-good'],
      );
      const lines = curfew.logLines.map(({ message }) => message);
      if (warning !== undefined) assert.ok(lines.includes(warning), lines.join('\n'));
      assert.equal(
        lines.some((line) => String(line).includes('cannot be judged')),
        warning !== undefined,
      );
      good.status = 'running';
    });
  }

  for (const fields of [{ model: null }, { model: 7 }, { estimated_finish: 'soon' }, { id: 'ft.job:1' }]) {
    test(`unlike ${JSON.stringify(fields)}, which is no matter`, async () => {
      const odd = entry({ created_at: 0, ...fields });
      await using curfew = await startCurfew();
      curfew.openai.faultFor = ({ endpoint }) =>
        endpoint === 'list' ? () => ({ status: 200, body: { data: [odd], has_more: false } }) : undefined;
      const { complete, wouldCancel } = await curfew.sweep({ dryRun: true, lookbackDays: 0 });
      assert.deepEqual([complete, wouldCancel], [true, 1]);
    });
  }
});

test('statuses that are neither in progress nor finished are named once in the line of the sweep', async () => {
  const jobs = ['paused', 'frozen', 'frozen', 'running'].map((status) =>
    simulatedJob({ status, ageMinutes: 400 }),
  );
  await using curfew = await startCurfew({ jobs });
  const { notCancellable, inProgress, complete } = await curfew.sweep();
  assert.deepEqual([notCancellable, inProgress, complete], [3, 1, true]);
  const lines = curfew.logLines.filter((line) => 'inspected' in line);
  assert.deepEqual(
    lines.map(({ message }) => message),
    [
      'Swept: 4 inspected, 1 in progress, 1 overdue, 1 cancelled, 0 held back, 0 failed, 3 left alone (paused, unknown: frozen).',
    ],
  );
});
