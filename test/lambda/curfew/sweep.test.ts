import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { simulatedJob } from '../../infra/local/simulated-job.ts';
import { endpoints, startCurfew } from '../support/curfew.ts';

const minutesPerDay = 24 * 60;
/** As many jobs as asked for, each a second older than the one before. */
const jobsOf = (count: number, status: string, ageMinutes = 0) =>
  Array.from({ length: count }, (_, index) =>
    simulatedJob({ id: `ftjob-${status}-${index}`, status, ageMinutes: ageMinutes + index / 60 }),
  );

test('every overdue job is cancelled, and every other job left alone', async () => {
  const jobs = [
    simulatedJob({ id: 'ftjob-young', status: 'running', ageMinutes: 359 }),
    simulatedJob({ id: 'ftjob-queued', status: 'queued', ageMinutes: 361 }),
    simulatedJob({ id: 'ftjob-running', status: 'running', ageMinutes: 400 }),
    simulatedJob({ id: 'ftjob-validating', status: 'validating_files', ageMinutes: 500 }),
    simulatedJob({ id: 'ftjob-paused', status: 'paused', ageMinutes: 500 }),
    simulatedJob({ id: 'ftjob-done', status: 'succeeded', ageMinutes: 500 }),
  ];
  await using curfew = await startCurfew({ jobs });
  const { jobs: swept, ...counts } = await curfew.sweep();
  assert.deepEqual(counts, {
    complete: true,
    dryRun: false,
    timeBudgetMinutes: 360,
    lookbackDays: 30,
    inspected: 6,
    inProgress: 4,
    overdue: 3,
    cancelled: 3,
    alreadyFinished: 0,
    wouldCancel: 0,
    failed: 0,
    jobsOmitted: 0,
  });
  assert.deepEqual(
    swept.toSorted((a, b) => a.ageMinutes - b.ageMinutes),
    [
      ['ftjob-queued', 'queued', 361],
      ['ftjob-running', 'running', 400],
      ['ftjob-validating', 'validating_files', 500],
    ].map(([jobId, initialStatus, ageMinutes]) => ({
      jobId,
      outcome: 'cancelled',
      initialStatus,
      finalStatus: 'cancelled',
      ageMinutes,
      timeBudgetMinutes: 360,
    })),
  );
  const statuses = [...curfew.openai.jobs.values()].map((job) => job.status);
  assert.deepEqual(statuses, ['running', 'cancelled', 'cancelled', 'cancelled', 'paused', 'succeeded']);
});

test('a dry run tells what it would cancel and sends no cancel', async () => {
  await using curfew = await startCurfew({ jobs: jobsOf(2, 'running', 400) });
  const result = await curfew.sweep({ dryRun: true });
  assert.equal(result.dryRun, true);
  assert.equal(result.overdue, 2);
  assert.equal(result.wouldCancel, 2);
  assert.equal(result.cancelled, 0);
  assert.deepEqual(
    result.jobs.map((job) => [job.outcome, job.finalStatus]),
    [
      ['would_cancel', null],
      ['would_cancel', null],
    ],
  );
  assert.deepEqual(endpoints(curfew.openai), ['list']);
});

describe('what a sweep leaves out comes from the settings', () => {
  const settings = { timeBudgetMinutes: 45, lookbackDays: 3, dryRun: true };
  const cases = [
    [{}, settings],
    [{ timeBudgetMinutes: 0 }, { ...settings, timeBudgetMinutes: 0 }],
    [{ lookbackDays: 0 }, { ...settings, lookbackDays: 0 }],
    [{ dryRun: false }, { ...settings, dryRun: false }],
  ] as const;
  for (const [request, expected] of cases) {
    test(JSON.stringify(request), async () => {
      await using curfew = await startCurfew({ settings });
      const { timeBudgetMinutes, lookbackDays, dryRun } = await curfew.sweep(request);
      assert.deepEqual({ timeBudgetMinutes, lookbackDays, dryRun }, expected);
    });
  }
});

