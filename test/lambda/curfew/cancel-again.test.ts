import assert from 'node:assert/strict';
import { syncBuiltinESMExports } from 'node:module';
import { describe, type TestContext, test } from 'node:test';
import timers from 'node:timers/promises';
import { accepted, type FakeTable, failedCancel, fakeContext, now } from '../../support/fake-ports.ts';
import { afterLookUp, type CancelScript, cancelled, cancelWith, outcomeOf, running } from '../../support/run-rules.ts';

const id = 'ftjob-1';
const retryable = failedCancel({ mayRetry: true, askedWaitMs: 0 });

/** Skips waits, and records how long they would have been, in milliseconds. */
function recordWaits(t: TestContext): number[] {
  const waits: number[] = [];
  t.mock.method(timers, 'setTimeout', async (ms: number, value: unknown) => {
    waits.push(ms);
    return value;
  });
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
  return waits;
}

describe('a cancel that may succeed later is sent again after another look', () => {
  test('four times in all', async () => {
    const { decided, steps } = cancelWith({ looks: Array(5).fill(running), replies: Array(4).fill(retryable) });
    await assert.rejects(decided, { name: 'OpenAIError', message: /is now "running"/ });
    assert.deepEqual(steps(), `${'retrieve cancel '.repeat(4)}retrieve`);
  });

  test('more often if it was rate-limited or sent with an outdated key', async () => {
    const replies = [
      ...Array(6).fill({ ...retryable, isUncounted: true }),
      ...Array(3).fill(retryable),
      accepted(cancelled),
    ];
    assert.equal((await outcomeOf({ looks: Array(10).fill(running), replies })).outcome, 'cancelled');
  });

  test('without counting one that had to wait too long for its turn', async () => {
    const replies = [{ kind: 'not_sent' } as const, ...Array(3).fill(retryable), accepted(cancelled)];
    const { decided, steps } = cancelWith({ looks: Array(5).fill(running), replies });
    assert.equal((await decided).outcome, 'cancelled');
    assert.equal(steps(), 'retrieve cancel '.repeat(5).trim());
  });

  test('but not if the lost one worked', async () => {
    const script = { looks: [running, cancelled], replies: [retryable] };
    assert.deepEqual(await outcomeOf(script), { outcome: 'cancelled', finalStatus: 'cancelled' });
  });

  test('but not if the job finished before any cancel was sent', async () => {
    const script = { looks: [running, cancelled], replies: [{ kind: 'not_sent' } as const] };
    assert.deepEqual(await outcomeOf(script), { outcome: 'already_finished', finalStatus: null });
  });

  const waits: [name: string, fields: object, expectedMs: number[]][] = [
    ['longer each time', {}, [300, 600, 1_200]],
    ['as long as asked', { askedWaitMs: 2_000 }, [2_000, 2_000, 2_000]],
  ];
  for (const [name, fields, expectedMs] of waits) {
    test(`after waiting ${name}`, async (t) => {
      const waits = recordWaits(t);
      const replies = Array(4).fill(failedCancel({ mayRetry: true, ...fields }));
      await assert.rejects(cancelWith({ looks: Array(5).fill(running), replies }).decided);
      assert.deepEqual(waits, expectedMs);
    });
  }

  test('but if the wait would outlast the time, the job is read at once, one last time', async () => {
    const context = fakeContext();
    context.time.endsAt = performance.now() + 60_000;
    const replies = [{ ...retryable, askedWaitMs: 60_000 }];
    const { decided, steps } = cancelWith({ looks: [running, running], replies, context });
    await assert.rejects(decided, { name: 'OpenAIError' });
    assert.deepEqual(steps(), 'retrieve cancel retrieve');
  });

  test('and a wait ends when time is up', async () => {
    const context = fakeContext();
    setImmediate(context.time.end);
    const replies = [{ ...retryable, askedWaitMs: 60_000 }];
    await assert.rejects(cancelWith({ looks: [running, running], replies, context }).decided);
  });

  const changes: [name: string, change: (table: FakeTable) => unknown, expected: string][] = [
    ['was extended', (table) => table.rows.set(id, { extendedUntil: now + 60 }), 'within_budget'],
    ['can no longer be looked up', (table) => table.unreadable.add(id), 'StateError'],
  ];
  for (const [name, change, expected] of changes) {
    test(`but not in a sweep if it ${name} since: ${expected}`, async () => {
      const context = fakeContext();
      afterLookUp(context, () => change(context.table));
      const looks = [running, running];
      const script: CancelScript = { reason: 'time_budget', looks, replies: [retryable], context };
      const { outcome, name } = await cancelWith(script).decided.catch((error) => error);
      assert.equal(outcome ?? name, expected);
    });
  }
});
