import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulatedJob } from '../../infra/local/simulated-job.ts';
import { type Curfew, startCurfew } from '../support/curfew.ts';
import type { LogLine } from '../support/recorders.ts';
import { answers, noAnswer, says } from '../support/wire-faults.ts';

const running = (id: string, ageMinutes: number, budget?: string) =>
  simulatedJob({
    id,
    status: 'running',
    ageMinutes,
    metadata: budget === undefined ? null : { time_budget_minutes: budget },
  });
const lineOf = ({ logLines }: Curfew, jobId: string) => logLines.find((line) => line['jobId'] === jobId);
/** The part of a line that we write, without the time and what Lambda adds. */
const ours = (line: LogLine) => {
  const theirs = [
    'timestamp',
    'service',
    'function_arn',
    'function_memory_size',
    'cold_start',
    'sampling_rate',
  ];
  return Object.fromEntries(Object.entries(line).filter(([key]) => !theirs.includes(key)));
};

describe('each decision is one log line', () => {
  test('for a cancel on request', async () => {
    await using curfew = await startCurfew({ jobs: [running('ftjob-1', 100)] });
    await curfew.cancel('ftjob-1');
    assert.equal(curfew.logLines.length, 1);
    assert.deepEqual(ours(curfew.logLines[0] ?? {}), {
      level: 'INFO',
      message:
        'Fine-tuning job ftjob-1 was cancelled as asked (direct); it was running, 100 minutes old, with a time budget of 360 minutes.',
      jobId: 'ftjob-1',
      outcome: 'cancelled',
      reason: 'requested',
      requestedBy: 'direct',
      initialStatus: 'running',
      finalStatus: 'cancelled',
      ageMinutes: 100,
      timeBudgetMinutes: 360,
      model: 'gpt-4o-mini-2024-07-18',
      function_name: 'fine-tuning-curfew',
      function_request_id: 'request-1',
    });
  });

  const cases: [name: string, job: ReturnType<typeof running>, expected: LogLine, message: RegExp][] = [
    [
      'an overdue one',
      running('ftjob-1', 400),
      { level: 'INFO', outcome: 'cancelled', reason: 'time_budget', ageMinutes: 400, timeBudgetMinutes: 360 },
      /was cancelled because its time budget was over/,
    ],
    [
      'one within its budget',
      running('ftjob-1', 80, '90'),
      { level: 'INFO', outcome: 'within_budget', finalStatus: null, timeBudgetMinutes: 90 },
      /goes on: it is 80 minutes old, with a time budget of 90 minutes/,
    ],
    [
      'an exempt one',
      running('ftjob-1', 4000, 'none'),
      { level: 'INFO', outcome: 'exempt', timeBudgetMinutes: null },
      /goes on: it is exempt/,
    ],
  ];
  for (const [name, job, expected, message] of cases) {
    test(`of a sweep: ${name}`, async () => {
      await using curfew = await startCurfew({ jobs: [job] });
      await curfew.sweep();
      const line = lineOf(curfew, 'ftjob-1') ?? {};
      assert.deepEqual({ ...line, ...expected }, line);
      assert.match(String(line['message']), message);
    });
  }

  test('of a sweep: one whose cancel failed, at level ERROR', async () => {
    await using curfew = await startCurfew({ jobs: [running('ftjob-1', 400)] });
    curfew.openai.faultFor = ({ endpoint }) => (endpoint === 'cancel' ? answers(400) : undefined);
    await curfew.sweep();
    const line = lineOf(curfew, 'ftjob-1');
    assert.equal(line?.['level'], 'ERROR');
    assert.equal(line['outcome'], 'failed');
    assert.match(String(line['message']), /could not be cancelled; it is 400 minutes old.*answered 400/);
  });

  test('of a job with an unknown status, at level WARN', async () => {
    await using curfew = await startCurfew({ jobs: [simulatedJob({ id: 'ftjob-1', status: 'paused' })] });
    await curfew.cancel('ftjob-1');
    const line = lineOf(curfew, 'ftjob-1');
    assert.equal(line?.['level'], 'WARN');
    assert.equal(line['outcome'], 'not_cancellable');
  });

  test('without the metadata, which may hold anything', async () => {
    await using curfew = await startCurfew({ jobs: [running('ftjob-1', 400, '90')] });
    await curfew.sweep();
    assert.ok(!JSON.stringify(curfew.logLines).includes('metadata'));
  });
});

test('a budget that cannot be read is a warning, and the default holds', async () => {
  await using curfew = await startCurfew({ jobs: [running('ftjob-1', 400, 'soon')] });
  const { cancelled } = await curfew.sweep();
  assert.equal(cancelled, 1);
  const line = lineOf(curfew, 'ftjob-1');
  assert.equal(line?.['level'], 'WARN');
  assert.equal(
    line['message'],
    'The metadata time_budget_minutes of ftjob-1 is neither minutes nor "none": the default holds.',
  );
});

describe('who asked stands in the line', () => {
  const cases = [
    [{ timeBudgetMinutes: 360, dryRun: false, lookbackDays: 30 }, 'rule'],
    [{ timeBudgetMinutes: 360, dryRun: false, lookbackDays: 0 }, 'rule'],
    [{ timeBudgetMinutes: 0, dryRun: false, lookbackDays: 30 }, 'direct'],
    [{ timeBudgetMinutes: 360, dryRun: true, lookbackDays: 30 }, 'direct'],
    [{ timeBudgetMinutes: 360, dryRun: false, lookbackDays: 7 }, 'direct'],
    [{}, 'direct'],
  ] as const;
  for (const [request, requestedBy] of cases) {
    test(`${requestedBy}: ${JSON.stringify(request)}`, async () => {
      await using curfew = await startCurfew({ jobs: [running('ftjob-1', 400)] });
      await curfew.sweep(request);
      assert.equal(lineOf(curfew, 'ftjob-1')?.['requestedBy'], requestedBy);
    });
  }
});

