import assert from 'node:assert/strict';
import { after, beforeEach, describe, test } from 'node:test';
import { startAwsStub } from '../../../infra/local/aws/stub/server.ts';
import { createAwsClients } from '../../../lambda/aws/clients.ts';
import { openTable } from '../../../lambda/aws/table.ts';
import type { JobTable } from '../../../lambda/curfew/job.ts';
import { StateError } from '../../../lambda/errors.ts';
import { awsCredentials } from '../../support/curfew.ts';

const aws = await startAwsStub();
after(() => aws[Symbol.asyncDispose]());
const clients = createAwsClients({ endpoint: aws.url, region: 'us-east-1', credentials: awsCredentials });
const tableWith = (signal: AbortSignal) => openTable('curfew-table', clients.dynamoDB, signal);
const table = tableWith(new AbortController().signal);

const stub = aws.table;
const later = Math.ceil(Date.now() / 1000) + 3_600;
const read = (...jobIds: string[]) => Promise.all(jobIds.map(table.read));
const given = (row: object) => stub.rows.set('ftjob-1', { jobId: 'ftjob-1', ...row });
/** The row of `ftjob-1`, without its expiry. */
const written = () => {
  const { jobId, expiresAt, ...row } = stub.rows.get('ftjob-1') ?? { jobId: '' };
  return row;
};

beforeEach(() => {
  stub.rows.clear();
  Object.assign(stub, { health: 'up', leaves: () => false, reads: 0, writes: 0, idsRead: [] });
});

describe('reading rows', () => {
  test('returns what is known about each job, which may be nothing', async () => {
    const row = { extendedUntil: 8_640_000_000_000, lastWaiting: 0, warnedFor: 9.5, cancellingSince: 10 };
    given({ ...row, extendedBy: 'alice', expiresAt: 11 });
    assert.deepEqual(await read('ftjob-1', 'ftjob-2'), [row, {}]);
    assert.equal(stub.reads, 1);
  });

  test('in large numbers asks for a hundred at a time', async () => {
    const ids = Array.from({ length: 201 }, (_, index) => `ftjob-${index}`);
    await read(...ids);
    assert.equal(stub.reads, 3);
    assert.deepEqual(stub.idsRead.toSorted(), ids.toSorted());
  });

  for (const extendedUntil of ['soon', '', -1, 1e14]) {
    test(`with an invalid time (${JSON.stringify(extendedUntil)}) is a StateError, for that job only`, async () => {
      given({ extendedUntil });
      const [bad, other] = await read('ftjob-1', 'ftjob-2');
      assert.ok(bad?.readError instanceof StateError);
      assert.match(bad.readError.message, /^In the row of job ftjob-1, extendedUntil is not a time/);
      assert.deepEqual(other, {});
    });
  }

  test('asks again only for those that DynamoDB leaves out', async () => {
    given({ extendedUntil: later });
    let left = 2;
    stub.leaves = (jobId) => jobId === 'ftjob-1' && left-- > 0;
    assert.deepEqual(await read('ftjob-1', 'ftjob-2'), [{ extendedUntil: later }, {}]);
    assert.deepEqual([stub.idsRead, stub.reads], [['ftjob-2', 'ftjob-1'], 3]);
  });

  test('gives up on those that are left out three times, but not on the others', async () => {
    stub.leaves = (jobId) => jobId === 'ftjob-2';
    const startedAt = performance.now();
    const [found, left] = await read('ftjob-1', 'ftjob-2');
    assert.deepEqual(found, {});
    assert.ok(left?.readError instanceof StateError);
    assert.match(left.readError.message, /could not be read \(UnprocessedKeysError\)/);
    assert.ok(performance.now() - startedAt >= 299, 'it waits for 100 ms, then for 200');
  });
});

