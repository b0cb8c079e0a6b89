import { Duration } from 'aws-cdk-lib';
import { Rule, RuleTargetInput, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { SweepRequest } from '../lambda/request.ts';

const minutesPerDay = 1440;

export interface SweepScheduleProps {
  function: IFunction;
  everyMinutes: number;
  timeBudgetMinutes: number;
  lookbackDays: number;
  dryRun: boolean;
  deadLetters: IQueue;
}

/**
 * Two rules: the frequent one looks back a bounded number of days, so that its cost does not grow with history;
 * the daily one looks at everything, so that no old job is missed. Each states in full what its sweep does.
 */
export class SweepSchedule extends Construct {
  constructor(scope: Construct, id: string, props: SweepScheduleProps) {
    super(scope, id);
    const { timeBudgetMinutes, lookbackDays, dryRun } = props;

    const rule = (
      id: string,
      description: string,
      sweep: { schedule: Schedule; lookbackDays: number; usefulFor: Duration },
    ) => {
      const request: SweepRequest = {
        sweep: { timeBudgetMinutes, dryRun, lookbackDays: sweep.lookbackDays },
      };
      const target = new LambdaFunction(props.function, {
        event: RuleTargetInput.fromObject(request),
        // These are about handing the request over, as when Lambda throttles. Once the next sweep is due, this one is
        // of no use.
        retryAttempts: 2,
        maxEventAge: sweep.usefulFor,
        deadLetterQueue: props.deadLetters,
      });
      return new Rule(this, id, { description, schedule: sweep.schedule, targets: [target] });
    };

    rule('Frequent', 'Stops fine-tuning jobs past their time budget', {
      schedule: Schedule.rate(Duration.minutes(props.everyMinutes)),
      lookbackDays,
      // EventBridge keeps an event for a day at most.
      usefulFor: Duration.minutes(Math.min(props.everyMinutes, minutesPerDay)),
    });
    rule('Daily', 'The same for jobs of any age, once a day', {
      schedule: Schedule.cron({ hour: '3', minute: '17' }),
      lookbackDays: 0,
      usefulFor: Duration.minutes(minutesPerDay),
    });
  }
}
