import type { Decision } from './cancel.ts';
import type { Rules, Warning } from './deadline.ts';
import type { FineTuningProvider, Job, JobTable } from './job.ts';

/** A project at its provider, with the rules for its jobs. */
export interface Project {
  /** Undefined in a deployment without `projects`. */
  name: string | undefined;
  provider: FineTuningProvider;
  rules: Rules;
  /** How many of its calls may run at once. */
  maxConcurrency: number;
}

export interface ProjectJob {
  project: Project;
  job: Job;
}

/** How the time of an invocation is divided. */
export interface TimeLeft {
  /** Fires after two thirds of the time. Listing ends then, so there is time to cancel what was found. */
  listingSignal: AbortSignal;
  /** Fires when every call has to end, so there is time to answer. */
  signal: AbortSignal;
  /** When `signal` fires, on the clock of `performance.now()`, in milliseconds. */
  endsAt: number;
}

/** Everything needed to carry out one request. */
export interface Context {
  /** The time by which ages and deadlines are judged, in whole Unix seconds. */
  now: number;
  requestedBy: string;
  time: TimeLeft;
  /** Opens the table on first use: a plain cancel does not need it. */
  table: () => JobTable;
  /** How long before its deadline a job is warned about; 0 never warns. */
  warnBeforeMinutes: number;
  report: Report;
}

/** The port for log and events. Never throws; `publish…` methods return whether the event was published. */
export interface Report {
  decided(decision: Decision): void;
  /** Logs a failure that does not affect the decision about a job, and how many other jobs had the same one. */
  problem(job: ProjectJob, error: unknown, others?: number): void;
  publishCancellation(decision: Decision): Promise<boolean>;
  publishWarning(job: ProjectJob, warning: Warning): Promise<boolean>;
}
