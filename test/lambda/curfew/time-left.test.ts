import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { deadlineIn } from '../../lambda/deadline.ts';

describe('the time that is left is divided', () => {
  const cases = [
    { remaining: 300_000, windDown: 268_000, stop: 298_000, tellUntil: 299_000, attempt: 10_000 },
    { remaining: 50_000, windDown: 32_000, stop: 48_000, tellUntil: 49_000, attempt: 10_000 },
    { remaining: 10_000, windDown: 5_333, stop: 8_000, tellUntil: 9_000, attempt: 2_000 },
    { remaining: 1_000, windDown: 533, stop: 800, tellUntil: 900, attempt: 200 },
    { remaining: 1, windDown: 0, stop: 0, tellUntil: 0, attempt: 1 },
    { remaining: -100, windDown: 0, stop: 0, tellUntil: 0, attempt: 1 },
  ];
  for (const { remaining, ...expected } of cases) {
    test(`${remaining} ms: wind down after ${expected.windDown}, stop after ${expected.stop}`, (t) => {
      const signals = new Map<AbortSignal, number>();
      t.mock.method(AbortSignal, 'timeout', (milliseconds: number) => {
        const { signal } = new AbortController();
        signals.set(signal, milliseconds);
        return signal;
      });
      const deadline = deadlineIn(remaining);
      assert.equal(signals.get(deadline.windDown), expected.windDown);
      assert.equal(signals.get(deadline.stop), expected.stop);
      assert.equal(signals.get(deadline.tellUntil), expected.tellUntil);
      assert.equal(deadline.attemptTimeoutMilliseconds, expected.attempt);
    });
  }

  test('on the clock of the process too', (t) => {
    t.mock.method(performance, 'now', () => 5_000);
    assert.equal(deadlineIn(1_000).stopsAt, 5_800);
  });
});
