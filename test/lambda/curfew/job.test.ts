import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as v from 'valibot';
import {
  isCancelled,
  isFinished,
  isInProgress,
  isKnown,
  jobIdPattern,
  jobSchema,
} from '../../../lambda/curfew/job.ts';

describe('a status', () => {
  const cases: [statuses: string[], expected: object][] = [
    [
      ['validating_files', 'pending', 'queued', 'running', 'resuming'],
      { inProgress: true, finished: false, cancelled: false, known: true },
    ],
    [['succeeded', 'failed'], { inProgress: false, finished: true, cancelled: false, known: true }],
    [['cancelled', 'canceled'], { inProgress: false, finished: true, cancelled: true, known: true }],
    [['pausing', 'paused'], { inProgress: false, finished: false, cancelled: false, known: true }],
    [
      ['frozen', 'Running', '', 'toString'],
      { inProgress: false, finished: false, cancelled: false, known: false },
    ],
  ];
  for (const [statuses, expected] of cases) {
    for (const status of statuses) {
      test(`"${status}" is ${JSON.stringify(expected)}`, () => {
        const found = {
          inProgress: isInProgress(status),
          finished: isFinished(status),
          cancelled: isCancelled(status),
          known: isKnown(status),
        };
        assert.deepEqual(found, expected);
      });
    }
  }
});

describe('a job id', () => {
  for (const id of ['ftjob-abc123', 'a', '7', 'ft.job:1_2-3', 'j'.repeat(128)]) {
    test(`may be ${id.slice(0, 20)}, of ${id.length} characters`, () => assert.match(id, jobIdPattern));
  }
  for (const id of [
    '',
    '-a',
    '.',
    '..',
    'a/b',
    'a/../b',
    'a?b',
    'a b',
    'a%2fb',
    'ä',
    'a\n',
    'j'.repeat(129),
  ]) {
    test(`may not be ${JSON.stringify(id.slice(0, 20))}, of ${id.length} characters`, () =>
      assert.doesNotMatch(id, jobIdPattern));
  }
});

describe('a job as the provider has it', () => {
  const given = { id: 'ftjob-1', status: 'running', created_at: 1_700_000_000 };
  const job = {
    id: 'ftjob-1',
    status: 'running',
    createdAtSeconds: 1_700_000_000,
    model: null,
    estimatedFinishSeconds: null,
    metadata: {},
    hasOddMetadata: false,
  };
  const pairs = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`key-${index}`, 'value']));
  const longest = { ['k'.repeat(64)]: 'v'.repeat(512) };
  const cases: [name: string, fields: object, expected: object][] = [
    ['nothing else', {}, {}],
    ['a model', { model: 'm'.repeat(256) }, { model: 'm'.repeat(256) }],
    ['a model that is null', { model: null }, {}],
    ['a model that is a number', { model: 7 }, {}],
    ['a model that is too long', { model: 'm'.repeat(257) }, {}],
    ['an estimate', { estimated_finish: 1_700_000_060 }, { estimatedFinishSeconds: 1_700_000_060 }],
    ['an estimate that is null', { estimated_finish: null }, {}],
    ['an estimate that is a text', { estimated_finish: 'soon' }, {}],
    ['an estimate that is no date', { estimated_finish: -1 }, {}],
    ['metadata that is null', { metadata: null }, {}],
    ['metadata', { metadata: { team: 'search' } }, { metadata: { team: 'search' } }],
    ['metadata in part', { metadata: { a: 'b', c: 7 } }, { metadata: { a: 'b' }, hasOddMetadata: true }],
    ['metadata with a list in it', { metadata: { a: ['b'] } }, { hasOddMetadata: true }],
    ['metadata that is a list', { metadata: ['search'] }, { hasOddMetadata: true }],
    ['metadata that is a text', { metadata: 'search' }, { hasOddMetadata: true }],
    ['the longest metadata', { metadata: longest }, { metadata: longest }],
    ['metadata with a longer key', { metadata: { ['k'.repeat(65)]: 'v' } }, { hasOddMetadata: true }],
    ['metadata with a longer value', { metadata: { k: 'v'.repeat(513) } }, { hasOddMetadata: true }],
    ['the most metadata', { metadata: pairs(16) }, { metadata: pairs(16) }],
    ['more metadata', { metadata: pairs(17) }, { metadata: pairs(16), hasOddMetadata: true }],
  ];
  for (const [name, fields, expected] of cases) {
    test(`with ${name}`, () => {
      assert.deepEqual(v.parse(jobSchema, { ...given, ...fields }), { ...job, ...expected });
    });
  }

  test('may have a status that we have never heard of', () => {
    const { status } = v.parse(jobSchema, { ...given, status: 's'.repeat(64) });
    assert.equal(status, 's'.repeat(64));
  });

  const unreadable: [fields: object, field: string][] = [
    [{ id: '../1' }, 'id'],
    [{ id: 7 }, 'id'],
    [{ status: '' }, 'status'],
    [{ status: null }, 'status'],
    [{ status: 's'.repeat(65) }, 'status'],
    [{ created_at: '2026' }, 'created_at'],
    [{ created_at: -1 }, 'created_at'],
    [{ created_at: 1_700_000_000_000 }, 'created_at'],
  ];
  for (const [fields, field] of unreadable) {
    test(`cannot be read with ${JSON.stringify(fields)}`, () => {
      const { success, issues = [] } = v.safeParse(jobSchema, { ...given, ...fields });
      assert.equal(success, false);
      assert.deepEqual(
        issues.map((issue) => v.getDotPath(issue)),
        [field],
      );
    });
  }
});
