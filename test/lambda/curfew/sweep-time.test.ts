import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulatedJob } from '../../infra/local/simulated-job.ts';
import { deadlineIn } from '../../lambda/deadline.ts';
import type { FineTuningApi } from '../../lambda/fine-tuning-api.ts';
import { sweep } from '../../lambda/sweep.ts';
import { type Curfew, startCurfew } from '../support/curfew.ts';
import { answers, late, noAnswer } from '../support/wire-faults.ts';

const overdueJobs = (count: number) =>
  Array.from({ length: count }, (_, index) =>
    simulatedJob({ status: 'running', ageMinutes: 400 + index / 60 }),
  );
const cancelledJobs = ({ openai }: Curfew) =>
  [...openai.jobs.values()].filter((job) => job.status === 'cancelled').map((job) => job.id);

describe('time runs out', { concurrency: true }, () => {
  test('while listing: what was found is cancelled and told, and the next sweep finishes the rest', async () => {
    await using curfew = await startCurfew({ jobs: overdueJobs(1000) });
    curfew.openai.faultFor = ({ endpoint }) => (endpoint === 'list' ? late(300) : undefined);
    const first = await curfew.sweep({}, { remainingMilliseconds: 3_000 });
    assert.equal(first.complete, false);
    assert.ok(first.cancelled > 0 && first.cancelled < 1000);
    assert.equal(first.overdue, first.cancelled);
    assert.deepEqual(
      new Set(first.jobs.map((job) => job.jobId)),
      new Set(cancelledJobs(curfew).slice(0, first.jobs.length)),
    );
    assert.equal(first.cancelled, cancelledJobs(curfew).length);

    curfew.openai.faultFor = () => undefined;
    const second = await curfew.sweep();
    assert.equal(second.complete, true);
    assert.equal(first.cancelled + second.cancelled, 1000);
  });

  test('while cancelling: what got no answer is told as failed, the rest as it was', async () => {
    const jobs = overdueJobs(20);
    const silent = new Set(jobs.slice(0, 5).map((job) => job.id));
    await using curfew = await startCurfew({ jobs });
    curfew.openai.faultFor = ({ endpoint, jobId = '' }) =>
      endpoint === 'cancel' && silent.has(jobId) ? noAnswer : undefined;
    const result = await curfew.sweep({}, { remainingMilliseconds: 2_000 });
    assert.equal(result.complete, false);
    assert.equal(result.cancelled, 15);
    assert.equal(result.failed, 5);
    const failed = result.jobs.filter((job) => job.outcome === 'failed');
    assert.deepEqual(new Set(failed.map((job) => job.jobId)), silent);
    for (const { error } of failed) assert.equal(error?.name, 'OpenAIError');
  });

  test('before the first page: an incomplete sweep that has seen nothing', async () => {
    await using curfew = await startCurfew({ jobs: overdueJobs(1) });
    curfew.openai.faultFor = () => noAnswer;
    const result = await curfew.sweep({}, { remainingMilliseconds: 1_000 });
    assert.equal(result.complete, false);
    assert.equal(result.inspected, 0);
  });

  test('the answer comes before Lambda would end the function', async () => {
    await using curfew = await startCurfew({ jobs: overdueJobs(20) });
    curfew.openai.faultFor = ({ endpoint }) => (endpoint === 'cancel' ? noAnswer : undefined);
    const startedAt = performance.now();
    await curfew.sweep({}, { remainingMilliseconds: 1_500 });
    assert.ok(performance.now() - startedAt < 1_500);
  });
});

test('a sweep takes the time that Lambda gives, a cancel ends before the AWS CLI would send it again', async (t) => {
  await using curfew = await startCurfew({ jobs: overdueJobs(1) });
  const timeout = t.mock.method(AbortSignal, 'timeout');
  const longestTimeout = () => Math.max(...timeout.mock.calls.map((call) => Number(call.arguments[0])));
  await curfew.cancel([...curfew.openai.jobs.keys()][0] ?? '', { remainingMilliseconds: 300_000 });
  assert.equal(longestTimeout(), 49_000);
  // A moment has passed since Lambda was asked.
  await curfew.sweep({}, { remainingMilliseconds: 300_000 });
  assert.ok(longestTimeout() > 298_000);
});