describe('a job sets its own budget in its metadata', () => {
  const cases: [budget: string, ageMinutes: number, cancelled: boolean][] = [
    ['90', 100, true],
    ['90', 80, false],
    ['1000', 500, false],
    ['none', 100_000 / 60, false],
    ['soon', 400, true],
    ['soon', 300, false],
  ];
  for (const [budget, ageMinutes, cancelled] of cases) {
    test(`"${budget}" at ${Math.round(ageMinutes)} minutes: ${cancelled ? 'cancelled' : 'left alone'}`, async () => {
      const job = simulatedJob({ status: 'running', ageMinutes, metadata: { time_budget_minutes: budget } });
      await using curfew = await startCurfew({ jobs: [job] });
      const result = await curfew.sweep();
      assert.equal(result.overdue, cancelled ? 1 : 0);
      assert.equal(job.status, cancelled ? 'cancelled' : 'running');
    });
  }

  test('it stands beside the job in the result', async () => {
    const job = simulatedJob({ status: 'running', ageMinutes: 100, metadata: { time_budget_minutes: '90' } });
    await using curfew = await startCurfew({ jobs: [job] });
    assert.equal((await curfew.sweep()).jobs[0]?.timeBudgetMinutes, 90);
  });
});

test('a budget of 0 stops all that is in progress, except the exempt and what comes from the future', async () => {
  const jobs = [
    simulatedJob({ id: 'ftjob-new', status: 'running', ageMinutes: 1 }),
    simulatedJob({ id: 'ftjob-exempt', status: 'running', metadata: { time_budget_minutes: 'none' } }),
    simulatedJob({ id: 'ftjob-future', status: 'running', ageMinutes: -10 }),
  ];
  await using curfew = await startCurfew({ jobs });
  const result = await curfew.sweep({ timeBudgetMinutes: 0 });
  assert.deepEqual(
    result.jobs.map((job) => job.jobId),
    ['ftjob-new'],
  );
});

describe('the list is read to its end', () => {
  test('100 jobs at a time, behind the last one of the page before', async () => {
    await using curfew = await startCurfew({ jobs: jobsOf(250, 'succeeded') });
    const result = await curfew.sweep();
    assert.equal(result.inspected, 250);
    assert.deepEqual(
      curfew.openai.calls.map((call) => call.url.search),
      ['?limit=100', '?limit=100&after=ftjob-succeeded-99', '?limit=100&after=ftjob-succeeded-199'],
    );
  });

  test('but no further than lookbackDays', async () => {
    const jobs = [...jobsOf(150, 'succeeded'), ...jobsOf(300, 'running', 8 * minutesPerDay)];
    await using curfew = await startCurfew({ jobs });
    const result = await curfew.sweep({ lookbackDays: 7 });
    assert.equal(result.inspected, 150);
    assert.equal(result.overdue, 0);
    assert.equal(result.complete, true);
    assert.equal(curfew.openai.calls.length, 2);
  });

  test('and looks at the jobs that are just as old as that', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: Date.parse('2026-11-23T12:00:00Z') });
    const jobs = Array.from({ length: 101 }, () =>
      simulatedJob({ status: 'succeeded', ageMinutes: 7 * minutesPerDay }),
    );
    await using curfew = await startCurfew({ jobs });
    assert.equal((await curfew.sweep({ lookbackDays: 7 })).inspected, 101);
  });

  test('with lookbackDays 0 however old the jobs are', async () => {
    await using curfew = await startCurfew({ jobs: jobsOf(1, 'running', 400 * minutesPerDay) });
    assert.equal((await curfew.sweep({ lookbackDays: 0 })).cancelled, 1);
  });

  test('an empty account is a complete sweep', async () => {
    await using curfew = await startCurfew();
    const result = await curfew.sweep();
    assert.equal(result.complete, true);
    assert.equal(result.inspected, 0);
  });
});

