import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { simulatedJob } from '../../../infra/local/providers/simulated-job.ts';
import { endpoints, startCurfew } from '../../support/curfew.ts';

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
