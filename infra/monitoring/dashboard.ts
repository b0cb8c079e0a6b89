import { Duration } from 'aws-cdk-lib';
import {
  Dashboard,
  GraphWidget,
  type IMetric,
  LogQueryVisualizationType,
  LogQueryWidget,
  Stats,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { MetricFilter } from 'aws-cdk-lib/aws-logs';
import type { MetricName } from '../../lambda/names.ts';
import type { FineTuningCurfew } from '../fine-tuning-curfew.ts';
import { queryFor, questions } from './logs.ts';

const maximum = { period: Duration.minutes(5), statistic: Stats.MAXIMUM };
const sum = { period: Duration.minutes(5), statistic: Stats.SUM };
const width = 12;

/** Adds a dashboard: jobs in progress and their age, overdue and cancelled jobs, errors, duration, latest cancellations. */
export function addDashboard(curfew: FineTuningCurfew, name: string, crashes: MetricFilter): Dashboard {
  const { function: fn, logGroup } = curfew;
  // Counts from sweeps are gauges: their sum would count a job once per sweep.
  const gauge = (metric: MetricName) => curfew.metric(metric, maximum);
  const total = (metric: MetricName) => curfew.metric(metric, sum);
  const graph = (title: string, left: IMetric[], right: IMetric[] = []) =>
    new GraphWidget({ title, left, right, width });
  const inProgress = graph(
    'In progress, and the age of the oldest',
    [gauge('InProgress')],
    [gauge('OldestJobInProgressAge')],
  );
  const overdue = [gauge('Overdue'), total('Cancelled'), gauge('HeldBack'), total('CancelFailures')];
  const named = [total('Errors'), total('IncompleteSweeps'), total('FailedProjects')];
  const errors = [...named, crashes.metric(sum), fn.metricThrottles(sum)];
  const duration = graph('Duration', [gauge('SweepDuration')], [fn.metricDuration(maximum)]);
  const latest = new LogQueryWidget({
    title: 'The latest cancellations',
    view: LogQueryVisualizationType.TABLE,
    logGroupNames: [logGroup.logGroupName],
    queryString: queryFor(questions['what was cancelled, and why'], 20).toString(),
    width: 2 * width,
  });
  return new Dashboard(curfew, 'Dashboard', {
    dashboardName: name,
    defaultInterval: Duration.days(1),
    widgets: [
      [inProgress, graph('Overdue and cancelled', overdue)],
      [graph('Errors and throttles', errors), duration],
      [graph('Jobs to look at', [gauge('UnknownStatus'), gauge('StuckCancelling')])],
      [latest],
    ],
  });
}
