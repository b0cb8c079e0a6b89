import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createRateLimitGate, type RateLimitGate } from '../../../lambda/openai/rate-limit-gate.ts';
import { call, enter, gapsOf } from '../../support/gate-callers.ts';
import { rateLimit } from '../../support/rate-limiter.ts';
import { virtualTime } from '../../support/virtual-time.ts';

const { signal } = new AbortController();
const longMilliseconds = 900_000;

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
    for (let count = 0; count < 50; count += 1) gate.passed(performance.now());
    gate.refused(await time.until(enter(gate)), 10_000);
    for (let count = 0; count < 4; count += 1) await time.until(call(gate, () => 'passed'));
    // Four passed in 80 ms.
    gate.refused(await time.until(enter(gate)), 200);
    const entered = await time.until(Promise.all([enter(gate), enter(gate), enter(gate)]));
    assert.deepEqual(gapsOf(entered), [20, 20]);
  });

  for (const [name, refusals, gapMilliseconds] of [
    ['calls go one by one if none passed at all between two refusals', 2, 10],
    ['each further refusal makes calls come a quarter further apart', 3, 12.5],
  ] as const) {
    test(name, async (t) => {
      const time = virtualTime(t, 0.5);
      const gate = createRateLimitGate(time.startedAt + longMilliseconds);
      for (let count = 0; count < refusals; count += 1) gate.refused(await time.until(enter(gate)), 0);
      const entered = await time.until(Promise.all([enter(gate), enter(gate), enter(gate)]));
      assert.deepEqual(gapsOf(entered), [gapMilliseconds, gapMilliseconds]);
    });
  }

  test('each call that passes brings them a little closer together', async (t) => {
    const time = virtualTime(t);
    const gate = createRateLimitGate(time.startedAt + longMilliseconds);
    for (const _ of [1, 2]) gate.refused(await time.until(enter(gate)), 0);
    for (let count = 0; count < 20; count += 1) gate.passed(performance.now());
    // Ten milliseconds, 0.97 of it twenty times.
    const entered = await time.until(Promise.all([enter(gate), enter(gate), enter(gate)]));
    assert.deepEqual(gapsOf(entered), [6, 6]);
  });

  test('a refusal long after the last says nothing about the pace', async (t) => {
    const time = virtualTime(t, 20);
    const gate = createRateLimitGate(time.startedAt + longMilliseconds);
    gate.refused(await time.until(enter(gate)), 0);
    await time.until(call(gate, () => 'passed'));
    await time.until(sleep(20_000));
    gate.refused(await time.until(enter(gate)), 0);
    const entered = await time.until(Promise.all([enter(gate), enter(gate), enter(gate)]));
    assert.deepEqual(gapsOf(entered), [0, 0]);
  });

  test('the pace quickens with each that passes, until there is none', async (t) => {
    const time = virtualTime(t);
    const gate = createRateLimitGate(time.startedAt + longMilliseconds);
    gate.refused(await time.until(enter(gate)), 0);
    gate.refused(await time.until(enter(gate)), 0);
    await time.until(enter(gate));
    for (let count = 0; count < 80; count += 1) gate.passed(performance.now());
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
      for (let count = 0; count < passing; count += 1) gate.passed(performance.now());
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

describe('whether it is open, and whether it stays shut', () => {
  const states = (gate: RateLimitGate) => ({ isOpen: gate.isOpen(), isShut: gate.isShut() });

  test('before any refusal: open', () => {
    assert.deepEqual(states(createRateLimitGate(performance.now() + 1_000)), { isOpen: true, isShut: false });
  });

  test('after a refusal: closed until the time that it named, to the millisecond', async (t) => {
    const time = virtualTime(t);
    const gate = createRateLimitGate(time.startedAt + 81);
    gate.refused(await time.until(enter(gate)), 80);
    assert.deepEqual(states(gate), { isOpen: false, isShut: false });
    await time.until(sleep(79));
    assert.deepEqual(states(gate), { isOpen: false, isShut: false });
    await time.until(sleep(1));
    assert.deepEqual(states(gate), { isOpen: true, isShut: false });
    assert.equal(await time.until(enter(gate)), time.startedAt + 80);
  });

  test('after one that names the end of the time: shut', async (t) => {
    const time = virtualTime(t);
    const gate = createRateLimitGate(time.startedAt + 1_001);
    gate.refused(await time.until(enter(gate)), 1_001);
    assert.deepEqual(states(gate), { isOpen: false, isShut: true });
    assert.equal(await time.until(gate.enter(signal)), undefined);
    assert.equal(performance.now(), time.startedAt);
  });
});

describe('if the time is up first', () => {
  test('a wait of up to a second is waited for until then', async (t) => {
    const time = virtualTime(t);
    const gate = createRateLimitGate(time.startedAt + 1_000);
    gate.refused(await time.until(enter(gate)), 1_000);
    assert.equal(gate.isShut(), false);
    assert.equal(await time.until(gate.enter(signal)), undefined);
    assert.equal(performance.now(), time.startedAt + 1_000);
  });

  test('nobody waits in vain', async (t) => {
    const time = virtualTime(t);
    const gate = createRateLimitGate(time.startedAt + 1_000);
    gate.refused(await time.until(enter(gate)), 5_000);
    assert.equal(gate.isOpen(), false);
    assert.equal(await time.until(gate.enter(signal)), undefined);
    assert.equal(performance.now(), time.startedAt);
  });

  test('a call that waits behind another is sent away once its signal fires, and the other goes on', async (t) => {
    const time = virtualTime(t);
    const gate = createRateLimitGate(time.startedAt + longMilliseconds);
    gate.refused(await time.until(enter(gate)), 5_000);
    const search = new AbortController();
    const other = enter(gate);
    const waiting = gate.enter(search.signal);
    await time.until(sleep(20));
    search.abort();
    assert.equal(await time.until(waiting), undefined);
    assert.equal(performance.now(), time.startedAt + 20);
    assert.equal(await time.until(other), time.startedAt + 5_000);
  });

  test('and nobody goes on waiting once a longer wait reaches beyond the time', async (t) => {
    const time = virtualTime(t);
    const gate = createRateLimitGate(time.startedAt + 60_000);
    const [first, second] = await time.until(Promise.all([enter(gate), enter(gate)]));
    await time.until(sleep(10));
    gate.refused(first, 40_000);
    const waiting = Promise.all([gate.enter(signal), gate.enter(signal)]);
    await time.until(sleep(10));
    gate.refused(second, 100_000);
    assert.deepEqual(await time.until(waiting), [undefined, undefined]);
    assert.equal(performance.now(), time.startedAt + 20);
  });

  test('a call whose turn would come too late is sent away when the time is up, not before', async (t) => {
    const time = virtualTime(t);
    const gate = createRateLimitGate(time.startedAt + 1_000);
    for (const _ of [1, 2]) gate.refused(await time.until(enter(gate)), 0);
    const entered = await time.until(Promise.all(Array.from({ length: 200 }, () => gate.enter(signal))));
    assert.equal(performance.now(), time.startedAt + 1_000);
    assert.ok(entered.includes(undefined) && entered.some((moment) => moment !== undefined));
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
