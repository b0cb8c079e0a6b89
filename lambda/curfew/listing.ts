import type { FineTuningApi, Job, OddJob } from './job.ts';
import type { TimeLeft } from './time-left.ts';

const secondsPerDay = 86_400;

/** How a project's jobs were read: page by page, and what is known of it afterwards. */
export class Listing {
  /** Jobs looked at so far. */
  inspected = 0;
  /** Jobs that could not be judged. */
  readonly odd: OddJob[] = [];
  /** What ended the listing before its end, unless that was time. */
  error: unknown;
  /** What reading waited for, or had failed with, when time ended it. */
  cutShortBy: unknown;
  /** Whether at least one page could be read. */
  hasBegun = false;
  /** Whether it reached the oldest job that it should. */
  hasEnded = false;

  readonly #api: FineTuningApi;
  readonly #known = new Set<string>();
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

  /** Whether every job was looked at and could be judged. */
  get isComplete(): boolean {
    return this.hasEnded && this.odd.length === 0;
  }

  /** Pages of jobs, newest first, no job twice, until all are read, reading fails or time runs out. Never throws. */
  async *pages({ windDown }: Pick<TimeLeft, 'windDown'>): AsyncGenerator<Job[]> {
    try {
      for await (const { jobs, odd } of this.#api.list(windDown)) {
        this.hasBegun = true;
        const recent = jobs.filter((job) => job.createdAtSeconds >= this.#oldestSeconds);
        const unseen = recent.filter(({ id }) => this.#isUnseen(id));
        this.inspected += unseen.length;
        this.odd.push(...odd.filter((job) => !this.#isToldOf(job)));
        yield unseen;
        // Jobs come newest first, so all that follow are older still. One old date alone may be a mistake.
        if (jobs.length > 0 && recent.length === 0) break;
      }
      this.hasEnded = true;
    } catch (error) {
      if (windDown.aborted) this.cutShortBy = error;
      else this.error = error;
    }
  }

  #isToldOf({ jobId }: OddJob): boolean {
    return jobId !== undefined && this.odd.some((other) => other.jobId === jobId);
  }

  /** Pages overlap when jobs are created meanwhile. */
  #isUnseen(jobId: string): boolean {
    if (this.#known.has(jobId)) return false;
    this.#known.add(jobId);
    return true;
  }
}
