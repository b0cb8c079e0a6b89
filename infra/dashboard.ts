import { Duration } from 'aws-cdk-lib';
import {
  Dashboard,
  GraphWidget,
  type IMetric,
  LogQueryVisualizationType,
  LogQueryWidget,
  Stats,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { functionName } from './curfew-function.ts';
import { curfewMetric } from './curfew-metrics.ts';
import { queryFor, questions } from './saved-queries.ts';

const fiveMinutes = Duration.minutes(5);
const halfWidth = 12;

/** What is in progress and how old, what was overdue and cancelled, errors and duration, the latest cancellations. */
export function curfewDashboard(scope: Construct, curfew: IFunction, logGroup: ILogGroup): Dashboard {
  const graph = (title: string, left: IMetric[], right: IMetric[] = []) =>
    new GraphWidget({ title, left, right, width: halfWidth });
  const maximum = { statistic: Stats.MAXIMUM };
  const sum = { statistic: Stats.SUM };
  return new Dashboard(scope, 'Dashboard', {
    dashboardName: functionName,
    defaultInterval: Duration.days(1),
    widgets: [
      [
        graph(
          'In progress, and the age of the oldest',
          [curfewMetric('InProgress', fiveMinutes, maximum)],
          [curfewMetric('OldestJobInProgressAge', fiveMinutes, maximum)],
        ),
        graph('Overdue and cancelled', [
          curfewMetric('Overdue', fiveMinutes, sum),
          curfewMetric('Cancelled', fiveMinutes, sum),
          curfewMetric('CancelFailures', fiveMinutes, sum),
        ]),
      ],
      [
        graph('Errors and throttles', [
          curfew.metricErrors({ period: fiveMinutes }),
          curfew.metricThrottles({ period: fiveMinutes }),
          curfewMetric('IncompleteSweeps', fiveMinutes, sum),
        ]),
        graph(
          'Duration',
          [curfewMetric('SweepDuration', fiveMinutes, maximum)],
          [curfew.metricDuration({ period: fiveMinutes, ...maximum })],
        ),
      ],
      [
        new LogQueryWidget({
          title: 'The latest cancellations',
          view: LogQueryVisualizationType.TABLE,
          logGroupNames: [logGroup.logGroupName],
          queryString: queryFor(questions['what was cancelled, and why'], 20).toString(),
          width: 2 * halfWidth,
        }),
      ],
    ],
  });
}
