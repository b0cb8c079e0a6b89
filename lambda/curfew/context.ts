import type { Decision } from './cancel.ts';
import type { Rules, Warning } from './deadline.ts';
import type { FineTuningProvider, Job, JobTable } from './job.ts';

/** One place where jobs run, and the rules that hold there. */
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
  /** Fires when two thirds of the time are gone. Listing ends then, so what was found can still be cancelled. */
  listingSignal: AbortSignal;
  /** Fires when every call has to end, so an answer can still be sent. */
  signal: AbortSignal;
  /** When `signal` fires, on the clock of `performance.now()`, in milliseconds. */
  endsAt: number;
}

/** Everything that a rule needs for one request. */
export interface Context {
  /** The moment from which ages and deadlines are judged, in whole Unix seconds. */
  now: number;
  requestedBy: string;
  time: TimeLeft;
  /** Opens the table when it is first needed: a plain cancel does without. */
  table: () => JobTable;
  /** How long before its deadline a job is warned about; 0 never warns. */
  warnBeforeMinutes: number;
  report: Report;
}

/** The port for log and events. Never throws. */
export interface Report {
  decided(decision: Decision): void;
  /** Logs that something about a job, and so many others, did not work, without consequence for the decision. */
  problem(job: ProjectJob, error: unknown, others?: number): void;
  /** Publishes an event. Resolves to whether it is out, as the next one does. */
  publishCancellation(decision: Decision): Promise<boolean>;
  publishWarning(job: ProjectJob, warning: Warning): Promise<boolean>;
}
