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
import type { MetricName } from '../../lambda/names.ts';
import type { CrashFilter } from './crashes.ts';
import { curfewMetric } from './metrics.ts';
import { queryFor, questions } from './saved-queries.ts';

export interface CurfewDashboardProps {
  /** Of the deployment. */
  name: string;
  function: IFunction;
  crashes: CrashFilter;
  logGroup: ILogGroup;
}

const maximum = { period: Duration.minutes(5), statistic: Stats.MAXIMUM };
const sum = { period: Duration.minutes(5), statistic: Stats.SUM };
const halfWidth = 12;

/** What is in progress and how old, what was overdue and cancelled, errors and duration, the latest cancellations. */
export class CurfewDashboard extends Dashboard {
  constructor(scope: Construct, id: string, props: CurfewDashboardProps) {
    const { name, logGroup } = props;
    const largest = (metric: MetricName) => curfewMetric(metric, { deployment: name, ...maximum });
    const total = (metric: MetricName) => curfewMetric(metric, { deployment: name, ...sum });
    super(scope, id, {
      dashboardName: name,
      defaultInterval: Duration.days(1),
      widgets: [
        [
          graph(
            'In progress, and the age of the oldest',
            [largest('InProgress')],
            [largest('OldestJobInProgressAge')],
          ),
          graph('Overdue and cancelled', [
            largest('Overdue'),
            total('Cancelled'),
            largest('HeldBack'),
            total('CancelFailures'),
          ]),
        ],
        [
          graph('Errors and throttles', [
            total('Errors'),
            props.crashes.metric(sum),
            props.function.metricThrottles(sum),
            total('IncompleteSweeps'),
            total('FailedProjects'),
          ]),
          graph('Duration', [largest('SweepDuration')], [props.function.metricDuration(maximum)]),
        ],
        [graph('Jobs to look at', [largest('UnknownStatus'), largest('StuckCancelling')])],
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
}

function graph(title: string, left: IMetric[], right: IMetric[] = []): GraphWidget {
  return new GraphWidget({ title, left, right, width: halfWidth });
}