describe('extending a job', () => {
  test('records until when and for whom, and forgets an earlier cancel', async () => {
    given({ cancellingSince: 5, warnedFor: 6, lastWaiting: 7 });
    assert.equal(await table.extend('ftjob-1', later, 'alice, INC-1234'), later);
    assert.deepEqual(written(), { extendedUntil: later, extendedBy: 'alice, INC-1234', warnedFor: 6, lastWaiting: 7 });
  });

  for (const extendedUntil of [later - 1, later, later + 1]) {
    const isLonger = extendedUntil < later;
    test(`${isLonger ? 'replaces a shorter' : 'keeps an equal or longer'} extension`, async () => {
      given({ extendedUntil, extendedBy: 'bob', cancellingSince: 5 });
      assert.equal(await table.extend('ftjob-1', later, 'alice'), isLonger ? later : extendedUntil);
      assert.equal(stub.reads, isLonger ? 0 : 1);
      const kept = { extendedUntil, extendedBy: 'bob', cancellingSince: 5 };
      assert.deepEqual(written(), isLonger ? { extendedUntil: later, extendedBy: 'alice' } : kept);
    });
  }

  test('twice at once leaves the longer extension', async () => {
    await Promise.all([table.extend('ftjob-1', later, 'alice'), table.extend('ftjob-1', later + 60, 'bob')]);
    assert.deepEqual(written(), { extendedUntil: later + 60, extendedBy: 'bob' });
  });

  test('over an extension with an invalid time is a StateError', async () => {
    given({ extendedUntil: 1e14 });
    await assert.rejects(table.extend('ftjob-1', later, 'alice'), { name: 'StateError' });
  });
});

describe('noting', () => {
  const cases: [name: string, note: (table: JobTable) => Promise<void>, before: object, after: object][] = [
    ['that a job waits', (t) => t.noteWaiting('ftjob-1', 200), {}, { lastWaiting: 200 }],
    ['that it still waits', (t) => t.noteWaiting('ftjob-1', 200), { lastWaiting: 100 }, { lastWaiting: 200 }],
    ['late that it waited', (t) => t.noteWaiting('ftjob-1', 200), { lastWaiting: 300 }, { lastWaiting: 300 }],
    ['a warning', (t) => t.noteWarned('ftjob-1', 9.5), { warnedFor: 20 }, { warnedFor: 9.5 }],
    ['a cancel', (t) => t.noteCancelling('ftjob-1', 200), {}, { cancellingSince: 200 }],
    ['another cancel', (t) => t.noteCancelling('ftjob-1', 200), { cancellingSince: 9 }, { cancellingSince: 9 }],
  ];
  for (const [name, note, before, expected] of cases) {
    test(`${name}: ${JSON.stringify(before)} becomes ${JSON.stringify(expected)}`, async () => {
      given({ extendedUntil: 5, ...before });
      await note(table);
      assert.deepEqual(written(), { extendedUntil: 5, ...expected });
    });
  }
});

const operations: [name: string, operate: (table: JobTable) => Promise<unknown>][] = [
  ['extending a job', (t) => t.extend('ftjob-1', later, 'alice')],
  ['noting that it waits', (t) => t.noteWaiting('ftjob-1', 5)],
  ['noting a warning', (t) => t.noteWarned('ftjob-1', 5)],
  ['noting a cancel', (t) => t.noteCancelling('ftjob-1', 5)],
];
const reading = async (t: JobTable) => Promise.reject((await t.read('ftjob-1')).readError);

for (const [name, operate] of operations) {
  test(`a row expires 400 days after ${name}`, async () => {
    given({ expiresAt: 5 });
    await operate(table);
    const days = (Number(stub.rows.get('ftjob-1')?.['expiresAt']) - Date.now() / 1000) / 86_400;
    assert.ok(Math.abs(days - 400) < 0.001, `${days} days`);
  });
}

describe('a table that cannot be used is a StateError that says what to do', () => {
  const faults = [
    ['denied', 'AccessDeniedException', 1],
    ['down', 'InternalServerError', 3],
  ] as const;
  for (const [name, operate] of [...operations, ['reading', reading] as const]) {
    for (const [health, reason, attempts] of faults) {
      test(`${name}, ${health}`, async () => {
        stub.health = health;
        await assert.rejects(operate(table), {
          name: 'StateError',
          message:
            `The table of jobs could not be ${name === 'reading' ? 'read' : 'written'} (${reason}). ` +
            "Try again; if it persists, check the table and the function's role.",
        });
        assert.equal(stub.reads + stub.writes, attempts);
      });
    }
  }
});

// Last, because a call that was given up may still reach the table a moment later.
describe('when time is up, a call ends at once with StateError', () => {
  for (const [name, operate] of [...operations, ['reading', reading] as const]) {
    test(name, async () => {
      stub.health = 'silent';
      const message = /could not be (read|written) \(AbortError\)/;
      await assert.rejects(operate(tableWith(AbortSignal.timeout(50))), { name: 'StateError', message });
    });
  }
});
