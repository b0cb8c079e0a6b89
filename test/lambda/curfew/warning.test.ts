import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { judge } from '../../../lambda/curfew/time-budget.ts';
import { warningFor, wasPublished } from '../../../lambda/curfew/warning.ts';
import { jobOf, nowMilliseconds, nowSeconds } from '../../support/fake-ports.ts';

describe('a warning is due', () => {
  const warningOf = (
    ageMinutes: number,
    estimatedFinishSeconds: number | null = null,
    warnBeforeMinutes = 30,
  ) => {
    const job = jobOf({ id: 'ftjob-1', ageMinutes, estimatedFinishSeconds });
    const judgement = judge(job, { timeBudgetMinutes: 360, budgetFrom: 'default' }, nowMilliseconds);
    return warningFor(job, judgement, { warnBeforeMinutes, dryRun: false }, nowMilliseconds);
  };

  test('from so many minutes before the deadline on', () => {
    assert.equal(warningOf(329.9), undefined);
    assert.deepEqual(warningOf(330), {
      deadlineSeconds: nowSeconds + 1800,
      minutesLeft: 30,
      willNotFinish: false,
      dryRun: false,
    });
    assert.equal(warningOf(359.5)?.minutesLeft, 0);
    assert.equal(warningOf(320, null, 40)?.minutesLeft, 40);
  });

  test('until the deadline, when the job is overdue', () => assert.equal(warningOf(360), undefined));

  test('as soon as the provider expects the job to finish later than its deadline', () => {
    const deadlineSeconds = nowSeconds + 360 * 60;
    assert.equal(warningOf(0, deadlineSeconds), undefined);
    assert.deepEqual(warningOf(0, deadlineSeconds + 1), {
      deadlineSeconds,
      minutesLeft: 360,
      willNotFinish: true,
      dryRun: false,
    });
  });

  test('near the deadline even if the provider expects the job to finish in time', () => {
    assert.equal(warningOf(340, nowSeconds + 60)?.willNotFinish, false);
  });

  test('never if it is asked for 0 minutes before', () => {
    assert.equal(warningOf(359.9, nowSeconds + 86_400, 0), undefined);
  });

  test('never for a job that has no deadline', () => {
    const job = jobOf({ id: 'ftjob-1', metadata: { time_budget_minutes: 'none' } });
    const judgement = judge(job, { timeBudgetMinutes: 1, budgetFrom: 'default' }, nowMilliseconds);
    assert.equal(
      warningFor(job, judgement, { warnBeforeMinutes: 30, dryRun: false }, nowMilliseconds),
      undefined,
    );
  });
});

test('a warning was published before if it was for the same deadline', () => {
  const warning = { deadlineSeconds: nowSeconds, minutesLeft: 0, willNotFinish: false, dryRun: false };
  assert.equal(wasPublished(warning, { warnedForSeconds: nowSeconds }), true);
  assert.equal(wasPublished(warning, { warnedForSeconds: nowSeconds - 1 }), false);
  assert.equal(wasPublished(warning, {}), false);
});
