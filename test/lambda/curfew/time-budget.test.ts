import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Judgement, judge } from '../../../lambda/curfew/time-budget.ts';
import { jobOf, nowMilliseconds, nowSeconds } from '../../support/fake-ports.ts';

const sixHours = { timeBudgetMinutes: 360, budgetFrom: 'default' } as const;
const judged = (ageMinutes: number, metadata: Record<string, string>, extendedUntilSeconds?: number) =>
  judge(jobOf({ id: 'ftjob-1', ageMinutes, metadata }), sixHours, nowMilliseconds, extendedUntilSeconds);

test('a job is judged once: age, budget, deadline, and whether that is over', () => {
  assert.deepEqual(judged(90.5, {}), {
    ageMinutes: 90.5,
    timeBudgetMinutes: 360,
    budgetFrom: 'default',
    deadlineSeconds: nowSeconds - 90.5 * 60 + 360 * 60,
    isOverdue: false,
    hasUnreadableBudget: false,
  });
});

describe('the time budget in the metadata', () => {
  const cases: [metadata: Record<string, string>, expected: Partial<Judgement>][] = [
    [{}, { timeBudgetMinutes: 360, budgetFrom: 'default' }],
    [{ team: 'search' }, { timeBudgetMinutes: 360, budgetFrom: 'default' }],
    [{ time_budget_minutes: '90' }, { timeBudgetMinutes: 90, budgetFrom: 'metadata' }],
    [{ time_budget_minutes: '0' }, { timeBudgetMinutes: 0, budgetFrom: 'metadata' }],
    [{ time_budget_minutes: '90.5' }, { timeBudgetMinutes: 90.5, budgetFrom: 'metadata' }],
    [{ time_budget_minutes: '.5' }, { timeBudgetMinutes: 0.5, budgetFrom: 'metadata' }],
    [{ time_budget_minutes: '.25' }, { timeBudgetMinutes: 0.25, budgetFrom: 'metadata' }],
    [{ time_budget_minutes: '5.' }, { timeBudgetMinutes: 5, budgetFrom: 'metadata' }],
    [{ time_budget_minutes: '12.25' }, { timeBudgetMinutes: 12.25, budgetFrom: 'metadata' }],
    [{ time_budget_minutes: ' 90\n' }, { timeBudgetMinutes: 90, budgetFrom: 'metadata' }],
    [{ time_budget_minutes: 'none' }, { timeBudgetMinutes: null, budgetFrom: 'exempt' }],
    [{ time_budget_minutes: 'None' }, { timeBudgetMinutes: null, budgetFrom: 'exempt' }],
    [{ time_budget_minutes: ' NONE ' }, { timeBudgetMinutes: null, budgetFrom: 'exempt' }],
  ];
  for (const [metadata, expected] of cases) {
    test(`${JSON.stringify(metadata)} is ${expected.timeBudgetMinutes} minutes, from ${expected.budgetFrom}`, () => {
      const { timeBudgetMinutes, budgetFrom, hasUnreadableBudget } = judged(1, metadata);
      assert.deepEqual({ timeBudgetMinutes, budgetFrom }, expected);
      assert.equal(hasUnreadableBudget, false);
    });
  }

  for (const text of [
    '',
    '  ',
    '-5',
    '1h',
    '90 minutes',
    '1e3',
    '.',
    '1.5.2',
    '0x10',
    'Infinity',
    'no',
    'nonee',
  ]) {
    test(`${JSON.stringify(text)} cannot be read, so the default holds`, () => {
      const { timeBudgetMinutes, budgetFrom, hasUnreadableBudget } = judged(1, { time_budget_minutes: text });
      assert.deepEqual({ timeBudgetMinutes, budgetFrom }, sixHours);
      assert.equal(hasUnreadableBudget, true);
    });
  }

  test('a number that no computer can hold is the greatest that it can, and JSON has a number for it', () => {
    const { timeBudgetMinutes, deadlineSeconds, isOverdue } = judged(1, {
      time_budget_minutes: '9'.repeat(400),
    });
    assert.equal(timeBudgetMinutes, Number.MAX_VALUE);
    assert.equal(isOverdue, false);
    assert.equal(deadlineSeconds, 8_640_000_000_000, 'the last second that has a date');
  });
});

test('a budget of the project is said to be one', () => {
  const { budgetFrom } = judge(
    jobOf({ id: 'ftjob-1' }),
    { timeBudgetMinutes: 5, budgetFrom: 'project' },
    nowMilliseconds,
  );
  assert.equal(budgetFrom, 'project');
});

describe('a job is overdue from its deadline on', () => {
  const cases: [ageMinutes: number, budget: string, isOverdue: boolean][] = [
    [59.99, '60', false],
    [60, '60', true],
    [61, '60', true],
    [0, '0', true],
    [1_000_000, 'none', false],
  ];
  for (const [ageMinutes, budget, isOverdue] of cases) {
    test(`at ${ageMinutes} minutes of ${budget}: ${isOverdue}`, () => {
      assert.equal(judged(ageMinutes, { time_budget_minutes: budget }).isOverdue, isOverdue);
    });
  }

  test('one that our clock has not reached yet is not, even with a budget of 0', () => {
    const { ageMinutes, isOverdue } = judged(-1, { time_budget_minutes: '0' });
    assert.equal(isOverdue, false);
    assert.equal(ageMinutes, -1);
  });
});

describe('an extension', () => {
  const byBudget = nowSeconds - 40 * 60;

  test('moves the deadline, and is where the budget comes from; the budget itself stays', () => {
    const { deadlineSeconds, budgetFrom, timeBudgetMinutes, isOverdue } = judged(400, {}, nowSeconds + 1);
    assert.deepEqual(
      { deadlineSeconds, budgetFrom, timeBudgetMinutes, isOverdue },
      {
        deadlineSeconds: nowSeconds + 1,
        budgetFrom: 'extension',
        timeBudgetMinutes: 360,
        isOverdue: false,
      },
    );
  });

  test('is over at its second', () => {
    assert.equal(judged(400, {}, nowSeconds).isOverdue, true);
  });

  test('that is no later than the budget changes nothing', () => {
    const { deadlineSeconds, budgetFrom } = judged(400, {}, byBudget);
    assert.equal(deadlineSeconds, byBudget);
    assert.equal(budgetFrom, 'default');
  });

  test('of an exempt job leaves it exempt', () => {
    const { deadlineSeconds, budgetFrom } = judged(400, { time_budget_minutes: 'none' }, nowSeconds + 60);
    assert.equal(deadlineSeconds, null);
    assert.equal(budgetFrom, 'exempt');
  });
});
