import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { StateError } from '../../../lambda/errors.ts';
import { startTable } from '../../support/table-under-test.ts';

/** In Unix seconds; there is time enough until then. */
const later = Math.ceil(Date.now() / 1000) + 3_600;
/** Never fires. */
const inTime = new AbortController().signal;
const keptForSeconds = 31 * 86_400;

describe('reading rows', () => {
  test('gives each job its record, and an empty one if nothing is kept', async () => {
    await using started = await startTable({ extendedUntil: 7, warnedFor: 8.5, cancellingSince: 9 });
    const records = await started.table.read(['ftjob-1', 'ftjob-2'], inTime);
    assert.deepEqual(records.get('ftjob-1'), {
      extendedUntilSeconds: 7,
      warnedForSeconds: 8.5,
      cancellingSinceSeconds: 9,
    });
    assert.deepEqual(Object.values(records.get('ftjob-2') ?? {}), [undefined, undefined, undefined]);
    assert.equal(started.stub.reads, 1);
  });

  test('of no job asks nobody', async () => {
    await using started = await startTable();
    assert.equal((await started.table.read([], inTime)).size, 0);
    assert.equal(started.stub.reads, 0);
  });

  for (const extendedUntil of ['soon', '', -1, 1e14]) {
    test(`that is no time (${JSON.stringify(extendedUntil)}) is a StateError that names the job`, async () => {
      await using started = await startTable({ extendedUntil });
      const error = (await started.table.read(['ftjob-1', 'ftjob-2'], inTime)).get('ftjob-1');
      assert.ok(error instanceof StateError);
      assert.match(error.message, /has a row for ftjob-1 whose extendedUntil is not a time/);
    });
  }

  test('of very many asks for a hundred at a time, for each once', async () => {
    await using started = await startTable();
    const ids = Array.from({ length: 200 }, (_, index) => `ftjob-${index}`);
    assert.equal((await started.table.read([...ids, ...ids], inTime)).size, 200);
    assert.equal(started.stub.reads, 2);
    assert.deepEqual(started.stub.idsRead.toSorted(), ids.toSorted());
  });

  test('asks again, and only for those rows, if DynamoDB leaves some out', async () => {
    await using started = await startTable({ extendedUntil: later });
    let calls = 0;
    started.stub.leaves = (jobId) => {
      calls += 1;
      return jobId === 'ftjob-1' && calls <= 3;
    };
    const records = await started.table.read(['ftjob-1', 'ftjob-2'], inTime);
    assert.deepEqual(records.get('ftjob-1'), {
      extendedUntilSeconds: later,
      warnedForSeconds: undefined,
      cancellingSinceSeconds: undefined,
    });
    assert.deepEqual(started.stub.idsRead, ['ftjob-2', 'ftjob-1']);
    assert.equal(started.stub.reads, 3);
  });

  test('gives a StateError for a row that is left out again and again, and the others all the same', async () => {
    await using started = await startTable({ extendedUntil: later });
    started.stub.leaves = (jobId) => jobId === 'ftjob-2';
    const records = await started.table.read(['ftjob-1', 'ftjob-2'], inTime);
    assert.ok(!(records.get('ftjob-1') instanceof StateError));
    const error = records.get('ftjob-2');
    assert.ok(error instanceof StateError);
    assert.match(error.message, /could not be read \(UnprocessedKeysError\)/);
    assert.equal(started.stub.reads, 3);
  });
});

describe('extending a job', () => {
  test('writes until when, who asked, and when the row may go', async () => {
    await using started = await startTable();
    assert.equal(await started.table.extend('ftjob-1', later, 'alice, INC-1234', inTime), later);
    assert.deepEqual(started.row(), {
      jobId: 'ftjob-1',
      extendedUntil: later,
      extendedBy: 'alice, INC-1234',
      expiresAt: later + keptForSeconds,
    });
    assert.deepEqual([started.stub.reads, started.stub.writes], [0, 1]);
  });

  test('replaces an extension that is shorter', async () => {
    await using started = await startTable({ extendedUntil: later - 1, extendedBy: 'bob', warnedFor: 5 });
    assert.equal(await started.table.extend('ftjob-1', later, 'alice', inTime), later);
    assert.deepEqual(
      [started.row()?.['extendedUntil'], started.row()?.['extendedBy'], started.row()?.['warnedFor']],
      [later, 'alice', 5],
    );
  });

  for (const kept of [later, later + 1]) {
    test(`leaves one that is ${kept === later ? 'the same' : 'longer'}, and says until when that is`, async () => {
      await using started = await startTable({ extendedUntil: kept, extendedBy: 'bob' });
      assert.equal(await started.table.extend('ftjob-1', later, 'alice', inTime), kept);
      assert.deepEqual([started.row()?.['extendedUntil'], started.row()?.['extendedBy']], [kept, 'bob']);
    });
  }

  test('by two at once ends with the longer one, for both', async () => {
    await using started = await startTable();
    await Promise.all([
      started.table.extend('ftjob-1', later, 'alice', inTime),
      started.table.extend('ftjob-1', later + 60, 'bob', inTime),
    ]);
    assert.deepEqual([started.row()?.['extendedUntil'], started.row()?.['extendedBy']], [later + 60, 'bob']);
  });
});

