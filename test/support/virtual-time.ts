import { syncBuiltinESMExports } from 'node:module';
import type { TestContext } from 'node:test';

/** The clock of the process and all timers are the test's own, so minutes pass at once, step by step. */
export function virtualTime(t: TestContext, stepMilliseconds = 1) {
  let now = 1_000;
  t.mock.timers.enable({ apis: ['setTimeout'] });
  t.mock.method(performance, 'now', () => now);
  // Every backoff is what its name says, not spread.
  t.mock.method(Math, 'random', () => 0.5);
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.timers.reset();
    syncBuiltinESMExports();
  });
  return {
    startedAt: now,
    /** Lets time pass until the promise is settled. */
    async until<Value>(promise: Promise<Value>): Promise<Value> {
      let isSettled = false;
      const settled = promise.finally(() => {
        isSettled = true;
      });
      settled.catch(() => {});
      for (;;) {
        await new Promise(setImmediate);
        if (isSettled) return settled;
        now += stepMilliseconds;
        t.mock.timers.tick(stepMilliseconds);
      }
    },
  };
}
