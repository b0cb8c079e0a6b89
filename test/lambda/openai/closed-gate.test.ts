import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createRateLimitGate } from '../../../lambda/openai/rate-limit-gate.ts';
import { call, enter, gapsOf } from '../../support/gate-callers.ts';
import { virtualTime } from '../../support/virtual-time.ts';

const longMilliseconds = 900_000;

describe('a gate that lets nobody through', () => {
  test('is asked after waits that double up to half a minute, and given up after a minute', async (t) => {
    const time = virtualTime(t, 20);
    const gate = createRateLimitGate(time.startedAt + longMilliseconds);
    const attempts: number[] = [];
    assert.equal(await time.until(call(gate, () => 'refused', attempts)), undefined);
    const waits = gapsOf(attempts).map((gap) => gap - 20);
    assert.deepEqual(waits, [300, 600, 1_200, 2_400, 4_800, 9_600, 19_200, 30_000]);
    assert.deepEqual([gate.isOpen(), gate.isShut()], [false, true]);
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

  test('is not given up because of a long wait that is asked for only later', async (t) => {
    const time = virtualTime(t, 20);
    const gate = createRateLimitGate(time.startedAt + longMilliseconds);
    const waits = [1_000, 62_000, 1_000];
    assert.ok((await time.until(call(gate, () => waits.shift() ?? 'passed'))) !== undefined);
  });

  test('is asked less and less often, though a call in flight since before it closed passes', async (t) => {
    const time = virtualTime(t, 20);
    const gate = createRateLimitGate(time.startedAt + longMilliseconds);
    const before = await time.until(enter(gate));
    await time.until(sleep(20));
    const attempts: number[] = [];
    const answer = () => {
      gate.passed(before);
      return attempts.length < 4 ? 'refused' : 'passed';
    };
    await time.until(call(gate, answer, attempts));
    assert.deepEqual(gapsOf(attempts), [320, 620, 1_220]);
  });

  test('is not given up after many refusals in a short time', async (t) => {
    const time = virtualTime(t, 20);
    const gate = createRateLimitGate(time.startedAt + longMilliseconds);
    const refusals = Array.from({ length: 7 }, () => 5);
    const passed = await time.until(call(gate, () => refusals.shift() ?? 'passed'));
    assert.ok(passed !== undefined);
  });

  test('is not given up for a refusal long ago, after which others passed', async (t) => {
    const time = virtualTime(t, 20);
    const gate = createRateLimitGate(time.startedAt + longMilliseconds);
    const refusals = [20];
    const answer = () => refusals.shift() ?? 'passed';
    await time.until(call(gate, answer));
    await time.until(sleep(100_000));
    refusals.push(20);
    assert.ok((await time.until(call(gate, answer))) !== undefined);
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
    const waits = gapsOf(attempts).map((gap) => gap - 20);
    assert.deepEqual(waits, [20, 300, 600, 1_200, 2_400, 4_800, 9_600, 19_200, 30_000]);
  });
});
