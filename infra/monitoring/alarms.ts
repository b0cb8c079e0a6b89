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
import type { MetricFilter } from 'aws-cdk-lib/aws-logs';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import type { MetricName } from '../../lambda/names.ts';
import type { FineTuningCurfew } from '../fine-tuning-curfew.ts';
import type { CurfewSettings } from '../settings/settings.ts';

const period = Duration.minutes(5);

/** The period of alarms on sweeps: each should contain at least one sweep. */
export const alarmPeriod = (sweepEveryMinutes: number): Duration =>
  Duration.minutes(Math.max(period.toMinutes(), sweepEveryMinutes));

type Condition = Omit<AlarmProps, 'metric'>;

const once: Condition = {
  threshold: 1,
  evaluationPeriods: 1,
  comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
  treatMissingData: TreatMissingData.NOT_BREACHING,
};

/** Sweep alarms fire when one of the last three periods breaches, so they last even if a sweep comes late or early. */
const onceInThree: Condition = { ...once, evaluationPeriods: 3, datapointsToAlarm: 1 };

/**
 * This alarm is about missing data, so it fires with the state INSUFFICIENT_DATA. If missing data counted as breaching,
 * it would fire right after the first deployment, before the first sweep. Instead, it starts in that state.
 */
const missing: Condition = {
  threshold: 1,
  evaluationPeriods: 3,
  comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
  treatMissingData: TreatMissingData.MISSING,
};

/** The description of each alarm: a runbook entry. */
const whatToDo = {
  Errors:
    'A request failed, and the caller was not at fault. Read why in the log (saved query "failures"). ApiKeyError and AuthenticationError need a new key in the secret, QuotaError a higher limit at the provider, StateError a look at the DynamoDB table.',
  Crashes:
    'The function ran out of time or memory, or crashed. See the log (saved query "failures"). If time ran out, lower lookbackDays.',
  CancelFailures:
    'A job could not be cancelled. The next sweep tries again; if it persists, read the reason (saved query "failures") and cancel the job at the provider.',
  IncompleteSweeps:
    'A sweep did not judge every job: time ran out, or listing failed. If it persists, read the reason (saved query "failures"), look at the status of the provider, or lower lookbackDays.',
  HeldBack:
    'A sweep found more overdue jobs than cancelLimit allows and cancelled none of them; the metric is how many. If they should stop, send a sweep with a higher cancelLimit. If they should run on, extend them or raise their time budgets.',
  UnknownStatus:
    'A job has a status that this version does not know, so it is never cancelled. Find it with {"list": {}}, stop it at the provider if it should not run, and look for a newer version.',
  StuckCancelling:
    'A job was cancelled an hour ago or earlier and has not finished. Find it with {"list": {}} and cancel it at the provider, which may still charge for it, or ask its support.',
  FailedProjects:
    'A sweep could not read a project, so its jobs run without a limit. Read which and why in the log (saved query "failures"), and fix its key or URL.',
  Throttles:
    'Lambda refused an invocation. Raise the available concurrency of this account and region, or remove a reserved concurrency of 0 from the function.',
  DeadLetters:
    'A request failed for good. Read it in the dead-letter queue, send it again if it is still wanted, and delete it there.',
  NoSweep:
    'INSUFFICIENT_DATA here means that no sweep ended for three periods: jobs run without a limit. Enable the two rules in EventBridge, check that the concurrency of the function is not 0, and look at the other alarms.',
};

/**
 * Adds an alarm for each condition that needs attention.
 *
 * @param topics notified when an alarm starts or ends; may be empty.
 */
export function addAlarms(
  curfew: FineTuningCurfew,
  { name: deployment, sweepEveryMinutes, enabled }: CurfewSettings,
  crashes: MetricFilter,
  topics: readonly ITopic[],
): Alarm[] {
  const parent = new Construct(curfew, 'Alarms');
  const watch = (name: keyof typeof whatToDo, metric: IMetric, condition: Condition = onceInThree) => {
    const alarm = new Alarm(parent, name, {
      ...condition,
      metric,
      alarmName: `${deployment}-${name}`,
      alarmDescription: whatToDo[name],
    });
    for (const topic of topics) {
      alarm.addAlarmAction(new SnsAction(topic));
      alarm.addOkAction(new SnsAction(topic));
      if (condition === missing) alarm.addInsufficientDataAction(new SnsAction(topic));
    }
    return alarm;
  };
  const perSweep = { period: alarmPeriod(sweepEveryMinutes), statistic: Stats.SUM };
  const ours = (name: MetricName, options: MetricOptions = perSweep) => curfew.metric(name, options);
  const sum = { period, statistic: Stats.SUM };
  const sweeps = { period: Duration.minutes(sweepEveryMinutes), statistic: Stats.SAMPLE_COUNT };
  const ofQueue = { period, statistic: Stats.MAXIMUM };
  const deadLetters = curfew.deadLetters.metricApproximateNumberOfMessagesVisible(ofQueue);
  const alarms = [
    watch('Errors', ours('Errors', sum)),
    watch('Crashes', crashes.metric(sum)),
    watch('CancelFailures', ours('CancelFailures')),
    watch('IncompleteSweeps', ours('IncompleteSweeps')),
    watch('HeldBack', ours('HeldBack', { ...perSweep, statistic: Stats.MAXIMUM })),
    watch('UnknownStatus', ours('UnknownStatus')),
    watch('StuckCancelling', ours('StuckCancelling')),
    watch('FailedProjects', ours('FailedProjects')),
    watch('Throttles', curfew.function.metricThrottles(sum), once),
    watch('DeadLetters', deadLetters, once),
    ...(enabled ? [watch('NoSweep', ours('SweepDuration', sweeps), missing)] : []),
  ];
  // This has no effect on imported topics. The policy of a topic in another account's stack must name our account.
  const cloudWatch = new ServicePrincipal('cloudwatch.amazonaws.com', {
    conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(curfew).account } },
  });
  for (const topic of topics) topic.grantPublish(cloudWatch);
  return alarms;
}
