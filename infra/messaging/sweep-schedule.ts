import { Duration } from 'aws-cdk-lib';
import { Rule, RuleTargetInput, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { Alias, type Function as CdkFunction, type IFunction } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';

/** The daily sweep must outlive an hour in which the function is throttled. */
const leastUsefulMinutes = 60;
/** How long Lambda keeps an asynchronous invocation at most. */
const longestInLambdaMinutes = 360;

export interface SweepScheduleProps {
  function: CdkFunction;
  everyMinutes: number;
  /** False switches the rules off. */
  enabled: boolean;
}

/**
 * Two rules: the frequent one looks back a bounded number of days, so its cost does not grow with history; the daily
 * one looks at everything, so no old job is missed.
 *
 * They call the function by an alias, which is without retries and dead letters: the next sweep comes anyway, and a
 * failed one must not hide a cancel that was really lost.
 */
export class SweepSchedule extends Construct {
  constructor(scope: Construct, id: string, props: SweepScheduleProps) {
    super(scope, id);
    // Once the next sweep is due, this one is of little use. It does no harm either.
    const usefulMinutes = Math.min(Math.max(props.everyMinutes, leastUsefulMinutes), longestInLambdaMinutes);
    const alias = new Alias(this, 'Alias', {
      aliasName: 'sweeps',
      description: 'What the rules call: sweeps are not retried, since the next one comes',
      // A published version would keep the settings of the day on which it was published.
      version: props.function.latestVersion,
      retryAttempts: 0,
      maxEventAge: Duration.minutes(usefulMinutes),
    });

    // The same thing: CDK's types do not go with exactOptionalPropertyTypes.
    const sweeper = alias as IFunction;
    const rule = (id: string, description: string, schedule: Schedule, sweep: { lookbackDays?: number }) => {
      const target = new LambdaFunction(sweeper, {
        event: RuleTargetInput.fromObject({ sweep, requestedBy: 'rule' }),
        retryAttempts: 0,
        maxEventAge: Duration.minutes(usefulMinutes),
      });
      return new Rule(this, id, { description, schedule, enabled: props.enabled, targets: [target] });
    };
    const frequently = Schedule.rate(Duration.minutes(props.everyMinutes));
    rule('Frequent', 'Stops fine-tuning jobs past their time budget', frequently, {});
    const daily = Schedule.cron({ hour: '3', minute: '17' });
    rule('Daily', 'The same for jobs of any age, once a day', daily, { lookbackDays: 0 });
  }
}
