import { Duration } from 'aws-cdk-lib';
import { Alarm, ComparisonOperator, type Metric, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { functionName } from './curfew-function.ts';
import { curfewMetric } from './curfew-metrics.ts';

export interface AlarmsProps {
  function: IFunction;
  deadLetters: IQueue;
  sweepEveryMinutes: number;
  /** Who is told; without one the alarms only show. */
  topic?: ITopic | undefined;
}

const fiveMinutes = Duration.minutes(5);

/** An alarm for each thing that somebody has to look at. Each description is a line of a runbook: what to do. */
export class Alarms extends Construct {
  constructor(scope: Construct, id: string, props: AlarmsProps) {
    super(scope, id);
    const sum = { statistic: Stats.SUM };

    const atLeastOne = (name: string, metric: Metric, runbook: string) =>
      this.alarm(name, runbook, props.topic, {
        metric,
        threshold: 1,
        evaluationPeriods: 1,
        comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        treatMissingData: TreatMissingData.NOT_BREACHING,
      });

    atLeastOne(
      'Errors',
      props.function.metricErrors({ period: fiveMinutes }),
      'An invocation failed. Read the reason in the log: saved query "failures". ApiKeyError and AuthenticationError need a new key in the secret.',
    );
    atLeastOne(
      'CancelFailures',
      curfewMetric('CancelFailures', fiveMinutes, sum),
      'An overdue job could not be cancelled. The next sweep tries again; if it stays, read the reason (saved query "failures") and cancel the job in the OpenAI dashboard.',
    );
    atLeastOne(
      'IncompleteSweeps',
      curfewMetric('IncompleteSweeps', fiveMinutes, sum),
      'A sweep did not see all jobs: time ran out or listing failed. The next one goes on; if it stays, look at the status of OpenAI, or lower lookbackDays.',
    );
    this.alarm(
      'NoSweep',
      'No sweep for three periods: jobs run without a limit. Check that the rules are enabled, and the other alarms.',
      props.topic,
      {
        metric: curfewMetric('SweepDuration', Duration.minutes(props.sweepEveryMinutes), {
          statistic: Stats.SAMPLE_COUNT,
        }),
        threshold: 1,
        evaluationPeriods: 3,
        comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
        // No data is what this alarm is about.
        treatMissingData: TreatMissingData.BREACHING,
      },
    );
    atLeastOne(
      'Throttles',
      props.function.metricThrottles({ period: fiveMinutes }),
      'Lambda refused an invocation. Check the concurrency that is left in this account and region.',
    );
    atLeastOne(
      'DeadLetters',
      props.deadLetters.metricApproximateNumberOfMessagesVisible({
        period: fiveMinutes,
        statistic: Stats.MAXIMUM,
      }),
      'A request failed for good, or could not be handed over. Look at it, send it again, then empty the queue: see "The dead-letter queue" in the README.',
    );
  }

  private alarm(
    name: string,
    alarmDescription: string,
    topic: ITopic | undefined,
    props: Omit<ConstructorParameters<typeof Alarm>[2], 'alarmName' | 'alarmDescription'>,
  ): void {
    const alarm = new Alarm(this, name, { alarmName: `${functionName}-${name}`, alarmDescription, ...props });
    if (topic) alarm.addAlarmAction(new SnsAction(topic));
  }
}
