import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { findWarning, judge, type Rules, toIso } from '../../../lambda/curfew/deadline.ts';
import type { JobRow } from '../../../lambda/curfew/job.ts';
import { fakeContext, fakeProject, jobOf, now, sixHours } from '../../support/fake-ports.ts';

type Fields = Omit<Parameters<typeof jobOf>[0], 'id'>;
const judged = (fields: Fields, row: JobRow = {}, rules: Partial<Rules> = {}) =>
  judge(jobOf({ id: 'ftjob-1', ...fields }), row, { ...sixHours, ...rules }, now);
const withBudget = (time_budget_minutes: string) => ({ metadata: { time_budget_minutes } });
const minutesFromNow = (seconds: number | null) => (seconds === null ? null : (seconds - now) / 60);

test('a judgement says how old a job is and where its deadline comes from', () => {
  assert.deepEqual(judged({ ageMinutes: 90.5 }), {
    ageMinutes: 90.5,
    timeBudgetMinutes: 360,
    budgetFrom: 'default',
    limit: 'budget',
    countsFrom: now - 90.5 * 60,
    deadline: now + 269.5 * 60,
    isOverdue: false,
    unreadableBudget: undefined,
  });
});

describe("a job's own budget", () => {
  const readable: [text: string, minutes: number | null][] = [
    ['90', 90],
    ['1.5', 1.5],
    ['.25', 0.25],
    ['5.', 5],
    ['90m', 90],
    ['24h', 1_440],
    ['1.5h', 90],
    ['2d', 2_880],
    [' 2 D\n', 2_880],
    ['none', null],
    [' NONE ', null],
  ];
  for (const [text, minutes] of readable) {
    test(`${JSON.stringify(text)} is ${minutes === null ? 'an exemption' : `${minutes} minutes`}`, () => {
      const { timeBudgetMinutes, budgetFrom, unreadableBudget } = judged(withBudget(text));
      assert.deepEqual([timeBudgetMinutes, budgetFrom], [minutes, minutes === null ? 'exempt' : 'metadata']);
      assert.equal(unreadableBudget, undefined);
    });
  }

  const texts = ['', '  ', '0', '0h', '-5', '90 minutes', '1w', 'h', '1e3', '.', '1.5.2', '0x10', 'Infinity', 'nonee'];
  const slips = ['timeBudgetMinutes', 'time-budget-minutes', 'TIME_BUDGET_MINUTES', 'time_budget', 'budget_minutes'];
  const unreadable: [metadata: Record<string, string>, quoted: string][] = [
    ...texts.map((text): [Record<string, string>, string] => [
      { time_budget_minutes: text },
      `time_budget_minutes: ${text}`,
    ]),
    ...slips.map((key): [Record<string, string>, string] => [{ team: 'search', [key]: '90' }, `${key}: 90`]),
    [{ time_budget_minutes: 'x'.repeat(500) }, `time_budget_minutes: ${'x'.repeat(79)}`],
  ];
  for (const [metadata, quoted] of unreadable) {
    test(`${JSON.stringify(metadata).slice(0, 80)} cannot be read, so the project's applies`, () => {
      const { timeBudgetMinutes, budgetFrom, unreadableBudget } = judged({ metadata });
      assert.deepEqual([timeBudgetMinutes, budgetFrom, unreadableBudget], [360, 'default', quoted]);
    });
  }

  test('applies even beside a key that looks like a typo', () => {
    const metadata = { timeBudgetMinutes: '5', time_budget_minutes: '90' };
    const { timeBudgetMinutes, unreadableBudget } = judged({ metadata });
    assert.deepEqual([timeBudgetMinutes, unreadableBudget], [90, undefined]);
  });

  test('is absent if there is only other metadata', () => {
    const { budgetFrom, unreadableBudget } = judged({
      metadata: { team: 'search', budget: '5', our_time_budget: '5' },
    });
    assert.deepEqual([budgetFrom, unreadableBudget], ['default', undefined]);
  });

  test('that is too large for a number becomes the maximum, with the last possible date as deadline', () => {
    const { timeBudgetMinutes, deadline, isOverdue } = judged(withBudget('9'.repeat(400)));
    assert.deepEqual([timeBudgetMinutes, deadline, isOverdue], [Number.MAX_VALUE, 8_640_000_000_000, false]);
  });
});

