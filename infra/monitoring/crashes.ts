import { FilterPattern, type ILogGroup, MetricFilter } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { metricsNamespace } from '../../lambda/names.ts';

/**
 * Matches what Lambda itself writes into the log of a function that ran out of time or memory, or crashed. It writes
 * this before any brace, while our own lines are JSON and begin with one: so nothing that a caller sends can match.
 * CloudWatch's metric filters know neither blanks nor groups in regular expressions.
 */
export const crashPattern = [
  '^[0-9][^{]+.Task.timed.out.after',
  '^RequestId[^{]+.Error:.Runtime.exited',
  '^INIT_REPORT[^{]+.Error.Type:.Runtime',
  '^[0-9][^{]+.ERROR.Uncaught.Exception',
  '^[0-9][^{]+.ERROR.Unhandled.Promise.Rejection',
].join('|');

export interface CrashFilterProps {
  /** Of the deployment. It is in the name of the metric, since a filter cannot set a constant dimension. */
  deployment: string;
  logGroup: ILogGroup;
}

/** Counts time-outs and crashes, which end the function before it can count anything itself. */
export class CrashFilter extends MetricFilter {
  constructor(scope: Construct, id: string, { deployment, logGroup }: CrashFilterProps) {
    super(scope, id, {
      logGroup,
      filterPattern: FilterPattern.literal(`%${crashPattern}%`),
      metricNamespace: metricsNamespace,
      metricName: `${deployment}-Crashes`,
    });
  }
}