test('with hardly any time left the answer is OpenAIError still', async () => {
  await using curfew = await startCurfew({ jobs: overdueJobs(1) });
  curfew.openai.faultFor = () => noAnswer;
  await assert.rejects(curfew.sweep({}, { remainingMilliseconds: 60 }), {
    name: 'OpenAIError',
    message: 'The time was up before the answer was ready. Try again.',
  });
});

test('once the time runs down, no further job of the same page is cancelled', async () => {
  const windDown = new AbortController();
  const page = overdueJobs(250);
  const cancelled: string[] = [];
  const api: FineTuningApi = {
    retrieve: () => assert.fail('nothing is read again'),
    async *list() {
      yield page;
    },
    cancel: async (jobId) => {
      windDown.abort();
      cancelled.push(jobId);
      return { id: jobId, status: 'cancelled', created_at: 0 };
    },
  };
  const options = { timeBudgetMinutes: 360, dryRun: false, lookbackDays: 0 };
  const deadline = { ...deadlineIn(60_000), windDown: windDown.signal };
  const report = { decided: () => {}, leftRunning: () => {}, unreadableBudget: () => {} };
  const { result } = await sweep(api, options, deadline, Date.now(), report);
  assert.ok(cancelled.length < page.length);
  assert.equal(result.overdue, cancelled.length);
  assert.equal(result.complete, false);
});

describe('listing fails on page 7', () => {
  const start = async () => {
    const jobs = overdueJobs(1000);
    const curfew = await startCurfew({ jobs });
    const lastOfPageSix = jobs[599]?.id;
    curfew.openai.faultFor = ({ url }) =>
      url.searchParams.get('after') === lastOfPageSix
        ? answers(501, { 'x-should-retry': 'false' })
        : undefined;
    return curfew;
  };

  test('what was found before is cancelled, then the error is thrown', async () => {
    await using curfew = await start();
    await assert.rejects(curfew.sweep(), { name: 'OpenAIError', message: /list the fine-tuning jobs.*501/ });
    assert.equal(cancelledJobs(curfew).length, 600);
  });

  test('and the log has the counts', async () => {
    await using curfew = await start();
    await assert.rejects(curfew.sweep());
    const summary = curfew.logLines.find((line) => 'inspected' in line);
    assert.equal(summary?.['cancelled'], 600);
    assert.equal(summary['complete'], false);
  });
});

describe('side by side', () => {
  test('two sweeps share the work without an error', async () => {
    await using curfew = await startCurfew({ jobs: overdueJobs(200) });
    const [first, second] = await Promise.all([curfew.sweep(), curfew.sweep()]);
    assert.ok(first && second);
    assert.equal(first.failed + second.failed, 0);
    assert.equal(cancelledJobs(curfew).length, 200);
  });

  test("a sweep and an operator's cancel of the same job both succeed", async () => {
    const jobs = overdueJobs(1);
    await using curfew = await startCurfew({ jobs });
    const [swept, cancelled] = await Promise.all([curfew.sweep(), curfew.cancel(jobs[0]?.id ?? '')]);
    assert.equal(swept.failed, 0);
    assert.ok(['cancelled', 'already_finished'].includes(cancelled.outcome));
  });
});

describe('jobs come and go while the list is read', () => {
  test('a new job on top shifts no other out of sight, nor into it twice', async () => {
    const jobs = overdueJobs(250);
    await using curfew = await startCurfew({ jobs });
    curfew.openai.faultFor = ({ endpoint }) => {
      if (endpoint !== 'list') return undefined;
      return (answer) => {
        const page = answer();
        const late = simulatedJob({ status: 'queued' });
        curfew.openai.jobs.set(late.id, late);
        return page;
      };
    };
    const result = await curfew.sweep();
    assert.equal(result.inspected, 250);
    assert.equal(result.cancelled, 250);
  });

  test('a job that finished since it was listed is not cancelled', async () => {
    const jobs = overdueJobs(3);
    await using curfew = await startCurfew({ jobs });
    curfew.openai.faultFor = ({ endpoint }) => {
      if (endpoint !== 'list') return undefined;
      return (answer) => {
        const page = JSON.parse(JSON.stringify(answer()));
        for (const job of jobs) job.status = 'succeeded';
        return page;
      };
    };
    const result = await curfew.sweep();
    assert.equal(result.alreadyFinished, 3);
    assert.deepEqual(cancelledJobs(curfew), []);
  });
});