describe('each sweep ends in one line with its counts', () => {
  test('at level INFO', async () => {
    await using curfew = await startCurfew({ jobs: [running('ftjob-1', 400), running('ftjob-2', 10)] });
    await curfew.sweep();
    const line = curfew.logLines.at(-1);
    assert.equal(line?.['level'], 'INFO');
    assert.equal(line['message'], 'Swept: 2 inspected, 2 in progress, 1 overdue, 1 cancelled, 0 failed.');
    assert.equal(line['inspected'], 2);
    assert.ok(!('jobs' in line));
  });

  test('that says so in a dry run', async () => {
    await using curfew = await startCurfew({ jobs: [running('ftjob-1', 400)] });
    await curfew.sweep({ dryRun: true });
    assert.equal(
      curfew.logLines.at(-1)?.['message'],
      'Swept (dry run): 1 inspected, 1 in progress, 1 overdue, 0 cancelled, 0 failed.',
    );
  });

  test('at level WARN where it is not complete', async () => {
    await using curfew = await startCurfew();
    curfew.openai.faultFor = () => noAnswer;
    await curfew.sweep({}, { remainingMilliseconds: 500 });
    const line = curfew.logLines.at(-1);
    assert.equal(line?.['level'], 'WARN');
    assert.equal(
      line['message'],
      'Swept in part, because time ran out or listing failed: 0 inspected, 0 in progress, 0 overdue, 0 cancelled, 0 failed.',
    );
  });
});

test('an error is logged with its name', async () => {
  await using curfew = await startCurfew();
  await assert.rejects(curfew.cancel('ftjob-unknown'));
  const line = curfew.logLines.at(-1);
  assert.equal(line?.['level'], 'ERROR');
  assert.equal((line['error'] as LogLine)['name'], 'JobNotFoundError');
});

describe('metrics, in the Embedded Metric Format', () => {
  test('of a sweep', async () => {
    const jobs = [running('ftjob-1', 400), running('ftjob-2', 500), running('ftjob-3', 10)];
    await using curfew = await startCurfew({ jobs });
    curfew.openai.faultFor = ({ endpoint, jobId }) =>
      endpoint === 'cancel' && jobId === 'ftjob-2' ? answers(400) : undefined;
    const startedAt = performance.now();
    await curfew.sweep();
    const [document, ...others] = curfew.metricDocuments;
    assert.deepEqual(others, []);
    const { _aws, SweepDuration, OldestJobInProgressAge, ...values } = document ?? {};
    assert.deepEqual(values, {
      service: 'fine-tuning-curfew',
      Inspected: 3,
      InProgress: 3,
      Overdue: 2,
      Cancelled: 1,
      CancelFailures: 1,
      IncompleteSweeps: 0,
    });
    assert.ok(Number(SweepDuration) > 0 && Number(SweepDuration) < performance.now() - startedAt);
    assert.ok(Math.abs(Number(OldestJobInProgressAge) - 500 * 60) < 10);
    const { CloudWatchMetrics } = _aws as { CloudWatchMetrics: unknown[] };
    assert.deepEqual(CloudWatchMetrics, [
      {
        Namespace: 'FineTuningCurfew',
        Dimensions: [['service']],
        Metrics: [
          { Name: 'Inspected', Unit: 'Count' },
          { Name: 'InProgress', Unit: 'Count' },
          { Name: 'Overdue', Unit: 'Count' },
          { Name: 'Cancelled', Unit: 'Count' },
          { Name: 'CancelFailures', Unit: 'Count' },
          { Name: 'IncompleteSweeps', Unit: 'Count' },
          { Name: 'OldestJobInProgressAge', Unit: 'Seconds' },
          { Name: 'SweepDuration', Unit: 'Milliseconds' },
        ],
      },
    ]);
  });

  test('of a sweep whose listing failed', async () => {
    await using curfew = await startCurfew();
    curfew.openai.faultFor = () => answers(400);
    await assert.rejects(curfew.sweep());
    assert.equal(curfew.metricDocuments[0]?.['IncompleteSweeps'], 1);
  });

  for (const outcome of ['cancelled', 'cancelling']) {
    test(`of a cancel on request that is ${outcome}`, async () => {
      const job = running('ftjob-1', 1);
      await using curfew = await startCurfew({ jobs: [job] });
      if (outcome === 'cancelling') {
        curfew.openai.faultFor = ({ endpoint }) => (endpoint === 'cancel' ? says(job) : undefined);
      }
      assert.equal((await curfew.cancel('ftjob-1')).outcome, outcome);
      assert.deepEqual(
        curfew.metricDocuments.map(({ Cancelled }) => Cancelled),
        [1],
      );
    });
  }

  test('none, where nothing was cancelled on request', async () => {
    await using curfew = await startCurfew({ jobs: [running('ftjob-1', 1)] });
    await curfew.cancel('ftjob-1', { dryRun: true });
    assert.deepEqual(curfew.metricDocuments, []);
  });
});