test('a budget set by the project is marked as such', () => {
  assert.equal(judged({}, {}, { timeBudgetMinutes: 5, budgetFrom: 'project' }).budgetFrom, 'project');
});

describe('a budget counts from the latest of', () => {
  const cases: [name: string, fields: Fields, row: JobRow, minutes: number][] = [
    ['its creation', { ageMinutes: 100 }, {}, -100],
    ['the last time a sweep saw it waiting', { ageMinutes: 100 }, { lastWaiting: now - 60 }, -1],
    ['the start that the provider reports', { ageMinutes: 100, startedAt: now - 120 }, {}, -2],
    ['both', { ageMinutes: 100, startedAt: now - 120 }, { lastWaiting: now - 60 }, -1],
    ['both, the other way round', { ageMinutes: 100, startedAt: now - 60 }, { lastWaiting: now - 120 }, -1],
    ['nothing earlier than its creation', { ageMinutes: 1, startedAt: now - 900 }, { lastWaiting: now - 900 }, -1],
  ];
  for (const [name, fields, row, minutes] of cases) {
    test(name, () => {
      const { countsFrom, deadline } = judged(fields, row);
      assert.deepEqual([minutesFromNow(countsFrom), minutesFromNow(deadline)], [minutes, minutes + 360]);
    });
  }
});

describe('a waiting job has a queue limit, from its creation:', () => {
  const cases: [name: string, fields: Fields, rules: Partial<Rules>, minutes: number | null][] = [
    ["the project's budget", {}, {}, 360],
    ['its own budget if that is longer', withBudget('900'), {}, 900],
    ["the project's budget if that is longer", withBudget('60'), {}, 360],
    ['the setting', withBudget('900'), { queueLimitMinutes: 30 }, 30],
    ['none if the setting says so', withBudget('60'), { queueLimitMinutes: 'none' }, null],
    ['none if it is exempt', withBudget('none'), { queueLimitMinutes: 30 }, null],
    ['whenever a sweep last saw it waiting', { startedAt: now }, {}, 360],
  ];
  for (const [name, fields, rules, minutes] of cases) {
    test(name, () => {
      const row = { lastWaiting: now - 60 };
      const { deadline, limit } = judged({ phase: 'waiting', ageMinutes: 100, ...fields }, row, rules);
      assert.deepEqual([minutesFromNow(deadline), limit], [minutes === null ? null : minutes - 100, 'queue']);
    });
  }

  test('which no longer applies once it runs', () => {
    const { deadline, limit } = judged({ ageMinutes: 100 }, {}, { queueLimitMinutes: 30 });
    assert.deepEqual([minutesFromNow(deadline), limit], [260, 'budget']);
  });
});

describe('a job is overdue from its deadline on', () => {
  const cases: [fields: Fields, isOverdue: boolean][] = [
    [{ ageMinutes: 59.99, ...withBudget('60') }, false],
    [{ ageMinutes: 60, ...withBudget('60') }, true],
    [{ ageMinutes: 61, ...withBudget('60') }, true],
    [{ ageMinutes: 1_000_000, ...withBudget('none') }, false],
    [{ phase: 'waiting', ageMinutes: 359.99 }, false],
    [{ phase: 'waiting', ageMinutes: 360 }, true],
  ];
  for (const [fields, isOverdue] of cases) {
    test(`${JSON.stringify(fields)}: ${isOverdue}`, () => assert.equal(judged(fields).isOverdue, isOverdue));
  }

  test('which is its creation with a budget of 0, even if that is ahead of our clock', () => {
    const rules = { timeBudgetMinutes: 0 };
    assert.deepEqual(
      [-1, 0].map((ageMinutes) => judged({ ageMinutes }, {}, rules).isOverdue),
      [false, true],
    );
  });

  test('but never if its creation time is unknown', () => {
    const { ageMinutes, countsFrom, deadline, isOverdue } = judged({ createdAt: null }, { extendedUntil: now - 60 });
    assert.deepEqual([ageMinutes, countsFrom, deadline, isOverdue], [null, null, null, false]);
  });
});

