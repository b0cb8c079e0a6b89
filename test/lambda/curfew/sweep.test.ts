import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { simulatedJob } from '../../../infra/local/simulated-job.ts';
import { endpoints, startCurfew } from '../../support/curfew.ts';
import { answers } from '../../support/wire-faults.ts';

const minutesPerDay = 24 * 60;
const noLimit = { cancelLimit: 'none' } as const;
/** As many jobs as asked for, each a second older than the one before. */
const jobsOf = (count: number, status: string, ageMinutes = 0) =>
  Array.from({ length: count }, (_, index) =>
    simulatedJob({ id: `ftjob-${status}-${index}`, status, ageMinutes: ageMinutes + index / 60 }),
  );

test('every overdue job is cancelled, and every other job left alone', async () => {
  const statuses: [id: string, status: string, ageMinutes: number][] = [
    ['ftjob-young', 'running', 359],
    ['ftjob-queued', 'queued', 361],
    ['ftjob-running', 'running', 400],
    ['ftjob-pending', 'pending', 401],
    ['ftjob-resuming', 'resuming', 402],
    ['ftjob-validating', 'validating_files', 500],
    ['ftjob-paused', 'paused', 500],
    ['ftjob-pausing', 'pausing', 500],
    ['ftjob-frozen', 'frozen', 500],
    ['ftjob-done', 'succeeded', 500],
    ['ftjob-failed', 'failed', 500],
    ['ftjob-canceled', 'canceled', 500],
  ];
  const jobs = statuses.map(([id, status, ageMinutes]) => simulatedJob({ id, status, ageMinutes }));
  await using curfew = await startCurfew({ jobs });
  const { jobs: swept, ...counts } = await curfew.sweep();
  assert.deepEqual(counts, {
    complete: true,
    dryRun: false,
    timeBudgetMinutes: 360,
    lookbackDays: 30,
    cancelLimit: 20,
    inspected: 12,
    inProgress: 6,
    overdue: 5,
    notCancellable: 3,
    cancelled: 5,
    alreadyFinished: 0,
    wouldCancel: 0,
    heldBack: 0,
    failed: 0,
    jobsOmitted: 0,
  });
  const overdue = statuses.slice(1, 6);
  assert.deepEqual(
    swept.toSorted((a, b) => a.ageMinutes - b.ageMinutes),
    overdue.map(([jobId, initialStatus, ageMinutes]) => ({
      jobId,
      outcome: 'cancelled',
      initialStatus,
      finalStatus: 'cancelled',
      ageMinutes,
      timeBudgetMinutes: 360,
    })),
  );
  const cancelled = new Set(overdue.map(([id]) => id));
  assert.deepEqual(
    [...curfew.openai.jobs.values()].map(({ status }) => status),
    statuses.map(([id, status]) => (cancelled.has(id) ? 'cancelled' : status)),
  );
});

test('a dry run says what it would cancel and sends no cancel', async () => {
  await using curfew = await startCurfew({ jobs: jobsOf(2, 'running', 400) });
  const { dryRun, overdue, wouldCancel, cancelled, jobs } = await curfew.sweep({ dryRun: true });
  assert.deepEqual([dryRun, overdue, wouldCancel, cancelled], [true, 2, 2, 0]);
  for (const { outcome, finalStatus } of jobs) {
    assert.equal(outcome, 'would_cancel');
    assert.equal(finalStatus, null);
  }
  assert.deepEqual(endpoints(curfew.openai), ['list']);
});

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
              `The metadata time_budget_minutes of ${job.id} is neither minutes nor "none": the default holds.`,
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
        ['The metadata of ftjob-1 is not made of texts: what is not is ignored.'],
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

