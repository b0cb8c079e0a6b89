/** The moments that an invocation derives from the time it is given. */
export interface TimeLeft {
  /** Fires when nothing new may be started, so what runs can still end well. */
  windDown: AbortSignal;
  /** Fires when whatever still runs must be given up, so an answer can still be sent. */
  stop: AbortSignal;
  /** When that is, in milliseconds of the process's clock (`performance.now`). */
  stopsAt: number;
  /** Fires when nothing more can be published either, because the answer has to go. */
  publishUntil: AbortSignal;
  /** Fires a little later, when not even what was noted can be taken back. */
  takeBackUntil: AbortSignal;
  /** How long one attempt at a call may take, in milliseconds: short enough that a retry fits in. */
  attemptTimeoutMilliseconds: number;
}

const longestAttemptMilliseconds = 10_000;
const longestWindDownMilliseconds = 60_000;
const longestAnswerMilliseconds = 2_000;

/**
 * Divides the time that is left before something outside (Lambda, a caller) gives up on us.
 * With little time all parts shrink in proportion, so the answer is always ours.
 */
export function timeLeftOf(remainingMilliseconds: number): TimeLeft {
  const answer = Math.min(longestAnswerMilliseconds, remainingMilliseconds / 5);
  const stop = remainingMilliseconds - answer;
  const windDown = stop - Math.min(longestWindDownMilliseconds, stop / 3);
  return {
    windDown: firesIn(windDown),
    stop: firesIn(stop),
    stopsAt: performance.now() + stop,
    publishUntil: firesIn(stop + answer / 2),
    takeBackUntil: firesIn(stop + (answer * 3) / 4),
    attemptTimeoutMilliseconds: Math.max(1, Math.floor(Math.min(longestAttemptMilliseconds, stop / 4))),
  };
}

function firesIn(milliseconds: number): AbortSignal {
  return AbortSignal.timeout(Math.max(0, Math.floor(milliseconds)));
}