describe('marking a job as warned about', () => {
  test('is done once for a deadline, however many ask at the same time', async () => {
    await using started = await startTable();
    const marks = [1, 2, 3].map(() => started.table.markWarned('ftjob-1', later + 0.5, inTime));
    assert.deepEqual((await Promise.all(marks)).toSorted(), [false, false, true]);
    const { warnedBy, ...row } = started.row() ?? { jobId: '' };
    assert.match(String(warnedBy), /^[0-9a-f-]{36}$/);
    assert.deepEqual(row, {
      jobId: 'ftjob-1',
      warnedFor: later + 0.5,
      expiresAt: later + 1 + keptForSeconds,
    });
  });

  test('whose answer is lost is known as our own when it is tried again', async () => {
    await using started = await startTable();
    started.stub.answersToLose = 1;
    assert.equal(await started.table.markWarned('ftjob-1', later, inTime), true);
    assert.equal(await started.table.markWarned('ftjob-1', later, inTime), false);
  });

  for (const earlier of [later - 60, later + 60]) {
    test(`is done again for another deadline, ${earlier < later ? 'later' : 'earlier'} than the first`, async () => {
      await using started = await startTable({ warnedFor: earlier, extendedUntil: 5 });
      assert.equal(await started.table.markWarned('ftjob-1', later, inTime), true);
      assert.deepEqual([started.row()?.['warnedFor'], started.row()?.['extendedUntil']], [later, 5]);
    });
  }

  test('can be taken back, and then done again', async () => {
    await using started = await startTable();
    await started.table.markWarned('ftjob-1', later, inTime);
    await started.table.unmarkWarned('ftjob-1', later, inTime);
    assert.equal(started.row()?.['warnedFor'], undefined);
    assert.equal(await started.table.markWarned('ftjob-1', later, inTime), true);
  });

  test('is not taken back if the mark is for another deadline', async () => {
    await using started = await startTable({ warnedFor: later + 60 });
    await started.table.unmarkWarned('ftjob-1', later, inTime);
    assert.equal(started.row()?.['warnedFor'], later + 60);
  });

  test('taken back where nothing is kept leaves nothing behind', async () => {
    await using started = await startTable();
    await started.table.unmarkWarned('ftjob-1', later, inTime);
    assert.equal(started.row(), undefined);
  });
});

describe('marking a job as being cancelled', () => {
  test('is done once, and keeps the first time', async () => {
    await using started = await startTable({ extendedUntil: 5 });
    assert.equal(await started.table.markCancelling('ftjob-1', later, inTime), true);
    assert.equal(await started.table.markCancelling('ftjob-1', later + 60, inTime), false);
    const { cancellingBy, ...row } = started.row() ?? { jobId: '' };
    assert.match(String(cancellingBy), /^[0-9a-f-]{36}$/);
    assert.deepEqual(row, {
      jobId: 'ftjob-1',
      extendedUntil: 5,
      cancellingSince: later,
      expiresAt: later + keptForSeconds,
    });
  });

  test('can be taken back, and done again', async () => {
    await using started = await startTable({ extendedUntil: 5, cancellingSince: later });
    await started.table.unmarkCancelling('ftjob-1', later, inTime);
    assert.deepEqual(started.row(), { jobId: 'ftjob-1', extendedUntil: 5 });
    assert.equal(await started.table.markCancelling('ftjob-1', later + 60, inTime), true);
  });

  test('is not taken back if somebody else has done it again by now', async () => {
    await using started = await startTable({ cancellingSince: later + 60 });
    await started.table.unmarkCancelling('ftjob-1', later, inTime);
    assert.equal(started.row()?.['cancellingSince'], later + 60);
  });
});

test('a row is kept for 31 days from now, even if its deadline is long over', async () => {
  await using started = await startTable();
  await started.table.markCancelling('ftjob-1', 1, inTime);
  const expiresAt = Number(started.row()?.['expiresAt']);
  assert.ok(Number.isInteger(expiresAt));
  assert.ok(Math.abs(expiresAt - keptForSeconds - Date.now() / 1000) < 5);
});
