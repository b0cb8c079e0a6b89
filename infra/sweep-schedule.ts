import { Duration } from 'aws-cdk-lib';
import { Rule, RuleTargetInput, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import type { SweepRequest } from '../lambda/request.ts';

export interface SweepScheduleProps {
  function: IFunction;
  everyMinutes: number;
  timeBudgetMinutes: number;
  lookbackDays: number;
  dryRun: boolean;
}

/**
 * Two rules: the frequent one looks back a bounded number of days, so that its cost does not grow with history;
 * the daily one looks at everything, so that no old job is missed. Each states in full what its sweep does.
 */
export class SweepSchedule extends Construct {
  constructor(scope: Construct, id: string, props: SweepScheduleProps) {
    super(scope, id);
    const { timeBudgetMinutes, lookbackDays, dryRun } = props;

    const rule = (ruleId: string, description: string, schedule: Schedule, lookback: number) => {
      const request: SweepRequest = { sweep: { timeBudgetMinutes, dryRun, lookbackDays: lookback } };
      const target = new LambdaFunction(props.function, { event: RuleTargetInput.fromObject(request) });
      return new Rule(this, ruleId, { description, schedule, targets: [target] });
    };

    rule(
      'Frequent',
      'Stops fine-tuning jobs past their time budget',
      Schedule.rate(Duration.minutes(props.everyMinutes)),
      lookbackDays,
    );
    rule('Daily', 'The same for jobs of any age, once a day', Schedule.cron({ hour: '3', minute: '17' }), 0);
  }
}
