import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { simulatedJob } from '../../infra/local/simulated-job.ts';
import { type Curfew, startCurfew } from '../support/curfew.ts';
import { noAnswer } from '../support/wire-faults.ts';

const metadata = { team: 'search', time_budget_minutes: '90' };
const overdueJob = (id = 'ftjob-1') => simulatedJob({ id, status: 'running', ageMinutes: 100, metadata });

describe('a cancelled job is told to the event bus', () => {
  const detail = {
    jobId: 'ftjob-1',
    initialStatus: 'running',
    ageMinutes: 100,
    timeBudgetMinutes: 90,
    model: 'gpt-4o-mini-2024-07-18',
    metadata,
  };

  test('by a sweep', async () => {
    await using curfew = await startCurfew({ jobs: [overdueJob()] });
    await curfew.sweep();
    assert.deepEqual(curfew.aws.events, [
      {
        source: 'fine-tuning-curfew',
        detailType: 'Fine-Tuning Job Cancelled',
        detail: {
          ...detail,
          outcome: 'cancelled',
          finalStatus: 'cancelled',
          reason: 'time_budget',
          requestedBy: 'direct',
          summary:
            'Fine-tuning job ftjob-1 was cancelled because its time budget was over; it was running, 100 minutes old, with a time budget of 90 minutes.',
        },
      },
    ]);
  });

  test('on request', async () => {
    await using curfew = await startCurfew({ jobs: [overdueJob()] });
    await curfew.cancel('ftjob-1');
    assert.equal(curfew.aws.events[0]?.detailType, 'Fine-Tuning Job Cancelled');
    assert.equal(curfew.aws.events[0].detail['reason'], 'requested');
  });

  test('also where it is still on its way there', async () => {
    const job = overdueJob();
    await using curfew = await startCurfew({ jobs: [job] });
    curfew.openai.faultFor = ({ endpoint }) =>
      endpoint === 'cancel' ? () => ({ status: 200, body: job }) : undefined;
    await curfew.cancel('ftjob-1');
    assert.equal(curfew.aws.events[0]?.detailType, 'Fine-Tuning Job Cancelled');
    assert.match(
      String(curfew.aws.events[0].detail['summary']),
      /is being cancelled as asked .*still running/,
    );
  });

  for (const form of ['cancel', 'sweep'] as const) {
    test(`as one that would be cancelled, in a dry ${form}`, async () => {
      await using curfew = await startCurfew({ jobs: [overdueJob()] });
      await (form === 'cancel' ? curfew.cancel('ftjob-1', { dryRun: true }) : curfew.sweep({ dryRun: true }));
      assert.deepEqual(
        curfew.aws.events.map(({ detailType }) => detailType),
        ['Fine-Tuning Job Would Be Cancelled'],
      );
      assert.equal(curfew.aws.events[0]?.detail['outcome'], 'would_cancel');
    });
  }

  test('each of very many, ten at a time', async () => {
    const jobs = Array.from({ length: 25 }, (_, index) => overdueJob(`ftjob-${index}`));
    await using curfew = await startCurfew({ jobs });
    await curfew.sweep();
    const told = new Set(curfew.aws.events.map(({ detail: { jobId } }) => jobId));
    assert.equal(told.size, 25);
    assert.deepEqual(
      curfew.aws.batchSizes.toSorted((a, b) => a - b),
      [5, 10, 10],
    );
  });

  test('also where the sweep ran out of time', async () => {
    await using curfew = await startCurfew({ jobs: [overdueJob('ftjob-1'), overdueJob('ftjob-2')] });
    curfew.openai.faultFor = ({ endpoint, jobId }) =>
      endpoint === 'cancel' && jobId === 'ftjob-2' ? noAnswer : undefined;
    const result = await curfew.sweep({}, { remainingMilliseconds: 1_500 });
    assert.equal(result.complete, false);
    assert.deepEqual(
      curfew.aws.events.map(({ detail: { jobId } }) => jobId),
      ['ftjob-1'],
    );
  });
});

describe('nothing is told', () => {
  for (const status of ['succeeded', 'paused']) {
    test(`of a job that is ${status}`, async () => {
      await using curfew = await startCurfew({ jobs: [simulatedJob({ id: 'ftjob-1', status })] });
      await curfew.cancel('ftjob-1');
      assert.deepEqual(curfew.aws.batchSizes, []);
    });
  }

  test('of a job that goes on', async () => {
    await using curfew = await startCurfew({ jobs: [simulatedJob({ status: 'running', ageMinutes: 5 })] });
    await curfew.sweep();
    assert.deepEqual(curfew.aws.batchSizes, []);
  });
});

describe('a failure to publish neither undoes nor hides a cancel', { concurrency: true }, () => {
  for (const [eventBus, reason] of [
    ['down', 'InternalException'],
    ['silent', 'AbortError'],
  ] as const) {
    test(`on an event bus that is ${eventBus}`, async () => {
      await using curfew = await startCurfew({ jobs: [overdueJob()] });
      curfew.aws.eventBus = eventBus;
      const result = await curfew.cancel('ftjob-1', { remainingMilliseconds: 1_500 });
      assert.equal(result.outcome, 'cancelled');
      assert.deepEqual(unpublished(curfew), [
        ['ERROR', 'ftjob-1', `No event could be published for ftjob-1 (${reason}). What was decided stands.`],
      ]);
    });
  }

  test('on an event bus that is silent for a while: it is told once more', async () => {
    await using curfew = await startCurfew({ jobs: [overdueJob()] });
    curfew.aws.eventBus = 'silent';
    const cancel = curfew.cancel('ftjob-1');
    await sleep(500);
    curfew.aws.eventBus = 'up';
    await cancel;
    assert.equal(curfew.aws.events.length, 1);
    assert.deepEqual(unpublished(curfew), []);
  });

  test('of one event among others', async () => {
    const jobs = ['ftjob-1', 'ftjob-2', 'ftjob-3'].map(overdueJob);
    await using curfew = await startCurfew({ jobs });
    curfew.aws.refuses = ({ detail: { jobId } }) => jobId === 'ftjob-2';
    const result = await curfew.sweep();
    assert.equal(result.cancelled, 3);
    assert.equal(curfew.aws.events.length, 2);
    assert.deepEqual(
      unpublished(curfew).map(([, jobId]) => jobId),
      ['ftjob-2'],
    );
  });
});

/** Level, job and message of each line about an event that was not published. */
function unpublished({ logLines }: Curfew): unknown[][] {
  return logLines
    .filter(({ message }) => String(message).startsWith('No event'))
    .map(({ level, jobId, message }) => [level, jobId, message]);
}
