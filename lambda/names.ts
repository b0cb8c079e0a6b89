/** The names by which others know what the function writes: its metrics and its events. */

/** The service in every log line, and the one dimension of every metric. */
export const serviceName = 'fine-tuning-curfew';

/** The namespace of our metrics in CloudWatch. */
export const metricsNamespace = 'FineTuningCurfew';

/** Our metrics, with their units in CloudWatch. */
export const metricUnits = {
  /** Jobs that a sweep looked at. */
  Inspected: 'Count',
  /** Jobs in progress that a sweep found. */
  InProgress: 'Count',
  /** Jobs past their budget that a sweep found. */
  Overdue: 'Count',
  /** Jobs cancelled, by a sweep or on request. */
  Cancelled: 'Count',
  /** Overdue jobs that a sweep could not cancel. */
  CancelFailures: 'Count',
  /** 1 for a sweep that did not see all that it should have, else 0. */
  IncompleteSweeps: 'Count',
  /** The age of the oldest job in progress that a sweep found, 0 where there is none. */
  OldestJobInProgressAge: 'Seconds',
  /** How long a sweep took. */
  SweepDuration: 'Milliseconds',
} as const;
export type MetricName = keyof typeof metricUnits;

/** The `source` of our events on the account's default event bus. */
export const eventSource = 'fine-tuning-curfew';
/** Their `detail-type`s: a job was cancelled, by whomever; or it would have been, were it not a dry run. */
export const cancelledEvent = 'Fine-Tuning Job Cancelled';
export const wouldBeCancelledEvent = 'Fine-Tuning Job Would Be Cancelled';
