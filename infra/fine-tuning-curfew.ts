import type { Dashboard } from 'aws-cdk-lib/aws-cloudwatch';
import type { Grant, IGrantable } from 'aws-cdk-lib/aws-iam';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import type { NodejsFunction } from 'aws-cdk-lib/aws-lambda-nodejs';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { LambdaSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import type { IQueue, Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { environmentNames } from '../lambda/settings.ts';
import { Alarms } from './alarms.ts';
import { type CurfewContext, defaults } from './context.ts';
import { CurfewFunction } from './curfew-function.ts';
import { curfewDashboard } from './dashboard.ts';
import { deadLetterQueue } from './dead-letters.ts';
import { mailTopic } from './notifications.ts';
import { SavedQueries } from './saved-queries.ts';
import { SweepSchedule } from './sweep-schedule.ts';

/** Every setting of the README's table; what is left out has the default that stands there. */
export interface FineTuningCurfewProps extends Partial<CurfewContext> {
  /** False leaves out the saved queries, which the AWS emulator cannot create. */
  savedQueries?: boolean;
}

/** Fine-tuning curfew as a part of any CDK app: the function, its rules, alarms, dashboard and dead letters. */
export class FineTuningCurfew extends Construct {
  readonly function: NodejsFunction;
  readonly deadLetters: Queue;
  readonly dashboard: Dashboard;
  readonly #stopAllTopics: string[] = [];

  constructor(scope: Construct, id: string, props: FineTuningCurfewProps = {}) {
    super(scope, id);
    const settings: CurfewContext = { ...defaults, ...props };

    this.deadLetters = deadLetterQueue(this);
    const curfew = new CurfewFunction(this, 'Curfew', settings, this.deadLetters);
    this.function = curfew.function;
    new SweepSchedule(this, 'Sweeps', {
      ...settings,
      function: this.function,
      everyMinutes: settings.sweepEveryMinutes,
      deadLetters: this.deadLetters,
    });
    new Alarms(this, 'Alarms', {
      ...settings,
      function: this.function,
      deadLetters: this.deadLetters,
      topic: settings.notifyEmail === undefined ? undefined : mailTopic(this, settings.notifyEmail),
    });
    this.dashboard = curfewDashboard(this, this.function, curfew.logGroup);
    if (props.savedQueries ?? true) new SavedQueries(this, 'Queries', curfew.logGroup);
  }

  /** Lets `grantee` invoke the function: a state machine, a role for schedules, another function. */
  grantInvoke(grantee: IGrantable): Grant {
    return this.function.grantInvoke(grantee);
  }

  /**
   * Handles the requests in a queue. Only messages that failed come back, so give the queue a dead-letter queue, and a
   * visibility timeout of no less than the function's timeout, which is five minutes.
   */
  handleRequestsFrom(queue: IQueue): void {
    this.function.addEventSource(new SqsEventSource(queue, { reportBatchItemFailures: true }));
  }

  /** Whatever is said on this topic means that every fine-tuning job in progress has to stop. */
  stopAllOn(topic: ITopic): void {
    topic.addSubscription(new LambdaSubscription(this.function, { deadLetterQueue: this.deadLetters }));
    this.#stopAllTopics.push(topic.topicArn);
    this.function.addEnvironment(environmentNames.stopAllTopics, this.#stopAllTopics.join(','));
  }
}
