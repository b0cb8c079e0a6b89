import { Duration, Stack } from 'aws-cdk-lib';
import {
  Alarm,
  type AlarmProps,
  ComparisonOperator,
  type IMetric,
  type MetricOptions,
  Stats,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { MetricName } from '../../lambda/names.ts';
import type { CrashFilter } from './crashes.ts';
import { curfewMetric } from './metrics.ts';

export interface AlarmsProps {
  /** Of the deployment. */
  name: string;
  function: IFunction;
  deadLetters: IQueue;
  crashes: CrashFilter;
  sweepEveryMinutes: number;
  /** Whether sweeps come at all. */
  enabled: boolean;
  /** Who gets alarms, even when they are over; without any they only show. */
  topics: readonly ITopic[];
}

const period = Duration.minutes(5);

/** The period of the alarms on what sweeps find: at least one should come in each. */
export const alarmPeriod = (sweepEveryMinutes: number): Duration =>
  Duration.minutes(Math.max(period.toMinutes(), sweepEveryMinutes));

type Condition = Omit<AlarmProps, 'metric'>;

const once: Condition = {
  threshold: 1,
  evaluationPeriods: 1,
  comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
  treatMissingData: TreatMissingData.NOT_BREACHING,
};

/** What a sweep finds, the next one finds again: one alarm as long as it lasts, even if a sweep comes late or early. */
const onceInThree: Condition = { ...once, evaluationPeriods: 3, datapointsToAlarm: 1 };

/**
 * Missing data is what this is about, and so is its state: INSUFFICIENT_DATA. Were missing data breaching, the alarm
 * would go off right after the first deployment, before there can be a sweep; as it is, it starts in that state.
 */
const missing: Condition = {
  threshold: 1,
  evaluationPeriods: 3,
  comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
  treatMissingData: TreatMissingData.MISSING,
};

/** An alarm for each thing that somebody has to look at. Each description is a line of a runbook: what to do. */
export class Alarms extends Construct {
  readonly alarms: readonly Alarm[];

  constructor(scope: Construct, id: string, props: AlarmsProps) {
    super(scope, id);
    const { name: deployment, sweepEveryMinutes, topics } = props;
    const watch = (name: string, metric: IMetric, whatToDo: string, condition: Condition = onceInThree) => {
      const alarm = new Alarm(this, name, {
        ...condition,
        metric,
        alarmName: `${deployment}-${name}`,
        alarmDescription: whatToDo,
      });
      for (const topic of topics) {
        alarm.addAlarmAction(new SnsAction(topic));
        alarm.addOkAction(new SnsAction(topic));
        if (condition === missing) alarm.addInsufficientDataAction(new SnsAction(topic));
      }
      return alarm;
    };
    const ours = (name: MetricName, options: MetricOptions = {}) =>
      curfewMetric(name, {
        deployment,
        period: alarmPeriod(sweepEveryMinutes),
        statistic: Stats.SUM,
        ...options,
      });
    const sum = { period, statistic: Stats.SUM };
    const maximum = { period, statistic: Stats.MAXIMUM };
    this.alarms = [
      watch(
        'Errors',
        ours('Errors', sum),
        'A request failed, and the caller was not at fault. Read why in the log (saved query "failures"). ApiKeyError and AuthenticationError need a new key in the secret, QuotaError a higher limit at the provider, StateError a look at the DynamoDB table.',
      ),
      watch(
        'Crashes',
        props.crashes.metric(sum),
        'The function ran out of time or memory, or crashed. Read how in the log (saved query "failures"). If time ran out, lower lookbackDays.',
      ),
      watch(
        'CancelFailures',
        ours('CancelFailures'),
        'A job could not be cancelled. The next sweep tries again; if it persists, read the reason (saved query "failures") and cancel the job at the provider.',
      ),
      watch(
        'IncompleteSweeps',
        ours('IncompleteSweeps'),
        'A sweep did not judge every job: time ran out, or listing failed. If it persists, read the reason (saved query "failures"), look at the status of the provider, or lower lookbackDays.',
      ),
      watch(
        'HeldBack',
        ours('HeldBack', { statistic: Stats.MAXIMUM }),
        'A sweep found more overdue jobs than cancelLimit allows and cancelled none of them; the metric is how many. If they should stop, send a sweep with a higher cancelLimit. If they should run on, extend them or raise their time budgets.',
      ),
      watch(
        'UnknownStatus',
        ours('UnknownStatus'),
        'A job has a status that this version does not know, so it is never cancelled. Find it with {"list": {}}, stop it at the provider if it should not run, and look for a newer version.',
      ),
      watch(
        'StuckCancelling',
        ours('StuckCancelling'),
        'A job was cancelled an hour ago or earlier and has not finished. Find it with {"list": {}} and cancel it at the provider, which may still charge for it, or ask its support.',
      ),
      watch(
        'FailedProjects',
        ours('FailedProjects'),
        'A sweep could not look at a project, whose jobs run without a limit meanwhile. Read which and why in the log (saved query "failures"), and mend its key or URL.',
      ),
      watch(
        'Throttles',
        props.function.metricThrottles(sum),
        'Lambda refused an invocation. Raise the concurrency that is left in this account and region, or remove a reserved concurrency of 0 from the function.',
        once,
      ),
      watch(
        'DeadLetters',
        props.deadLetters.metricApproximateNumberOfMessagesVisible(maximum),
        'A request failed for good. Read it in the dead-letter queue, send it again if it is still wanted, and delete it there.',
        once,
      ),
    ];
    if (props.enabled) {
      const sweeps = { period: Duration.minutes(sweepEveryMinutes), statistic: Stats.SAMPLE_COUNT };
      const whatToDo =
        'INSUFFICIENT_DATA here means that no sweep ended for three periods: jobs run without a limit. Enable the two rules in EventBridge, check that the concurrency of the function is not 0, and look at the other alarms.';
      this.alarms = [...this.alarms, watch('NoSweep', ours('SweepDuration', sweeps), whatToDo, missing)];
    }
    // A topic that is not of this app keeps the policy that it has. One of another account's stack must know ours.
    const cloudWatch = new ServicePrincipal('cloudwatch.amazonaws.com', {
      conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
    });
    for (const topic of topics) topic.grantPublish(cloudWatch);
  }
}
