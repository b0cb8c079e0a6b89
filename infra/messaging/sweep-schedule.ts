import { Duration } from 'aws-cdk-lib';
import { Rule, RuleTargetInput, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { Alias, type Function as CdkFunction, type IFunction } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import type { CurfewSettings } from '../settings/settings.ts';

/** The daily sweep must survive an hour of throttling. */
const minUsefulMinutes = 60;
/** The longest that Lambda keeps an asynchronous invocation. */
const maxUsefulMinutes = 360;

/**
 * Adds two rules. The frequent one looks back a limited number of days, so its cost does not grow with history. The daily
 * one looks at everything, so no old job is missed.
 *
 * They call the function by an alias without retries and dead letters: the next sweep comes anyway, and failed sweeps
 * must not hide a lost cancel in the dead-letter queue.
 */
export function addSweeps(scope: Construct, target: CdkFunction, { sweepEveryMinutes, enabled }: CurfewSettings): void {
  const sweeps = new Construct(scope, 'Sweeps');
  // Once the next sweep is due, this one is of little use, but harmless.
  const maxEventAge = Duration.minutes(Math.min(Math.max(sweepEveryMinutes, minUsefulMinutes), maxUsefulMinutes));
  const withoutRetries = { retryAttempts: 0, maxEventAge };
  // The cast is safe: CDK's types do not support exactOptionalPropertyTypes.
  const sweeper = new Alias(sweeps, 'Alias', {
    aliasName: 'sweeps',
    description: 'Called by the rules. Sweeps are not retried: the next one comes anyway',
    // A published version would keep the settings from when it was published.
    version: target.latestVersion,
    ...withoutRetries,
  }) as IFunction;
  const addRule = (id: string, description: string, schedule: Schedule, sweep: { lookbackDays?: number }) => {
    const event = RuleTargetInput.fromObject({ sweep, requestedBy: 'rule' });
    const targets = [new LambdaFunction(sweeper, { event, ...withoutRetries })];
    new Rule(sweeps, id, { description, schedule, enabled, targets });
  };
  const frequently = Schedule.rate(Duration.minutes(sweepEveryMinutes));
  addRule('Frequent', 'Stops fine-tuning jobs past their time budget', frequently, {});
  const daily = Schedule.cron({ hour: '3', minute: '17' });
  addRule('Daily', 'Stops jobs of any age past their time budget, once a day', daily, { lookbackDays: 0 });
}
