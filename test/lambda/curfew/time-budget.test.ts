import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ageMinutesOf, isOverdue, timeBudgetOf } from '../../lambda/time-budget.ts';

describe('the time budget of a job', () => {
  const cases: [
    metadata: Record<string, unknown> | null | undefined,
    minutes: number,
    unreadable: boolean,
  ][] = [
    [undefined, 360, false],
    [null, 360, false],
    [{}, 360, false],
    [{ team: 'search' }, 360, false],
    [{ time_budget_minutes: '90' }, 90, false],
    [{ time_budget_minutes: '0' }, 0, false],
    [{ time_budget_minutes: '1.25' }, 1.25, false],
    [{ time_budget_minutes: 'none' }, Number.POSITIVE_INFINITY, false],
    [{ time_budget_minutes: '' }, 360, true],
    [{ time_budget_minutes: '-5' }, 360, true],
    [{ time_budget_minutes: '1h' }, 360, true],
    [{ time_budget_minutes: 'None' }, 360, true],
    [{ time_budget_minutes: '1e3' }, 360, true],
    [{ time_budget_minutes: 90 }, 360, true],
  ];
  for (const [metadata, minutes, unreadable] of cases) {
    test(`is ${minutes} minutes with metadata ${JSON.stringify(metadata)}${unreadable ? ', unreadable' : ''}`, () => {
      assert.deepEqual(timeBudgetOf(metadata, 360), { minutes, unreadable });
    });
  }
});

test('the age of a job is counted in minutes from its creation in seconds', () => {
  assert.equal(ageMinutesOf(1_000, 1_090_000), 1.5);
});

describe('a job is overdue', () => {
  const cases: [ageMinutes: number, budgetMinutes: number, overdue: boolean][] = [
    [59.99, 60, false],
    [60, 60, true],
    [61, 60, true],
    [0, 0, true],
    [-0.01, 0, false],
    [1e9, Number.POSITIVE_INFINITY, false],
  ];
  for (const [age, budget, overdue] of cases) {
    test(`at ${age} minutes of ${budget}: ${overdue}`, () => {
      assert.equal(isOverdue(age, budget), overdue);
    });
  }
});
