import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { timeLeftOf } from '../../../lambda/curfew/time-left.ts';

describe('the time that is left is divided', () => {
  const cases = [
    {
      remaining: 900_000,
      windDown: 838_000,
      stop: 898_000,
      publishUntil: 899_000,
      takeBackUntil: 899_500,
      attempt: 10_000,
    },
    {
      remaining: 50_000,
      windDown: 32_000,
      stop: 48_000,
      publishUntil: 49_000,
      takeBackUntil: 49_500,
      attempt: 10_000,
    },
    {
      remaining: 10_000,
      windDown: 5_333,
      stop: 8_000,
      publishUntil: 9_000,
      takeBackUntil: 9_500,
      attempt: 2_000,
    },
    { remaining: 1_000, windDown: 533, stop: 800, publishUntil: 900, takeBackUntil: 950, attempt: 200 },
    { remaining: 1, windDown: 0, stop: 0, publishUntil: 0, takeBackUntil: 0, attempt: 1 },
    { remaining: -100, windDown: 0, stop: 0, publishUntil: 0, takeBackUntil: 0, attempt: 1 },
  ];
  for (const { remaining, ...expected } of cases) {
    test(`${remaining} ms: nothing new after ${expected.windDown}, the end after ${expected.stop}`, (t) => {
      const signals = new Map<AbortSignal, number>();
      t.mock.method(AbortSignal, 'timeout', (milliseconds: number) => {
        const { signal } = new AbortController();
        signals.set(signal, milliseconds);
        return signal;
      });
      const time = timeLeftOf(remaining);
      assert.equal(signals.get(time.windDown), expected.windDown);
      assert.equal(signals.get(time.stop), expected.stop);
      assert.equal(signals.get(time.publishUntil), expected.publishUntil);
      assert.equal(signals.get(time.takeBackUntil), expected.takeBackUntil);
      assert.equal(time.attemptTimeoutMilliseconds, expected.attempt);
    });
  }

  test('and its end is known on the clock of the process', (t) => {
    t.mock.method(performance, 'now', () => 5_000);
    assert.equal(timeLeftOf(1_000).stopsAt, 5_800);
  });
});
