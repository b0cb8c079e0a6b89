import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Ledger } from '../../../lambda/curfew/ledger.ts';
import { startTable } from '../../support/table.ts';

/** In Unix seconds; there is time enough until then. */
const later = Math.ceil(Date.now() / 1000) + 3_600;

describe('a table that is not well', { concurrency: true }, () => {
  const operations: Record<string, (ledger: Ledger) => Promise<unknown>> = {
    'extending a job': (ledger) => ledger.extend('ftjob-1', later, 'alice'),
    'marking it as warned about': (ledger) => ledger.markWarned('ftjob-1', later),
    'taking that back': (ledger) => ledger.unmarkWarned('ftjob-1', later),
    'marking it as being cancelled': (ledger) => ledger.markCancelling('ftjob-1', later),
    'reading its row': async (ledger) => {
      throw (await ledger.read(['ftjob-1'])).get('ftjob-1');
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
        await using table = await startTable();
        table.stub.health = health;
        const startedAt = performance.now();
        const done = name === 'reading its row' ? 'read' : 'written';
        await assert.rejects(operate(table.ledger), {
          name: 'StateError',
          message:
            `The table of extensions could not be ${done} (${reason}). ` +
            "Try again; if it persists, check the table and the function's role.",
        });
        assert.ok(performance.now() - startedAt < 10_500);
        assert.equal(table.stub.reads + table.stub.writes, health === 'denied' ? 1 : 3);
      });
    }
  }

  test('is asked again as soon as it is well', async () => {
    await using table = await startTable();
    table.stub.health = 'denied';
    await assert.rejects(table.ledger.extend('ftjob-1', later, 'alice'));
    table.stub.health = 'up';
    assert.equal(await table.ledger.extend('ftjob-1', later, 'alice'), later);
  });
});
