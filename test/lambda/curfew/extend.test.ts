import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { extend } from '../../../lambda/curfew/extend.ts';
import { QuotaError } from '../../../lambda/errors.ts';
import { type FakeContextOptions, fakeContext, fakeProject, isoIn, jobOf, now } from '../../support/fake-ports.ts';

type Fields = Omit<Parameters<typeof jobOf>[0], 'id'>;

async function extended(fields: Fields, minutes: number, options: FakeContextOptions = {}) {
  const context = fakeContext(options);
  const job = jobOf({ id: 'ftjob-1', ...fields });
  const answer = await extend({ project: fakeProject(), job }, minutes, context);
  return { answer, row: context.table.rows.get('ftjob-1'), calls: context.calls };
}
const withRow = (row: object): FakeContextOptions => ({ rows: { 'ftjob-1': row } });
const answer = (previous: number | null, deadline: number | null, status = 'running') => ({
  jobId: 'ftjob-1',
  status,
  previousDeadline: previous === null ? null : isoIn(previous),
  deadline: deadline === null ? null : isoIn(deadline),
});

describe('a job may go on for this many minutes from now', () => {
  const anHour = withRow({ extendedUntil: now + 3_600 });
  const cases: [name: string, fields: Fields, minutes: number, expected: object, options?: FakeContextOptions][] = [
    ['if that is later than its deadline', { ageMinutes: 350 }, 120, answer(10, 120)],
    ['even if it is overdue', { ageMinutes: 400 }, 5, answer(-40, 5)],
    ['even if it is waiting', { ageMinutes: 350, phase: 'waiting' }, 120, answer(10, 120, 'queued')],
    ['even beyond an earlier extension', { ageMinutes: 400 }, 90, answer(60, 90), anHour],
    [
      'an hour after an accepted cancel',
      { ageMinutes: 400 },
      5,
      answer(-40, 5),
      withRow({ cancellingSince: now - 3_600 }),
    ],
  ];
  for (const [name, fields, minutes, expected, options] of cases) {
    test(name, async () => {
      const { answer: given, row } = await extended(fields, minutes, options);
      assert.deepEqual(given, expected);
      assert.deepEqual(row, { extendedUntil: now + minutes * 60 });
    });
  }
});

describe('nothing is written', () => {
  const noLimit = { phase: 'waiting', metadata: { time_budget_minutes: 'none' } } as const;
  const cases: [name: string, fields: Fields, expected: object, options?: FakeContextOptions][] = [
    ['if its budget lasts as long', { ageMinutes: 300 }, answer(60, 60)],
    ['if its extension lasts longer', { ageMinutes: 400 }, answer(90, 90), withRow({ extendedUntil: now + 5_400 })],
    ['for an exempt job', { metadata: { time_budget_minutes: 'none' } }, answer(null, null)],
    ['for a waiting job without a limit', noLimit, answer(null, null, 'queued')],
    [
      'within an hour of an accepted cancel',
      { ageMinutes: 400 },
      answer(null, null),
      withRow({ cancellingSince: now - 3_599 }),
    ],
    ['for a cancelling job', { phase: 'cancelling' }, answer(null, null, 'cancelling')],
    ['for a finished job', { phase: 'finished' }, answer(null, null, 'succeeded')],
    [
      'for a paused job, even if the table is down',
      { phase: 'other' },
      answer(null, null, 'paused'),
      { unreadable: ['ftjob-1'] },
    ],
  ];
  for (const [name, fields, expected, options] of cases) {
    test(name, async () => {
      const { answer: given, calls } = await extended(fields, 60, options);
      assert.deepEqual([given, calls], [expected, []]);
    });
  }
});

describe('an extension is refused', () => {
  const cases: [name: string, fields: Fields, options: FakeContextOptions, errorName: string][] = [
    ['if the row cannot be read', { ageMinutes: 400 }, { unreadable: ['ftjob-1'] }, 'StateError'],
    ['if the row cannot be written', { ageMinutes: 400 }, { isWritable: false }, 'StateError'],
    ['if the creation time is unknown', { createdAt: null }, {}, 'OpenAIError'],
    ['if its tags cannot be read', { metadataError: new QuotaError('No tags.') }, {}, 'QuotaError'],
  ];
  for (const [name, fields, options, errorName] of cases) {
    test(`${name}: ${errorName}`, () => assert.rejects(extended(fields, 60, options), { name: errorName }));
  }
});

test('if somebody extended the job for longer meanwhile, the answer shows that extension', async () => {
  const context = fakeContext();
  context.table.extend = async () => now + 7_200;
  const job = jobOf({ id: 'ftjob-1', ageMinutes: 400 });
  const { deadline, project } = await extend({ project: fakeProject({ name: 'eu' }), job }, 60, context);
  assert.deepEqual([deadline, project], [isoIn(120), 'eu']);
});
