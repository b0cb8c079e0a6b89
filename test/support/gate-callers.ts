import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RateLimitGate } from '../../lambda/openai/rate-limit-gate.ts';

const { signal } = new AbortController();

/** Enters, and fails the test if the gate lets nobody through. */
export async function enter(gate: RateLimitGate): Promise<number> {
  const enteredAt = await gate.enter(signal);
  assert.ok(enteredAt !== undefined);
  return enteredAt;
}

/** Calls until it is not refused, as the client does; undefined if the gate lets it through no more. */
export async function call(
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
      gate.passed(enteredAt);
      return performance.now();
    }
    gate.refused(enteredAt, given === 'refused' ? undefined : given);
  }
}

/** The gaps between moments. */
export function gapsOf(moments: number[]): number[] {
  return moments.slice(1).map((moment, index) => moment - (moments[index] ?? Number.NaN));
}
