import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createRateLimitGate, type RateLimitGate } from '../../lambda/rate-limit-gate.ts';

const { signal } = new AbortController();
const open = () => createRateLimitGate(performance.now() + 60_000);
/** Timers may fire so much early, by the clock of the process. */
const slackMilliseconds = 1;

/** Enters, and fails the test where the gate lets nobody through. */
async function enter(gate: RateLimitGate): Promise<number> {
  const enteredAt = await gate.enter(signal);
  assert.ok(enteredAt !== undefined);
  return enteredAt;
}

/** Enters and is refused, `times` times; the last answer. */
async function refusedAgain(gate: RateLimitGate, times: number): Promise<boolean> {
  const goesOn = gate.refused(await enter(gate), 0);
  return times === 1 ? goesOn : refusedAgain(gate, times - 1);
}

describe('before the first refusal', () => {
  test('all go at once', async () => {
    const gate = open();
    const startedAt = performance.now();
    await Promise.all(Array.from({ length: 100 }, () => enter(gate)));
    assert.ok(performance.now() - startedAt < 1_000);
  });
});

describe('after a refusal', { concurrency: true }, () => {
  test('nobody goes before the time that it named', async () => {
    const gate = open();
    const refusedAt = await enter(gate);
    assert.equal(gate.refused(refusedAt, 80), true);
    for (const enteredAt of await Promise.all([enter(gate), enter(gate)])) {
      assert.ok(enteredAt - refusedAt >= 80 - slackMilliseconds);
    }
  });

  for (const [name, waits] of [
    ['a shorter wait, told to one who was on the way, opens it no earlier', [80, 0]],
    ['a longer one, told to one who was on the way, opens it later', [0, 80]],
  ] as const) {
    test(name, async () => {
      const gate = open();
      const [first, second] = [await enter(gate), await enter(gate)];
      gate.refused(first, waits[0]);
      gate.refused(second, waits[1]);
      assert.ok((await enter(gate)) - first >= 80 - slackMilliseconds);
    });
  }

  test('who waits already when the gate closes for longer waits for longer', async () => {
    const gate = open();
    const [first, second] = [await enter(gate), await enter(gate)];
    gate.refused(first, 40);
    const waiting = enter(gate);
    gate.refused(second, 120);
    assert.ok((await waiting) - first >= 120 - slackMilliseconds);
  });

  test('calls go at the pace at which they passed between two refusals', async () => {
    const gate = open();
    gate.refused(await enter(gate), 0);
    for (let count = 0; count < 4; count += 1) {
      await enter(gate);
      gate.passed();
    }
    // Four passed in at least 200 ms.
    gate.refused(await enter(gate), 200);
    const enteredAt = [await enter(gate), await enter(gate), await enter(gate)];
    for (const [index, at] of enteredAt.slice(1).entries()) {
      const gap = at - (enteredAt[index] ?? Number.NaN);
      assert.ok(gap >= 50 - slackMilliseconds && gap < 400, `${gap}`);
    }
  });

  test('the pace quickens with each that passes', async () => {
    const gate = open();
    gate.refused(await enter(gate), 0);
    await enter(gate);
    gate.passed();
    gate.refused(await enter(gate), 400);
    const first = await enter(gate);
    for (let count = 0; count < 50; count += 1) gate.passed();
    // 0.98 to the power of 50 is 0.36.
    const gap = (await enter(gate)) - first;
    assert.ok(gap >= 145 - slackMilliseconds && gap < 380, `${gap}`);
  });
});

describe('a gate that lets nobody through', () => {
  test('is given up after four refusals', async () => {
    assert.equal(await refusedAgain(open(), 3), true);
    assert.equal(await refusedAgain(open(), 4), false);
  });

  test('is not given up where somebody passes in between', async () => {
    const gate = open();
    await refusedAgain(gate, 3);
    gate.passed();
    assert.equal(await refusedAgain(gate, 3), true);
    assert.equal(await refusedAgain(gate, 1), false);
  });

  test('counts those that went together as one refusal', async () => {
    const gate = open();
    const together = await Promise.all(Array.from({ length: 10 }, () => enter(gate)));
    for (const enteredAt of together) assert.equal(gate.refused(enteredAt, 5), true);
    assert.equal(await refusedAgain(gate, 2), true);
  });
});

describe('where the time is up first', () => {
  test('a refusal is not worth another try, and nobody waits in vain', async () => {
    const gate = createRateLimitGate(performance.now() + 1_000);
    assert.equal(gate.refused(await enter(gate), 5_000), false);
    const startedAt = performance.now();
    assert.equal(await gate.enter(signal), undefined);
    assert.ok(performance.now() - startedAt < 500);
  });

  test('who waits is sent away once the signal fires', async () => {
    const gate = open();
    gate.refused(await enter(gate), 5_000);
    const startedAt = performance.now();
    assert.equal(await gate.enter(AbortSignal.timeout(20)), undefined);
    assert.ok(performance.now() - startedAt < 1_000);
  });
});
