/** The names that others rely on: our metrics, our events. */

/** The namespace of our metrics in CloudWatch. Their one dimension, `service`, is the name of the deployment. */
export const metricsNamespace = 'FineTuningCurfew';

/** Our metrics, with their units in CloudWatch. */
export const metricUnits = {
  /** Jobs that a sweep looked at. */
  Inspected: 'Count',
  /** Jobs in progress that a sweep found. */
  InProgress: 'Count',
  /** Jobs past their deadline that a sweep found. */
  Overdue: 'Count',
  /** Jobs cancelled, by a sweep or on request. */
  Cancelled: 'Count',
  /** Jobs that a sweep or a stop-all should have cancelled and could not. */
  CancelFailures: 'Count',
  /** Overdue jobs that a sweep did not cancel, because there were more of them than the cancel limit. */
  HeldBack: 'Count',
  /** Jobs with a status that we have never heard of. */
  UnknownStatus: 'Count',
  /** Jobs that were cancelled an hour ago or earlier, and have not finished yet. */
  StuckCancelling: 'Count',
  /** Projects that a sweep could not look at. */
  FailedProjects: 'Count',
  /** Named failures of requests, but for those that are the caller's: a wrong request, an unknown job. */
  Errors: 'Count',
  /** 1 for a sweep that did not see all that it should have, else 0. */
  IncompleteSweeps: 'Count',
  /** The age of the oldest job in progress that a sweep found, 0 if there is none. */
  OldestJobInProgressAge: 'Seconds',
  /** How long a sweep took. */
  SweepDuration: 'Milliseconds',
} as const;
export type MetricName = keyof typeof metricUnits;

/** The `source` of our events on the account's default event bus. */
export const eventSource = 'fine-tuning-curfew';

/** Their `detail-type`s. */
export const eventTypes = {
  /** A job was cancelled, by whomever. */
  cancelled: 'Fine-Tuning Job Cancelled',
  /** It would have been, were this not a dry run. */
  wouldBeCancelled: 'Fine-Tuning Job Would Be Cancelled',
  /** Its deadline is near, or it will not finish before it. */
  near: 'Fine-Tuning Job Near Its Time Budget',
} as const;
