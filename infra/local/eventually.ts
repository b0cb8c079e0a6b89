import { setTimeout as sleep } from 'node:timers/promises';

const longestMilliseconds = 100_000;

/** Asks again and again until there is something, and gives that. */
export async function eventually<Value>(ask: () => Promise<Value | undefined | false>): Promise<Value> {
  const deadline = Date.now() + longestMilliseconds;
  while (Date.now() < deadline) {
    const value = await ask();
    if (value !== undefined && value !== false) return value;
    await sleep(200);
  }
  throw new Error(`Nothing came within ${longestMilliseconds / 1000} seconds.`);
}
