/** Names that other systems rely on: metrics and events. */

/** The namespace of the metrics in CloudWatch. Their one dimension, `service`, is the name of the deployment. */
export const metricsNamespace = 'FineTuningCurfew';

/** The metrics, with their units in CloudWatch. */
export const metricUnits = {
  Inspected: 'Count', // jobs that a sweep inspected
  InProgress: 'Count', // jobs in progress that a sweep found
  Overdue: 'Count', // jobs past their deadline that a sweep found
  Cancelled: 'Count', // cancels that a provider accepted, from sweeps or requests
  CancelFailures: 'Count', // jobs that a sweep or a stop-all should have cancelled but could not
  HeldBack: 'Count', // overdue jobs that a sweep left alone because there were more of them than the cancel limit
  UnknownStatus: 'Count', // jobs whose status is unknown
  StuckCancelling: 'Count', // jobs that are still in progress an hour after their cancel was accepted
  FailedProjects: 'Count', // projects that could not be read
  Errors: 'Count', // requests that failed, except for invalid requests and unknown jobs
  IncompleteSweeps: 'Count', // 1 for a sweep that did not see everything, else 0
  OldestJobInProgressAge: 'Seconds', // the age of the oldest job in progress that a sweep found, 0 if there is none
  SweepDuration: 'Milliseconds', // how long a sweep took
} as const;
export type MetricName = keyof typeof metricUnits;

export const eventSource = 'fine-tuning-curfew';

/** The `detail-type` of each event. */
export const eventTypes = {
  /** A cancel was accepted, whoever asked for it. */
  cancelled: 'Fine-Tuning Job Cancelled',
  /** A dry run would have cancelled the job. */
  wouldBeCancelled: 'Fine-Tuning Job Would Be Cancelled',
  /** The deadline is near, or the provider expects the job to finish after it. */
  near: 'Fine-Tuning Job Near Its Time Budget',
} as const;