describe('a list that would never end is OpenAIError', () => {
  const jobs = jobsOf(100, 'succeeded');
  const other = jobsOf(100, 'failed', 10);
  const pages: Record<string, (request: number) => object[]> = {
    'the same page again and again': () => jobs,
    'two pages in turn': (request) => (request % 2 === 0 ? jobs : other),
    'an empty page that claims more': () => [],
  };
  for (const [name, page] of Object.entries(pages)) {
    test(name, async () => {
      await using curfew = await startCurfew();
      let requests = 0;
      curfew.openai.faultFor = () => () => ({
        status: 200,
        body: { data: page(requests++), has_more: true },
      });
      await assert.rejects(curfew.sweep(), {
        name: 'OpenAIError',
        message:
          'Could not list the fine-tuning jobs: a page is empty or repeats itself, yet says that more follow. ' +
          'Check that openaiBaseUrl is an OpenAI API.',
      });
      assert.ok(requests <= 3);
    });
  }
});

test('pages that overlap count no job twice', async () => {
  const jobs = jobsOf(150, 'running', 400);
  await using curfew = await startCurfew({ jobs });
  curfew.openai.faultFor = ({ endpoint, url }) => {
    if (endpoint !== 'list') return undefined;
    const isFirst = !url.searchParams.has('after');
    return () => ({
      status: 200,
      body: { data: isFirst ? jobs.slice(0, 100) : jobs.slice(50), has_more: isFirst },
    });
  };
  const result = await curfew.sweep();
  assert.equal(result.inspected, 150);
  assert.equal(result.cancelled, 150);
});

test('a failed cancel is reported with its reason and stops no other', async () => {
  await using curfew = await startCurfew({ jobs: jobsOf(5, 'running', 400) });
  curfew.openai.faultFor = ({ jobId, endpoint }) =>
    jobId === 'ftjob-running-2' && endpoint === 'cancel'
      ? () => ({
          status: 403,
          body: { error: { message: 'Missing scope', code: 'insufficient_permissions' } },
        })
      : undefined;
  const result = await curfew.sweep();
  assert.equal(result.cancelled, 4);
  assert.equal(result.failed, 1);
  assert.equal(result.complete, true);
  const failed = result.jobs.find((job) => job.outcome === 'failed');
  assert.equal(failed?.jobId, 'ftjob-running-2');
  assert.equal(failed.initialStatus, 'running');
  assert.equal(failed.finalStatus, null);
  assert.equal(failed.error?.name, 'AuthenticationError');
  assert.match(failed.error.message, /insufficient_permissions/);
});

test('a job that finishes before its cancel arrives is counted as already finished', async () => {
  const jobs = jobsOf(1, 'running', 400);
  await using curfew = await startCurfew({ jobs });
  curfew.openai.faultFor = ({ endpoint }) =>
    endpoint === 'cancel'
      ? (answer) => {
          for (const job of jobs) job.status = 'succeeded';
          return answer();
        }
      : undefined;
  const result = await curfew.sweep();
  assert.equal(result.alreadyFinished, 1);
  assert.equal(result.jobs[0]?.finalStatus, 'succeeded');
});

test('the answer lists 500 jobs at most and counts the rest', async () => {
  await using curfew = await startCurfew({ jobs: jobsOf(620, 'running', 400) });
  const result = await curfew.sweep();
  assert.equal(result.cancelled, 620);
  assert.equal(result.jobs.length, 500);
  assert.equal(result.jobsOmitted, 120);
});

test('no more than 100 cancels are under way at once', async () => {
  await using curfew = await startCurfew({ jobs: jobsOf(250, 'running', 400) });
  let underWay = 0;
  let most = 0;
  curfew.openai.faultFor = ({ endpoint }) => {
    if (endpoint !== 'cancel') return undefined;
    return async (answer) => {
      underWay += 1;
      most = Math.max(most, underWay);
      await sleep(50);
      underWay -= 1;
      return answer();
    };
  };
  const result = await curfew.sweep();
  assert.equal(result.cancelled, 250);
  assert.ok(most > 1 && most <= 100, `${most} at once`);
});
