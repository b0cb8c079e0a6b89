import assert from 'node:assert/strict';
import { syncBuiltinESMExports } from 'node:module';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createRateLimitGate, type RateLimitGate } from '../../../lambda/openai/rate-limit-gate.ts';
import { rateLimit } from '../../support/rate-limiter.ts';

/** The clock of the process and all timers are the test's own, so minutes pass at once, step by step. */
function virtualTime(t: TestContext, stepMilliseconds = 1) {
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

const { signal } = new AbortController();
const longMilliseconds = 900_000;

/** Enters, and fails the test if the gate lets nobody through. */
async function enter(gate: RateLimitGate): Promise<number> {
  const enteredAt = await gate.enter(signal);
  assert.ok(enteredAt !== undefined);
  return enteredAt;
}

/** Calls until it is not refused, as the client does; undefined if the gate lets it through no more. */
async function call(
  gate: RateLimitGate,
  answer: () => number | 'refused' | 'passed',
  attempts: number[] = [],
) {
  for (;;) {
    const enteredAt = await gate.enter(signal);
    if (enteredAt === undefined) return undefined;
    attempts.push(enteredAt);
    await sleep(20);
    const given = answer();
    if (given === 'passed') {
      gate.passed();
      return performance.now();
    }
    gate.refused(enteredAt, given === 'refused' ? undefined : given);
  }
}

/** The gaps between moments. */
function gapsOf(moments: number[]): number[] {
  return moments.slice(1).map((moment, index) => moment - (moments[index] ?? Number.NaN));
}

describe('before the first refusal', () => {
  test('all go at once', async (t) => {
    const time = virtualTime(t);
    const gate = createRateLimitGate(time.startedAt + longMilliseconds);
    await time.until(Promise.all(Array.from({ length: 100 }, () => enter(gate))));
    assert.equal(performance.now(), time.startedAt);
  });
});

describe('after a refusal', () => {
  test('nobody goes before the time that it named', async (t) => {
    const time = virtualTime(t);
    const gate = createRateLimitGate(time.startedAt + longMilliseconds);
    gate.refused(await time.until(enter(gate)), 80);
    const entered = await time.until(Promise.all([enter(gate), enter(gate)]));
    assert.deepEqual(entered, [time.startedAt + 80, time.startedAt + 80]);
  });

  for (const [name, waits] of [
    ['a shorter wait, asked of one already in flight, opens it no earlier', [80, 0]],
    ['a longer one, asked of one already in flight, opens it later', [0, 80]],
  ] as const) {
    test(name, async (t) => {
      const time = virtualTime(t);
      const gate = createRateLimitGate(time.startedAt + longMilliseconds);
      const [first, second] = await time.until(Promise.all([enter(gate), enter(gate)]));
      await time.until(sleep(10));
      gate.refused(first, waits[0]);
      gate.refused(second, waits[1]);
      assert.equal(await time.until(enter(gate)), time.startedAt + 10 + 80);
    });
  }

  test('a call that waits already when the gate closes for longer waits for longer', async (t) => {
    const time = virtualTime(t);
    const gate = createRateLimitGate(time.startedAt + longMilliseconds);
    const [first, second] = await time.until(Promise.all([enter(gate), enter(gate)]));
    await time.until(sleep(10));
    gate.refused(first, 40);
    const waiting = enter(gate);
    await time.until(sleep(10));
    gate.refused(second, 120);
    assert.equal(await time.until(waiting), time.startedAt + 20 + 120);
  });

  for (const pauseMilliseconds of [1_000, 60_000]) {
    test(`calls resume at full pace after a pause of ${pauseMilliseconds} ms`, async (t) => {
      const time = virtualTime(t, 20);
      const gate = createRateLimitGate(time.startedAt + longMilliseconds);
      await time.until(call(gate, () => 'passed'));
      gate.refused(await time.until(enter(gate)), pauseMilliseconds);
      const entered = await time.until(Promise.all(Array.from({ length: 50 }, () => enter(gate))));
      assert.equal((entered.at(-1) ?? 0) - (entered[0] ?? 0), 0);
    });
  }

  test('calls go at the pace at which they passed while the gate was open, the pause not counted', async (t) => {
    const time = virtualTime(t);
    const gate = createRateLimitGate(time.startedAt + longMilliseconds);
    gate.refused(await time.until(enter(gate)), 10_000);
    for (let count = 0; count < 4; count += 1) await time.until(call(gate, () => 'passed'));
    // Four passed in 80 ms.
    gate.refused(await time.until(enter(gate)), 200);
    const entered = await time.until(Promise.all([enter(gate), enter(gate), enter(gate)]));
    assert.deepEqual(gapsOf(entered), [20, 20]);
  });

  test('the pace quickens with each that passes, until there is none', async (t) => {
    const time = virtualTime(t);
    const gate = createRateLimitGate(time.startedAt + longMilliseconds);
    gate.refused(await time.until(enter(gate)), 0);
    gate.refused(await time.until(enter(gate)), 0);
    await time.until(enter(gate));
    for (let count = 0; count < 80; count += 1) gate.passed();
    const entered = await time.until(Promise.all([enter(gate), enter(gate), enter(gate)]));
    assert.deepEqual(gapsOf(entered), [0, 0]);
  });

  test('calls are never further apart than a second, nor closer together than no time at all', async (t) => {
    const time = virtualTime(t);
    const gate = createRateLimitGate(time.startedAt + longMilliseconds);
    // One that passes in 5 s, and 50 that pass in no time.
    for (const passing of [1, 50, 1, 50]) {
      gate.refused(await time.until(enter(gate)), 0);
      await time.until(Promise.all(Array.from({ length: 3 }, () => enter(gate))));
      if (passing === 1) await time.until(sleep(5_000));
      for (let count = 0; count < passing; count += 1) gate.passed();
      gate.refused(await time.until(enter(gate)), 0);
      const gaps = gapsOf(await time.until(Promise.all([enter(gate), enter(gate), enter(gate)])));
      for (const gap of gaps) assert.ok(gap >= 1 && gap <= 1_000, `${gap} ms`);
    }
  });
});

test('300 calls at 20 a second, held up once for 10 seconds after the first, all pass within 27 seconds', async (t) => {
  const time = virtualTime(t);
  const gate = createRateLimitGate(time.startedAt + longMilliseconds);
  const limit = rateLimit(20);
  let calls = 0;
  let heldUpUntil = 0;
  const answer = () => {
    calls += 1;
    if (calls === 2) heldUpUntil = performance.now() + 10_000;
    if (performance.now() < heldUpUntil) return heldUpUntil - performance.now();
    const refusal = limit();
    return refusal ? Number(refusal.headers?.['retry-after-ms']) : 'passed';
  };
  const passed = await time.until(Promise.all(Array.from({ length: 300 }, () => call(gate, answer))));
  assert.equal(passed.filter((moment) => moment === undefined).length, 0);
  const seconds = (performance.now() - time.startedAt) / 1000;
  assert.ok(seconds < 27, `${seconds} s`);
});

describe('a gate that lets nobody through', () => {
  test('is asked after waits that double up to half a minute, and given up after a minute', async (t) => {
    const time = virtualTime(t, 20);
    const gate = createRateLimitGate(time.startedAt + longMilliseconds);
    const attempts: number[] = [];
    assert.equal(await time.until(call(gate, () => 'refused', attempts)), undefined);
    const waits = gapsOf(attempts).map((gap) => gap - 20);
    assert.deepEqual(waits, [300, 600, 1_200, 2_400, 4_800, 9_600, 19_200, 30_000]);
    assert.equal(gate.isOpen(), false);
  });

  test('is given up a minute after the wait that was asked for, however long that was', async (t) => {
    const time = virtualTime(t, 20);
    const gate = createRateLimitGate(time.startedAt + longMilliseconds);
    assert.equal(await time.until(call(gate, () => 120_000)), undefined);
    assert.ok(performance.now() - time.startedAt >= 180_000);
  });

  test('is given up a minute after the longest wait that those in flight together were asked for', async (t) => {
    const time = virtualTime(t, 20);
    const gate = createRateLimitGate(time.startedAt + longMilliseconds);
    const waits = [1_000, 100_000];
    const both = [1, 2].map(() => call(gate, () => waits.shift() ?? 1_000));
    assert.deepEqual(await time.until(Promise.all(both)), [undefined, undefined]);
    assert.ok(performance.now() - time.startedAt >= 160_000);
  });

  test('is not given up after many refusals in a short time', async (t) => {
    const time = virtualTime(t, 20);
    const gate = createRateLimitGate(time.startedAt + longMilliseconds);
    const refusals = Array.from({ length: 7 }, () => 5);
    const passed = await time.until(call(gate, () => refusals.shift() ?? 'passed'));
    assert.ok(passed !== undefined);
  });

  test('is not given up while others pass, however often one call is refused', async (t) => {
    const time = virtualTime(t, 20);
    const gate = createRateLimitGate(time.startedAt + longMilliseconds);
    let isDone = false;
    const others = async () => {
      while (!isDone) {
        await call(gate, () => 'passed');
        await sleep(100);
      }
    };
    const unlucky = call(gate, () => (performance.now() < time.startedAt + 90_000 ? 20 : 'passed')).finally(
      () => {
        isDone = true;
      },
    );
    const [passed] = await time.until(Promise.all([unlucky, others()]));
    assert.ok(passed !== undefined);
  });

  test('that keeps asking for a short wait is asked less and less often', async (t) => {
    const time = virtualTime(t, 20);
    const gate = createRateLimitGate(time.startedAt + longMilliseconds);
    const attempts: number[] = [];
    await time.until(call(gate, () => 20, attempts));
    assert.ok(attempts.length < 15, `${attempts.length} attempts`);
  });
});

describe('if the time is up first', () => {
  test('nobody waits in vain', async (t) => {
    const time = virtualTime(t);
    const gate = createRateLimitGate(time.startedAt + 1_000);
    gate.refused(await time.until(enter(gate)), 5_000);
    assert.equal(gate.isOpen(), false);
    assert.equal(await time.until(gate.enter(signal)), undefined);
    assert.equal(performance.now(), time.startedAt);
  });

  test('a call that waits is sent away once its signal fires, and takes no other’s turn', async (t) => {
    const time = virtualTime(t);
    const gate = createRateLimitGate(time.startedAt + longMilliseconds);
    gate.refused(await time.until(enter(gate)), 5_000);
    const search = new AbortController();
    const waiting = gate.enter(search.signal);
    const other = enter(gate);
    await time.until(sleep(20));
    search.abort();
    assert.equal(await time.until(waiting), undefined);
    assert.equal(performance.now(), time.startedAt + 20);
    assert.equal(await time.until(other), time.startedAt + 5_000);
  });
});
