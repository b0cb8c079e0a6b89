import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { emptyResult, failure, record, type SweptJob } from '../../lambda/sweep-result.ts';

const options = { timeBudgetMinutes: 360, dryRun: false, lookbackDays: 30 };
const swept = (outcome: SweptJob['outcome']): SweptJob => ({
  jobId: 'ftjob-1',
  outcome,
  initialStatus: 'running',
  finalStatus: null,
  ageMinutes: 400,
  timeBudgetMinutes: 360,
});

describe('each overdue job is counted once, by what became of it', () => {
  const cases = {
    cancelled: 'cancelled',
    cancelling: 'cancelled',
    already_finished: 'alreadyFinished',
    would_cancel: 'wouldCancel',
    failed: 'failed',
    not_cancellable: 'failed',
  } as const;
  for (const [outcome, counter] of Object.entries(cases)) {
    test(`${outcome} as ${counter}`, () => {
      const result = emptyResult(options);
      const job = swept(outcome as keyof typeof cases);
      record(result, job);
      assert.deepEqual(result, { ...emptyResult(options), [counter]: 1, jobs: [job] });
    });
  }
});

test('of a failure only the beginning of its message is told, so that many fit', () => {
  const job = { id: 'ftjob-1', status: 'running', created_at: 0 };
  assert.deepEqual(failure(job, new RangeError('x'.repeat(1_000))), {
    jobId: 'ftjob-1',
    outcome: 'failed',
    initialStatus: 'running',
    finalStatus: null,
    error: { name: 'RangeError', message: 'x'.repeat(160) },
  });
});
