import { addAbortListener } from 'node:events';
import PQueue from 'p-queue';

const firstWaitMs = 300;
const maxWaitMs = 30_000;
/** Give up if no call is accepted for this long beyond the longest wait that the provider asked for. */
const giveUpAfterMs = 60_000;
const refusalFactor = 0.5;
const raisePerAcceptedCall = 0.25;
/** If fewer calls than this are accepted after a pause, it was too short: to read and cancel one job takes two. */
const minBurst = 10;
/** Less than `maxTurnWaitMs`, so that cancels still get their turn in time. */
const maxSpacingMs = 4_000;
const maxLoneCalls = 3;
const spacingFactor = 0.9;

/** How long a cancel may wait for its turn after the job was read. */
const maxTurnWaitMs = 5_000;

export class ThrottledError extends Error {
  /** The wait that the provider asked for, in milliseconds. */
  askedMs = 0;
  /** False if the provider says that waiting does not help. */
  mayRetry = true;
}

/** A cancel was not sent, because it waited so long that the job must be read again. */
export class LateTurnError extends Error {}

export interface Turn {
  /** What the call is about, such as the path of a job. */
  subject: string;
  /** Cancels go first, and are made at most once. Other calls are repeated while they are rate-limited. */
  isCancel: boolean;
  signal: AbortSignal;
}

/**
 * The rate limit of one project in one invocation. A refusal applies to all calls with that credential, so it pauses
 * them all and lowers their concurrency. Each accepted call raises it a little.
 */
export class RateLimit {
  readonly #queue: PQueue;
  readonly #maxConcurrency: number;
  readonly #endsAt: number;
  #concurrency: number;
  /** Subjects of refused calls, which go ahead of new work. */
  readonly #refused = new Set<string>();
  /** Increases with each refusal, to tell calls that started before it from later ones. */
  #epoch = 0;
  #acceptedInEpoch = 0;
  #refusalsInRow = 0;
  #resumesAt = Number.NEGATIVE_INFINITY;
  /** When calls were first refused since one was accepted, and the longest wait asked for since then. */
  #blockedSince: number | undefined;
  #longestAskedMs = 0;
  /** How often in a row only one call was accepted between refusals: looks then use up the turns of their cancels. */
  #loneCalls = 0;
  /** The pause after an accepted call, which spaces calls out once there were too many lone ones. */
  #spacingMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #lastRefusal: ThrottledError | undefined;
  /** The refusal after which no call can succeed in the time left. */
  #closedBy: ThrottledError | undefined;

  /** @param endsAt when time is up, on the clock of `performance.now()`. */
  constructor(maxConcurrency: number, endsAt: number) {
    this.#maxConcurrency = maxConcurrency;
    this.#concurrency = maxConcurrency;
    this.#endsAt = endsAt;
    this.#queue = new PQueue({ concurrency: maxConcurrency });
  }

  /** Every call fails from now on. */
  get isClosed(): boolean {
    return this.#closedBy !== undefined;
  }