describe('the list is read to its end', () => {
  test('100 jobs at a time, behind the last one of the page before', async () => {
    await using curfew = await startCurfew({ jobs: jobsOf(250, 'succeeded') });
    assert.equal((await curfew.sweep()).inspected, 250);
    assert.deepEqual(
      curfew.openai.calls.map((call) => call.url.search),
      ['?limit=100', '?limit=100&after=ftjob-succeeded-99', '?limit=100&after=ftjob-succeeded-199'],
    );
  });

  test('but no further than lookbackDays', async () => {
    const jobs = [...jobsOf(150, 'succeeded'), ...jobsOf(300, 'running', 8 * minutesPerDay)];
    await using curfew = await startCurfew({ jobs });
    const { inspected, overdue, complete } = await curfew.sweep({ lookbackDays: 7 });
    assert.deepEqual([inspected, overdue, complete], [150, 0, true]);
    assert.equal(
      curfew.openai.calls.length,
      3,
      'the third page has none but old ones, so the fourth is not read',
    );
  });

  test('and looks at the jobs that are just as old as that', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: Date.parse('2026-11-23T12:00:00Z') });
    const jobs = Array.from({ length: 101 }, () =>
      simulatedJob({ status: 'succeeded', ageMinutes: 7 * minutesPerDay }),
    );
    await using curfew = await startCurfew({ jobs });
    assert.equal((await curfew.sweep({ lookbackDays: 7 })).inspected, 101);
  });

  test('past one with an odd date, which hides nothing that follows', async () => {
    const jobs = [...jobsOf(99, 'succeeded'), ...jobsOf(5, 'running', 400)];
    const odd = simulatedJob({ id: 'ftjob-odd', status: 'succeeded', created_at: 0 });
    await using curfew = await startCurfew({ jobs: [...jobs, odd] });
    curfew.openai.faultFor = ({ endpoint, url }) => {
      if (endpoint !== 'list') return undefined;
      const isFirst = !url.searchParams.has('after');
      const data = isFirst ? [...jobs.slice(0, 99), odd] : jobs.slice(99);
      return () => ({ status: 200, body: { data, has_more: isFirst } });
    };
    const { cancelled, inspected } = await curfew.sweep();
    assert.deepEqual([cancelled, inspected], [5, 104]);
  });

  test('with lookbackDays 0 however old the jobs are', async () => {
    await using curfew = await startCurfew({ jobs: jobsOf(1, 'running', 400 * minutesPerDay) });
    assert.equal((await curfew.sweep({ lookbackDays: 0 })).cancelled, 1);
  });

  test('an empty account is a complete sweep', async () => {
    await using curfew = await startCurfew();
    const { complete, inspected } = await curfew.sweep();
    assert.deepEqual([complete, inspected], [true, 0]);
  });
});

test('a job that comes on two pages counts once', async () => {
  const jobs = jobsOf(150, 'running', 400);
  await using curfew = await startCurfew({ jobs });
  curfew.openai.faultFor = ({ endpoint, url }) => {
    if (endpoint !== 'list') return undefined;
    const isFirst = !url.searchParams.has('after');
    const data = isFirst ? jobs.slice(0, 100) : jobs.slice(50);
    return () => ({ status: 200, body: { data, has_more: isFirst } });
  };
  const { inspected, cancelled } = await curfew.sweep(noLimit);
  assert.deepEqual([inspected, cancelled], [150, 150]);
});

test('a failed cancel is reported with its reason and stops no other', async () => {
  await using curfew = await startCurfew({ jobs: jobsOf(5, 'running', 400) });
  curfew.openai.faultFor = ({ jobId, endpoint }) =>
    jobId === 'ftjob-running-2' && endpoint === 'cancel'
      ? () => ({ status: 403, body: { error: { code: 'insufficient_permissions' } } })
      : undefined;
  const { cancelled, failed, complete, jobs } = await curfew.sweep();
  assert.deepEqual([cancelled, failed, complete], [4, 1, true]);
  const job = jobs.find(({ outcome }) => outcome === 'failed');
  assert.equal(job?.jobId, 'ftjob-running-2');
  assert.deepEqual([job.initialStatus, job.finalStatus], ['running', null]);
  assert.equal(job.error?.name, 'AuthenticationError');
  assert.match(job.error.message, /insufficient_permissions/);
});

