import { setTimeout as sleep } from 'node:timers/promises';

/** What all calls of one invocation pass, so that all heed a refusal (429) that one of them got. */
export interface RateLimitGate {
  /**
   * Waits until a call may be sent.
   *
   * @returns when it was let through, for `refused`; `undefined` where that is not before the time is up.
   */
  enter(signal: AbortSignal): Promise<number | undefined>;
  /** A call got an answer that is no refusal. */
  passed(): void;
  /** A call was refused. Whether it is worth to enter again. */
  refused(enteredAt: number, waitMilliseconds: number): boolean;
}

/** So many refusals one behind the other, with nobody let through in between, are a wall and not a queue. */
const mostRefusals = 3;
/** Each call that passes lets the next come a little earlier, so that a limit that rises is found. */
const quickening = 0.98;

/**
 * Free until the first refusal. Then everybody waits until the time that the server named, and calls go one by one, as
 * fast as they were let through between the last two refusals. Retries of each call by itself would not do: at the
 * server's time all come back at once, one passes, and a call that is unlucky four times is lost.
 *
 * @param endsAt when the time is up, in milliseconds of the process's clock.
 */
export function createRateLimitGate(endsAt: number): RateLimitGate {
  let opensAt = Number.NEGATIVE_INFINITY;
  let closedAt = Number.NEGATIVE_INFINITY;
  let lastSentAt = Number.NEGATIVE_INFINITY;
  let spacingMilliseconds = 0;
  let passedSinceOpening = 0;
  let refusalsInRow = 0;
  let queue: Promise<unknown> = Promise.resolve();

  /** The turn of the one at the head of the queue. The gate may close, or close for longer, while it sleeps. */
  const turn = async (signal: AbortSignal): Promise<number | undefined> => {
    for (;;) {
      const now = performance.now();
      const slot = Math.max(opensAt, lastSentAt + spacingMilliseconds);
      if (slot <= now) {
        lastSentAt = now;
        return now;
      }
      if (slot >= endsAt) return undefined;
      if (!(await sleep(slot - now, true, { signal }).catch(() => false))) return undefined;
    }
  };

  return {
    enter(signal) {
      const entered = queue.then(() => turn(signal));
      queue = entered;
      return entered;
    },

    passed() {
      refusalsInRow = 0;
      passedSinceOpening += 1;
      spacingMilliseconds *= quickening;
    },

    refused(enteredAt, waitMilliseconds) {
      const now = performance.now();
      const mayOpenAt = now + waitMilliseconds;
      // Who was on the way when the gate closed knows no more than that it is closed.
      if (enteredAt >= closedAt) {
        refusalsInRow += 1;
        const learned = (mayOpenAt - opensAt) / passedSinceOpening;
        if (Number.isFinite(learned)) spacingMilliseconds = learned;
        passedSinceOpening = 0;
        closedAt = now;
      }
      if (refusalsInRow > mostRefusals) return false;
      opensAt = Math.max(opensAt, mayOpenAt);
      return opensAt < endsAt;
    },
  };
}
