import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulatedJob } from '../../../infra/local/providers/simulated-job.ts';
import type { FineTuningSimulator } from '../../../infra/local/providers/simulator.ts';
import { endpoints, startCurfew } from '../../support/curfew.ts';
import { answers, says } from '../../support/wire-faults.ts';

const minutesPerDay = 24 * 60;
const noLimit = { cancelLimit: 'none' } as const;
/** As many jobs as asked for, each a second older than the one before. */
const jobsOf = (count: number, status: string, ageMinutes = 0) =>
  Array.from({ length: count }, (_, index) =>
    simulatedJob({ id: `ftjob-${status}-${index}`, status, ageMinutes: ageMinutes + index / 60 }),
  );
/** These pages in place of those of the list, one after the other. */
const listed = (pages: unknown[][]): FineTuningSimulator['faultFor'] => {
  const left = [...pages];
  return ({ endpoint }) =>
    endpoint === 'list' ? says({ data: left.shift(), has_more: left.length > 0 }) : undefined;
};

describe('the list is read to its end', () => {
  test('100 jobs at a time, behind the last one of the page before', async () => {
    await using curfew = await startCurfew({ jobs: jobsOf(250, 'succeeded') });
    assert.equal((await curfew.sweep()).inspected, 250);
    assert.deepEqual(
      curfew.openai.calls.map(({ url }) => Object.fromEntries(url.searchParams)),
      [
        { limit: '100' },
        { limit: '100', after: 'ftjob-succeeded-99' },
        { limit: '100', after: 'ftjob-succeeded-199' },
      ],
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
    curfew.openai.faultFor = listed([[...jobs.slice(0, 99), odd], jobs.slice(99)]);
    const { cancelled, inspected } = await curfew.sweep();
    assert.deepEqual([cancelled, inspected], [5, 104]);
  });

  test('past a page of nothing but one date of 0', async () => {
    const [undated, overdue] = [
      simulatedJob({ status: 'running', created_at: 0 }),
      ...jobsOf(1, 'running', 400),
    ];
    await using curfew = await startCurfew({ jobs: jobsOf(1, 'running', 400) });
    curfew.openai.faultFor = listed([[undated], [overdue]]);
    assert.equal((await curfew.sweep()).cancelled, 1);
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
  curfew.openai.faultFor = listed([jobs.slice(0, 100), jobs.slice(50)]);
  const { inspected, cancelled } = await curfew.sweep(noLimit);
  assert.deepEqual([inspected, cancelled], [150, 150]);
});

test('a page that is old but for what was seen before hides nothing that follows', async () => {
  const newest = simulatedJob({ id: 'ftjob-new', status: 'running', ageMinutes: 10 });
  const undated = { ...simulatedJob({ id: 'ftjob-undated', status: 'running' }), created_at: 0 };
  const overdue = simulatedJob({ id: 'ftjob-overdue', status: 'running', ageMinutes: 400 });
  await using curfew = await startCurfew({ jobs: [newest, overdue] });
  const pages = [[newest], [newest, undated], [overdue]];
  curfew.openai.faultFor = listed(pages);
  assert.deepEqual(
    (await curfew.sweep()).jobs.map(({ jobId }) => jobId),
    ['ftjob-overdue'],
  );
});

test('an odd job that comes on two pages is told of once', async () => {
  await using curfew = await startCurfew();
  const odd = { ...simulatedJob({ id: 'ftjob-odd', status: 'running' }), created_at: null };
  const pages = [[odd], [odd, simulatedJob({ id: 'ftjob-1', status: 'running', ageMinutes: 10 })]];
  curfew.openai.faultFor = listed(pages);
  await curfew.sweep();
  assert.equal(curfew.logLines.filter(({ jobId }) => jobId === 'ftjob-odd').length, 1);
});

describe('a job that is odd on one page and readable on another is a job as any other', () => {
  for (const which of ['first', 'second']) {
    test(`if the ${which} is odd`, async () => {
      const job = simulatedJob({ id: 'ftjob-1', status: 'running', ageMinutes: 400 });
      const odd = { ...job, created_at: null };
      const other = simulatedJob({ id: 'ftjob-2', status: 'succeeded', ageMinutes: 401 });
      await using curfew = await startCurfew({ jobs: [job] });
      const pages = which === 'first' ? [[odd, other], [job]] : [[job, other], [odd]];
      curfew.openai.faultFor = listed(pages);
      const { cancelled, complete } = await curfew.sweep();
      assert.deepEqual([cancelled, complete], [1, true]);
      assert.deepEqual(
        curfew.logLines.filter(({ level }) => level === 'WARN'),
        [],
      );
    });
  }
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