describe('an extension', () => {
  const byBudget = now - 40 * 60;
  const cases: [name: string, fields: Fields, until: number, expected: object][] = [
    [
      'moves the deadline, not the budget',
      {},
      now + 1,
      { deadline: now + 1, budgetFrom: 'extension', isOverdue: false },
    ],
    ['ends on the second', {}, now, { deadline: now, budgetFrom: 'extension', isOverdue: true }],
    ['no later than the deadline changes nothing', {}, byBudget, { deadline: byBudget, budgetFrom: 'default' }],
    ['moves a queue limit too', { phase: 'waiting' }, now + 1, { deadline: now + 1, budgetFrom: 'extension' }],
    ['leaves an exempt job exempt', withBudget('none'), now + 60, { deadline: null, budgetFrom: 'exempt' }],
  ];
  for (const [name, fields, extendedUntil, expected] of cases) {
    test(name, () => {
      const judgement = judged({ ageMinutes: 400, ...fields }, { extendedUntil });
      assert.deepEqual({ ...judgement, ...expected }, judgement);
      assert.equal(judgement.timeBudgetMinutes, judgement.budgetFrom === 'exempt' ? null : 360);
    });
  }

  test('gives no deadline to a waiting job without a limit', () => {
    const rules = { queueLimitMinutes: 'none' } as const;
    assert.equal(judged({ phase: 'waiting' }, { extendedUntil: now - 60 }, rules).deadline, null);
  });
});

describe('a warning is due', () => {
  const warningFor = (fields: Fields, row: JobRow = {}, warnBeforeMinutes = 30, rules: Partial<Rules> = {}) => {
    const project = fakeProject({ rules });
    const job = jobOf({ id: 'ftjob-1', ...fields });
    const one = { project, job, row, judgement: judged(fields, row), readError: undefined };
    return findWarning(one, fakeContext({ warnBeforeMinutes }));
  };
  const cases: [name: string, fields: Fields, expected: object][] = [
    ['from this many minutes before the deadline', { ageMinutes: 330 }, { minutesLeft: 30, willNotFinish: false }],
    ['until the deadline', { ageMinutes: 359.5 }, { minutesLeft: 0, deadline: now + 30 }],
    ['before the queue limit', { phase: 'waiting', ageMinutes: 340 }, { minutesLeft: 20, willNotFinish: false }],
    [
      'as soon as a running job is expected to finish after its deadline',
      { estimatedFinish: now + 360 * 60 + 1 },
      { minutesLeft: 360, willNotFinish: true },
    ],
    [
      'even if it is expected to finish in time',
      { ageMinutes: 340, estimatedFinish: now + 60 },
      { willNotFinish: false },
    ],
  ];
  for (const [name, fields, expected] of cases) {
    test(name, () => {
      const warning = warningFor(fields);
      assert.deepEqual({ ...warning, ...expected }, warning);
    });
  }

  test('and carries the judgement, and whether it is a dry run', () => {
    const judgement = judged({ ageMinutes: 340 });
    const warning = warningFor({ ageMinutes: 340 }, {}, 30, { dryRun: true });
    const deadline = now + 20 * 60;
    assert.deepEqual(warning, { judgement, deadline, minutesLeft: 20, willNotFinish: false, dryRun: true });
  });

  const none: [name: string, fields: Fields, row?: JobRow, warnBeforeMinutes?: number][] = [
    ['earlier', { ageMinutes: 329.9 }],
    ['for a job that is overdue', { ageMinutes: 360 }],
    ['for a job without a deadline', withBudget('none')],
    ['if the estimate is the deadline', { estimatedFinish: now + 360 * 60 }],
    ['for the estimate of a waiting job', { phase: 'waiting', estimatedFinish: now + 86_400 }],
    ['if warnBeforeMinutes is 0', { ageMinutes: 359, estimatedFinish: now + 86_400 }, {}, 0],
    ['if it was published for this deadline', { ageMinutes: 340 }, { warnedFor: now + 20 * 60 }],
    ['for a job whose cancel was accepted', { ageMinutes: 340 }, { cancellingSince: 1 }],
  ];
  for (const [name, fields, row, warnBeforeMinutes] of none) {
    test(`not ${name}`, () => assert.equal(warningFor(fields, row, warnBeforeMinutes), undefined));
  }

  test('again for a new deadline', () => {
    const row = { warnedFor: now + 20 * 60, extendedUntil: now + 25 * 60 };
    assert.equal(warningFor({ ageMinutes: 340 }, row)?.minutesLeft, 25);
  });
});

test('times are ISO 8601, to the second', () => {
  assert.deepEqual([now, now + 0.9, null].map(toIso), ['2026-11-25T12:00:00.000Z', '2026-11-25T12:00:00.000Z', null]);
});
