import { addAbortListener } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { backoffMilliseconds } from './backoff.ts';

/** What all calls of one project pass in an invocation, so all heed a refusal (429) that one of them got. */
export interface RateLimitGate {
  /**
   * Waits until a call may be sent.
   *
   * @returns when it was let through, for `refused`; undefined if it never is, because the time is up first.
   */
  enter(signal: AbortSignal): Promise<number | undefined>;
  /** A call that was let through at `enteredAt` got an answer that is no refusal. */
  passed(enteredAt: number): void;
  /** Such a call was refused. `askedMilliseconds` is the wait that the server asked for, if it did. */
  refused(enteredAt: number, askedMilliseconds: number | undefined): void;
  /** Whether calls are let through now, if only at a slower pace. */
  isOpen(): boolean;
  /** Whether no call will be let through any more in the time that is left. */
  isShut(): boolean;
}

/** If no call passes for this long beyond the longest wait asked for, no call of this invocation ever will. */
const givesUpAfterMilliseconds = 60_000;
/** Calls that a limit slows down are never further apart: beyond that, it says itself how long to wait. */
const widestSpacingMilliseconds = 1_000;
const firstSpacingMilliseconds = 10;
/** A refusal makes the next calls come later, each call that passes a little earlier, so a limit that rises is found. */
const widening = 1.25;
const narrowing = 0.97;
/** A refusal so long after the last is a new one, of which nothing is known yet. */
const forgetsAfterMilliseconds = 10_000;

/**
 * Free until the first refusal. Then everybody waits until the time that the server named, and goes on at full pace. If
 * that is refused again, calls go one by one, as fast as they were let through while the gate was open. Retries of each
 * call by itself would not do: at the server's time all come back at once, and one that is unlucky each time is lost.
 *
 * @param endsAt when the time is up, in milliseconds of the process's clock.
 */
export function createRateLimitGate(endsAt: number): RateLimitGate {
  let opensAt = Number.NEGATIVE_INFINITY;
  let closedAt = Number.NEGATIVE_INFINITY;
  let givesUpAt = Number.POSITIVE_INFINITY;
  /** The longest wait asked for since a call passed. */
  let longestAskedMilliseconds = 0;
  let firstSentAt = Number.POSITIVE_INFINITY;
  let lastSentAt = Number.NEGATIVE_INFINITY;
  let spacingMilliseconds = 0;
  let passedSinceOpening = 0;
  let refusalsInRow = 0;
  /** Fires when no call will be let through any more. */
  const shut = new AbortController();
  let queue: Promise<unknown> = Promise.resolve();

  /** The turn of the call at the head of the queue. The gate may close, or close for longer, while it sleeps. */
  const turn = async (signal: AbortSignal): Promise<number | undefined> => {
    for (;;) {
      const now = performance.now();
      if (now >= endsAt || signal.aborted) return undefined;
      const slot = Math.max(opensAt, lastSentAt + spacingMilliseconds);
      if (slot <= now) {
        lastSentAt = now;
        firstSentAt = Math.min(firstSentAt, now);
        return now;
      }
      const waitMilliseconds = Math.min(slot, endsAt) - now;
      if (!(await sleep(waitMilliseconds, true, { signal }).catch(() => false))) return undefined;
    }
  };

  /** How far apart calls should be from now on, learned from the time that the gate was open. */
  const learnedSpacing = (now: number): number => {
    const openMilliseconds = now - firstSentAt;
    const isFirst = closedAt === Number.NEGATIVE_INFINITY || openMilliseconds > forgetsAfterMilliseconds;
    if (isFirst) return spacingMilliseconds;
    const passedEvery = passedSinceOpening > 0 ? openMilliseconds / passedSinceOpening : 0;
    const wider = Math.max(firstSpacingMilliseconds, spacingMilliseconds * widening, passedEvery);
    return Math.min(widestSpacingMilliseconds, wider);
  };

  return {
    enter(signal) {
      const givesUp = AbortSignal.any([signal, shut.signal]);
      const entered = queue.then(() => turn(givesUp));
      queue = entered;
      // Whoever gives up does not wait for those ahead.
      const gaveUp = Promise.withResolvers<undefined>();
      const listening = addAbortListener(givesUp, () => gaveUp.resolve(undefined));
      return Promise.race([entered, gaveUp.promise]).finally(() => listening[Symbol.dispose]());
    },

    passed(enteredAt) {
      // One that was in flight when the gate closed says nothing about what it lets through since.
      if (enteredAt < closedAt) return;
      refusalsInRow = 0;
      longestAskedMilliseconds = 0;
      passedSinceOpening += 1;
      spacingMilliseconds = spacingMilliseconds < 1 ? 0 : spacingMilliseconds * narrowing;
    },

    refused(enteredAt, askedMilliseconds) {
      const now = performance.now();
      // Calls already in flight when the gate closed add no information but a longer wait.
      if (enteredAt >= closedAt) {
        refusalsInRow += 1;
        spacingMilliseconds = learnedSpacing(now);
        passedSinceOpening = 0;
        firstSentAt = Number.POSITIVE_INFINITY;
        closedAt = now;
        if (refusalsInRow > 1 && now >= givesUpAt) shut.abort();
      }
      // A server that keeps asking for a short wait and then refuses all the same is asked less and less often.
      const backoff =
        askedMilliseconds === undefined
          ? backoffMilliseconds(refusalsInRow)
          : refusalsInRow > 1
            ? backoffMilliseconds(refusalsInRow - 1)
            : 0;
      const waitMilliseconds = askedMilliseconds ?? 0;
      opensAt = Math.max(opensAt, now + Math.max(waitMilliseconds, backoff));
      if (refusalsInRow === 1 || waitMilliseconds > longestAskedMilliseconds) {
        givesUpAt = opensAt + givesUpAfterMilliseconds;
      }
      longestAskedMilliseconds = Math.max(longestAskedMilliseconds, waitMilliseconds);
      // A shorter wait is for the pace: whoever it takes beyond the time has simply run out of time.
      if (opensAt >= endsAt && opensAt - now > widestSpacingMilliseconds) shut.abort();
    },

    isOpen: () => !shut.signal.aborted && opensAt <= performance.now(),
    isShut: () => shut.signal.aborted,
  };
}
