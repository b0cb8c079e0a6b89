import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { JobTable } from '../../../lambda/curfew/job-table.ts';
import { startTable } from '../../support/table-under-test.ts';

/** In Unix seconds; there is time enough until then. */
const later = Math.ceil(Date.now() / 1000) + 3_600;
/** Never fires. */
const inTime = new AbortController().signal;

describe('a table that is not well', { concurrency: true }, () => {
  const operations: Record<string, (table: JobTable, signal: AbortSignal) => Promise<unknown>> = {
    'extending a job': (table, signal) => table.extend('ftjob-1', later, 'alice', signal),
    'marking it as warned about': (table, signal) => table.markWarned('ftjob-1', later, signal),
    'taking back that it was warned about': (table, signal) => table.unmarkWarned('ftjob-1', later, signal),
    'marking it as being cancelled': (table, signal) => table.markCancelling('ftjob-1', later, signal),
    'taking back that it is being cancelled': (table, signal) =>
      table.unmarkCancelling('ftjob-1', later, signal),
    'reading its row': async (table, signal) => {
      throw (await table.read(['ftjob-1'], signal)).get('ftjob-1');
    },
  };
  const faults = [
    ['throttled', 'ThrottlingException'],
    ['denied', 'AccessDeniedException'],
    ['down', 'InternalServerError'],
    ['silent', 'TimeoutError'],
  ] as const;
  for (const [health, reason] of faults) {
    for (const [name, operate] of Object.entries(operations)) {
      test(`${health}: ${name} is a StateError in bounded time`, async () => {
        await using started = await startTable();
        started.stub.health = health;
        const startedAt = performance.now();
        const done = name === 'reading its row' ? 'read' : 'written';
        await assert.rejects(operate(started.table, inTime), {
          name: 'StateError',
          message:
            `The table of extensions could not be ${done} (${reason}). ` +
            "Try again; if it persists, check the table and the function's role.",
        });
        assert.ok(performance.now() - startedAt < 10_500);
        assert.equal(started.stub.reads + started.stub.writes, health === 'denied' ? 1 : 3);
      });
    }
  }

  for (const [name, operate] of Object.entries(operations)) {
    test(`silent: ${name} is given up once the time is up`, async () => {
      await using started = await startTable();
      started.stub.health = 'silent';
      const startedAt = performance.now();
      await assert.rejects(operate(started.table, AbortSignal.timeout(100)), {
        name: 'StateError',
        message: /could not be (read|written) \(AbortError\)/,
      });
      assert.ok(performance.now() - startedAt < 2_500);
    });
  }

  test('is asked again as soon as it is well', async () => {
    await using started = await startTable();
    started.stub.health = 'denied';
    await assert.rejects(started.table.extend('ftjob-1', later, 'alice', inTime));
    started.stub.health = 'up';
    assert.equal(await started.table.extend('ftjob-1', later, 'alice', inTime), later);
  });
});