  /**
   * Makes a call when its turn comes.
   *
   * @param call throws ThrottledError if it is rate-limited.
   * @throws what the call throws; the last ThrottledError if waiting cannot help; LateTurnError; or the reason of the signal.
   */
  async run<Answer>(call: () => Promise<Answer>, { subject, isCancel, signal }: Turn): Promise<Answer> {
    for (;;) {
      const queuedAt = performance.now();
      const priority = isCancel ? 2 : this.#refused.has(subject) ? 1 : 0;
      const turn = async (): Promise<Answer> => {
        if (this.#closedBy) throw this.#closedBy;
        signal.throwIfAborted();
        if (isCancel && performance.now() - queuedAt > maxTurnWaitMs) throw new LateTurnError();
        return this.#make(call);
      };
      try {
        return await orAborted(this.#queue.add(turn, { priority }), signal);
      } catch (error) {
        if (!(error instanceof ThrottledError)) throw error;
        this.#refused.add(subject);
        if (isCancel || this.isClosed || !error.mayRetry) throw error;
      }
    }
  }

  async #make<Answer>(call: () => Promise<Answer>): Promise<Answer> {
    const epoch = this.#epoch;
    try {
      const answer = await call();
      // A call that started before the last refusal says nothing about the rate since.
      if (epoch === this.#epoch) this.#accept();
      return answer;
    } catch (error) {
      if (error instanceof ThrottledError) this.#refuse(error, epoch);
      throw error;
    }
  }

  #accept(): void {
    this.#acceptedInEpoch += 1;
    this.#setConcurrency(this.#concurrency + raisePerAcceptedCall);
    if (this.#acceptedInEpoch > 2) this.#spacingMs *= spacingFactor;
    if (this.#spacingMs > 1) this.#pauseFor(this.#spacingMs);
  }

  #refuse(refusal: ThrottledError, epoch: number): void {
    const now = performance.now();
    const { askedMs } = refusal;
    if (epoch === this.#epoch) this.#beginEpoch(now);
    const isAskedOnce = askedMs > 0 && this.#refusalsInRow === 1;
    const backoffMs = isAskedOnce ? 0 : Math.min(maxWaitMs, firstWaitMs * 2 ** (this.#refusalsInRow - 1));
    const pauseMs = Math.max(askedMs, backoffMs);
    if (this.#loneCalls >= maxLoneCalls) {
      this.#spacingMs = Math.min(maxSpacingMs, Math.max(pauseMs, 2 * this.#spacingMs));
      this.#loneCalls = 0;
    }
    this.#lastRefusal = refusal;
    this.#longestAskedMs = Math.max(this.#longestAskedMs, askedMs);
    this.#pauseFor(pauseMs);
    if (now >= (this.#blockedSince ?? now) + this.#longestAskedMs + giveUpAfterMs) this.#close();
  }

  #pauseFor(ms: number): void {
    if (this.isClosed) return;
    const now = performance.now();
    this.#resumesAt = Math.max(this.#resumesAt, now + ms);
    this.#queue.pause();
    clearTimeout(this.#timer);
    // A timer may fire a millisecond early.
    this.#timer = setTimeout(() => this.#queue.start(), this.#resumesAt - now + 1);
    if (this.#resumesAt >= this.#endsAt) this.#close();
  }

  /** Makes every call fail from now on. */
  #close(): void {
    this.#closedBy = this.#lastRefusal;
    clearTimeout(this.#timer);
    this.#queue.start();
  }

  /** Adapts to the number of calls accepted since the previous refusal. */
  #beginEpoch(now: number): void {
    const accepted = this.#acceptedInEpoch;
    this.#epoch += 1;
    this.#acceptedInEpoch = 0;
    if (accepted > 0) this.#loneCalls = accepted === 1 ? this.#loneCalls + 1 : 0;
    this.#refusalsInRow = accepted >= minBurst ? 1 : this.#refusalsInRow + 1;
    this.#setConcurrency(Math.min(this.#concurrency * refusalFactor, accepted));
    if (accepted === 0 && this.#blockedSince !== undefined) return;
    // After a few accepted calls, the pause may grow, but must not keep doubling.
    this.#refusalsInRow = Math.min(2, this.#refusalsInRow);
    this.#blockedSince = now;
    this.#longestAskedMs = 0;
  }

  #setConcurrency(concurrency: number): void {
    this.#concurrency = Math.min(this.#maxConcurrency, Math.max(1, concurrency));
    this.#queue.concurrency = Math.floor(this.#concurrency);
  }
}

/** Returns the promise's value, or rejects one tick after the signal fires, so the promise's own error wins. */
export async function orAborted<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  const aborted = Promise.withResolvers<never>();
  using _listening = addAbortListener(signal, () => setImmediate(aborted.reject, signal.reason));
  return await Promise.race([promise, aborted.promise]);
}
