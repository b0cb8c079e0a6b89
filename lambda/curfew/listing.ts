import type { FineTuningApi, Job, OddJob } from './job.ts';
import type { TimeLeft } from './time-left.ts';

const secondsPerDay = 86_400;

/** How a project's jobs were read: page by page, and what is known of it afterwards. */
export class Listing {
  /** Jobs looked at so far. */
  inspected = 0;
  /** What ended the listing before its end, unless that was time. */
  error: unknown;
  /** What the next page waited for, or had failed with, when time ended it; undefined if it was asked for too late. */
  cutShortBy: unknown;
  /** Whether at least one page could be read. */
  hasBegun = false;
  /** Whether it reached the oldest job that it should. */
  hasEnded = false;

  readonly #api: FineTuningApi;
  readonly #known = new Set<string>();
  readonly #odd: OddJob[] = [];
  readonly #oldestSeconds: number;

  /**
   * @param lookbackDays how far back to look, by creation; 0 looks at every job there is.
   * @param nowMilliseconds the present, in Unix milliseconds.
   */
  constructor(api: FineTuningApi, lookbackDays: number, nowMilliseconds: number) {
    this.#api = api;
    this.#oldestSeconds =
      lookbackDays === 0 ? Number.NEGATIVE_INFINITY : nowMilliseconds / 1000 - lookbackDays * secondsPerDay;
  }

  /** Jobs that could not be judged. One that can be read on another page is none of them. */
  get odd(): OddJob[] {
    return this.#odd.filter(({ jobId }) => jobId === undefined || !this.#known.has(jobId));
  }

  /** Pages of jobs, newest first, no job twice, until all are read, reading fails or time runs out. Never throws. */
  async *pages({ windDown }: Pick<TimeLeft, 'windDown'>): AsyncGenerator<Job[]> {
    let isLate = false;
    try {
      for await (const { jobs, odd } of this.#api.list(windDown)) {
        this.hasBegun = true;
        const unseen = jobs.filter(({ id }) => this.#isUnseen(id)).filter((job) => this.#isRecent(job));
        this.inspected += unseen.length;
        this.#odd.push(...odd.filter((job) => !this.#isToldOf(job)));
        yield unseen;
        // Jobs come newest first, so all that follow are older still. One old date alone may be a mistake; 0 is one.
        const isDated = jobs.some(({ createdAtSeconds }) => createdAtSeconds > 0);
        if (isDated && !jobs.some((job) => this.#isRecent(job))) break;
        isLate = windDown.aborted;
      }
      this.hasEnded = true;
    } catch (error) {
      if (!windDown.aborted) this.error = error;
      else if (!isLate) this.cutShortBy = error;
    }
  }

  #isRecent({ createdAtSeconds }: Job): boolean {
    return createdAtSeconds >= this.#oldestSeconds;
  }

  #isToldOf({ jobId }: OddJob): boolean {
    return jobId !== undefined && this.#odd.some((other) => other.jobId === jobId);
  }

  /** Pages overlap when jobs are created meanwhile. */
  #isUnseen(jobId: string): boolean {
    if (this.#known.has(jobId)) return false;
    this.#known.add(jobId);
    return true;
  }
}
