import { pMapIterable } from 'p-map';
import { type Decision, isStuck, type JobEntry, jobEntryOf, type Outcome, type Report } from './decision.ts';
import { isInProgress, isKnown } from './job.ts';
import type { Listing } from './listing.ts';
import { callsAtOnce, type Project, type Survey, surveyOf } from './projects.ts';
import type { TimeLeft } from './time-left.ts';

/** So the answer fits into every payload of AWS, the least of which is 256 KiB. */
export const mostJobsListed = 500;
const mostFailedNamed = 5;

const counters: Partial<
  Record<Outcome, 'cancelled' | 'alreadyFinished' | 'wouldCancel' | 'heldBack' | 'failed'>
> = {
  cancelled: 'cancelled',
  cancelling: 'cancelled',
  already_finished: 'alreadyFinished',
  would_cancel: 'wouldCancel',
  held_back: 'heldBack',
  failed: 'failed',
};

/** What a sweep or a stop-all came to so far, counted from its decisions. */
export class Tally {
  /** Jobs that were looked at. */
  inspected = 0;
  readonly counts = {
    inProgress: 0,
    overdue: 0,
    notCancellable: 0,
    cancelled: 0,
    alreadyFinished: 0,
    wouldCancel: 0,
    heldBack: 0,
    failed: 0,
  };
  /** The jobs that were dealt with, 500 at most. */
  readonly jobs: JobEntry[] = [];
  jobsOmitted = 0;
  /** The ids of the first jobs that failed, 5 at most. */
  readonly firstFailed: string[] = [];
  /** How many jobs have which status that is neither in progress nor finished. */
  readonly otherStatuses = new Map<string, number>();
  /** Jobs that an earlier sweep left `cancelling`, and has counted. They are among the cancelled ones. */
  countedBefore = 0;
  /** Jobs whose cancellation has taken an hour or longer. */
  stuckCancelling = 0;
  /** The age of the oldest job in progress, 0 if there is none. */
  oldestAgeSeconds = 0;
  readonly #nowMilliseconds: number;

  /** @param nowMilliseconds the present, in Unix milliseconds. */
  constructor(nowMilliseconds: number) {
    this.#nowMilliseconds = nowMilliseconds;
  }

  /** Jobs with a status that we have never heard of. */
  get unknownStatus(): number {
    return this.otherStatuses
      .entries()
      .reduce((sum, [status, jobs]) => (isKnown(status) ? sum : sum + jobs), 0);
  }

  add(decision: Decision): void {
    const { job, judgement, outcome } = decision;
    if (!isInProgress(job.status)) {
      this.counts.notCancellable += 1;
      this.otherStatuses.set(job.status, (this.otherStatuses.get(job.status) ?? 0) + 1);
      return;
    }
    this.counts.inProgress += 1;
    this.oldestAgeSeconds = Math.max(this.oldestAgeSeconds, judgement.ageMinutes * 60);
    const counter = counters[outcome];
    if (counter === undefined) return;
    this.counts.overdue += 1;
    this.counts[counter] += 1;
    if (outcome === 'failed' && this.firstFailed.length < mostFailedNamed) this.firstFailed.push(job.id);
    if (this.jobs.length < mostJobsListed) this.jobs.push(jobEntryOf(decision));
    else this.jobsOmitted += 1;
    if (isStuck(decision, this.#nowMilliseconds)) this.stuckCancelling += 1;
    if (counter === 'cancelled' && decision.cancellingSinceSeconds !== undefined) this.countedBefore += 1;
  }
}

/** What going through the jobs of projects works with. */
export interface TallyScene {
  time: TimeLeft;
  /** The present, in Unix milliseconds: every age is measured from it. */
  nowMilliseconds: number;
  report: Report;
}

/** What a sweep or a stop-all came to. Failures of projects are in the survey. */
export interface TalliedSurvey {
  survey: Survey;
  tally: Tally;
}

/** How the jobs of one project are gone through. */
export interface Round<Candidate> {
  listing: Listing;
  /** The jobs to decide on, as they are found. */
  candidates: AsyncIterable<Candidate>;
  decide: (candidate: Candidate) => Promise<Decision>;
}

/**
 * Decides on jobs of all given projects, side by side. Each decision is counted and reported as it falls.
 *
 * @param startAt the position of the project to start at.
 * @param roundOf prepares the round through one project.
 */
export async function tallied<Candidate>(
  projects: Project[],
  startAt: number,
  { time, nowMilliseconds, report }: TallyScene,
  roundOf: (project: Project) => Round<Candidate>,
): Promise<TalliedSurvey> {
  const tally = new Tally(nowMilliseconds);
  const survey = await surveyOf(projects, time, startAt, async (project) => {
    const { listing, candidates, decide } = roundOf(project);
    const decisions = pMapIterable(candidates, decide, {
      concurrency: callsAtOnce(projects.length),
      preserveOrder: false,
    });
    for await (const decision of decisions) {
      tally.add(decision);
      report(decision);
    }
    tally.inspected += listing.inspected;
    return listing;
  });
  return { survey, tally };
}