test('a job that finishes before its cancel arrives has finished already', async () => {
  const jobs = jobsOf(1, 'running', 400);
  await using curfew = await startCurfew({ jobs });
  curfew.openai.faultFor = ({ endpoint }) => {
    if (endpoint !== 'cancel') return undefined;
    return (answer) => {
      for (const job of jobs) job.status = 'succeeded';
      return answer();
    };
  };
  const answer = await curfew.sweep();
  assert.equal(answer.alreadyFinished, 1);
  assert.equal(answer.jobs[0]?.finalStatus, 'succeeded');
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
  assert.equal((await curfew.sweep(noLimit)).cancelled, 250);
  assert.ok(most > 1 && most <= 100, `${most} at once`);
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

describe('listing fails on page 7', () => {
  const start = async () => {
    const jobs = jobsOf(1000, 'running', 400);
    const curfew = await startCurfew({ jobs });
    curfew.openai.faultFor = ({ url }) =>
      url.searchParams.get('after') === jobs[599]?.id
        ? answers(501, { 'x-should-retry': 'false' })
        : undefined;
    return curfew;
  };
  const listingError = { name: 'OpenAIError', message: /list the fine-tuning jobs.*501/ };
  const cancelsIn = (curfew: Awaited<ReturnType<typeof startCurfew>>) =>
    endpoints(curfew.openai).filter((endpoint) => endpoint === 'cancel').length;

  for (const cancelLimit of ['none', 600] as const) {
    test(`what was found before is cancelled, then the error is thrown (limit ${cancelLimit})`, async () => {
      await using curfew = await start();
      await assert.rejects(curfew.sweep({ cancelLimit }), listingError);
      assert.equal(cancelsIn(curfew), 600);
      const summary = curfew.logLines.find((line) => 'inspected' in line);
      assert.deepEqual([summary?.['cancelled'], summary?.['complete']], [600, false]);
    });
  }

  test('and if more than the limit were found, they are held back, and then the error is thrown', async () => {
    await using curfew = await start();
    await assert.rejects(curfew.sweep({ cancelLimit: 599 }), listingError);
    assert.equal(cancelsIn(curfew), 0);
    assert.equal(curfew.logLines.find((line) => 'inspected' in line)?.['heldBack'], 600);
  });
});

describe('jobs come and go while the list is read', () => {
  test('a new job on top shifts no other out of sight, nor into it twice', async () => {
    const jobs = jobsOf(250, 'running', 400);
    await using curfew = await startCurfew({ jobs });
    curfew.openai.faultFor = ({ endpoint }) => {
      if (endpoint !== 'list') return undefined;
      return (answer) => {
        const page = answer();
        const latecomer = simulatedJob({ status: 'queued' });
        curfew.openai.jobs.set(latecomer.id, latecomer);
        return page;
      };
    };
    const { inspected, cancelled } = await curfew.sweep(noLimit);
    assert.deepEqual([inspected, cancelled], [250, 250]);
  });

  test('a job that finished since it was listed has finished already', async () => {
    const jobs = jobsOf(3, 'running', 400);
    await using curfew = await startCurfew({ jobs });
    curfew.openai.faultFor = ({ endpoint }) => {
      if (endpoint !== 'list') return undefined;
      return (answer) => {
        const page = JSON.parse(JSON.stringify(answer()));
        for (const job of jobs) job.status = 'succeeded';
        return page;
      };
    };
    const { alreadyFinished, cancelled } = await curfew.sweep();
    assert.deepEqual([alreadyFinished, cancelled], [3, 0]);
  });
});

describe('side by side', () => {
  test('two sweeps share the work without an error', async () => {
    await using curfew = await startCurfew({ jobs: jobsOf(200, 'running', 400) });
    const [first, second] = await Promise.all([curfew.sweep(noLimit), curfew.sweep(noLimit)]);
    assert.equal(first.failed + second.failed, 0);
    assert.ok([...curfew.openai.jobs.values()].every(({ status }) => status === 'cancelled'));
  });

  test("a sweep and an operator's cancel of the same job both succeed", async () => {
    const jobs = jobsOf(1, 'running', 400);
    await using curfew = await startCurfew({ jobs });
    const [swept, cancelled] = await Promise.all([curfew.sweep(), curfew.cancel(jobs[0]?.id ?? '')]);
    assert.equal(swept.failed, 0);
    assert.ok(['cancelled', 'already_finished'].includes(cancelled.outcome));
  });
});
