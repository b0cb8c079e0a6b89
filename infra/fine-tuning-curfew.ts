import { Stack } from 'aws-cdk-lib';
import { type Alarm, type Dashboard, Metric, type MetricOptions, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import type { Grant, IGrantable } from 'aws-cdk-lib/aws-iam';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import { type ITopic, Topic } from 'aws-cdk-lib/aws-sns';
import { LambdaSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import type { IQueue, Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { type MetricName, metricsNamespace } from '../lambda/names.ts';
import { addFunction } from './function/function.ts';
import { withAccessTo } from './function/secret.ts';
import { addDeadLetterQueue, addStateTable } from './function/stores.ts';
import { addEventMail, addMailTopic } from './messaging/mail.ts';
import { checkNotifyTopic } from './messaging/notify-topic.ts';
import { checkRequestQueue } from './messaging/request-queue.ts';
import { alarmsThatStopAll, checkStopAllTopic, subscribable } from './messaging/stop-all-topic.ts';
import { addSweeps } from './messaging/sweep-schedule.ts';
import { addAlarms } from './monitoring/alarms.ts';
import { addDashboard } from './monitoring/dashboard.ts';
import { addCrashFilter, addSavedQueries } from './monitoring/logs.ts';
import type { FineTuningCurfewProps } from './props.ts';
import { checkedProps } from './settings/checked-props.ts';
import { addProjectParameters, projectsOf } from './settings/projects.ts';

/**
 * Fine-tuning curfew as a part of any CDK app: the function that stops fine-tuning jobs past their time budget, with its
 * rules, table, alarms, dashboard and dead letters.
 */
export class FineTuningCurfew extends Construct {
  /** The function, to be the target of rules, subscriptions and state machines. */
  readonly function: LambdaFunction;
  /** Its log. */
  readonly logGroup: ILogGroup;
  /** Where extensions are kept, and what was published already. */
  readonly table: Table;
  /** Where asynchronous requests end that failed for good. */
  readonly deadLetters: Queue;
  /** All alarms of this deployment, for more actions than those of `topic`. */
  readonly alarms: readonly Alarm[];
  /** Who gets cancellations, warnings and alarms: the topic behind `notifyEmail`, else the one that was given, if any. */
  readonly topic: ITopic | undefined;
  /** What is in progress, overdue and cancelled, and what failed. */
  readonly dashboard: Dashboard;
  readonly #name: string;
  readonly #topics: readonly ITopic[];
  readonly #stopAllTopics: string[] = [];

  /** @throws Error naming each prop that is wrong, and what is allowed there. */
  constructor(scope: Construct, id: string, props: FineTuningCurfewProps = {}) {
    super(scope, id);
    const stack = Stack.of(this);
    const { secret } = props;
    const settings = checkedProps(props, stack);
    const projects = projectsOf(settings, stack.region);
    const { name, notifyEmail, notifyTopicArn } = settings;
    this.#name = name;

    this.deadLetters = addDeadLetterQueue(this);
    this.table = addStateTable(this);
    const { fn, logGroup } = addFunction(this, {
      settings,
      projects: secret ? withAccessTo(secret, projects, stack) : projects,
      parameters: addProjectParameters(this, settings),
      table: this.table,
      deadLetters: this.deadLetters,
      eventBus: props.eventBus,
      stopAllTopics: this.#stopAllTopics,
      network: {
        ...(props.vpc && { vpc: props.vpc }),
        ...(props.vpcSubnets && { vpcSubnets: props.vpcSubnets }),
        ...(props.securityGroups && { securityGroups: props.securityGroups }),
      },
    });
    this.function = fn;
    this.logGroup = logGroup;
    addSweeps(this, fn, settings);

    const mail = notifyEmail === undefined ? undefined : addMailTopic(this, name, notifyEmail);
    const given = notifyTopicArn === undefined ? props.topic : Topic.fromTopicArn(this, 'NotifyTopic', notifyTopicArn);
    if (given) checkNotifyTopic(given, notifyTopicArn === undefined ? 'topic' : 'notifyTopicArn', this);
    const topics = [mail, given].filter((topic) => topic !== undefined);
    this.#topics = topics;
    this.topic = topics[0];
    if (this.topic) addEventMail(this, name, topics, props.eventBus);

    const crashes = addCrashFilter(this, name, logGroup);
    const alarms = addAlarms(this, settings, crashes, topics);
    this.alarms = alarms;
    this.dashboard = addDashboard(this, name, crashes);
    if (props.savedQueries ?? true) addSavedQueries(this, name, logGroup);
    this.node.addValidation({ validate: () => alarmsThatStopAll(this.#stopAllTopics, alarms) });
  }

  /** One of the metrics that the function writes, of this deployment. */
  metric(metricName: MetricName, options: MetricOptions = {}): Metric {
    const dimensionsMap = { service: this.#name };
    return new Metric({ namespace: metricsNamespace, metricName, dimensionsMap, ...options });
  }

  /** How many jobs were cancelled, by sweeps or on request; by default in five minutes. */
  metricCancelled(options?: MetricOptions): Metric {
    return this.metric('Cancelled', { statistic: Stats.SUM, ...options });
  }

  /** How many jobs past their deadline a sweep found at most; by default in five minutes. */
  metricOverdue(options?: MetricOptions): Metric {
    return this.metric('Overdue', { statistic: Stats.MAXIMUM, ...options });
  }

  /** How many jobs in progress a sweep found at most; by default in five minutes. */
  metricInProgress(options?: MetricOptions): Metric {
    return this.metric('InProgress', { statistic: Stats.MAXIMUM, ...options });
  }

  /** How many overdue jobs a sweep left at most, because there were more than the cancel limit; by default in five minutes. */
  metricHeldBack(options?: MetricOptions): Metric {
    return this.metric('HeldBack', { statistic: Stats.MAXIMUM, ...options });
  }

  /** How many requests failed, not counting invalid requests and unknown jobs; by default in five minutes. */
  metricErrors(options?: MetricOptions): Metric {
    return this.metric('Errors', { statistic: Stats.SUM, ...options });
  }

  /** Lets `grantee` invoke the function: a state machine, a role for schedules, another function. */
  grantInvoke(grantee: IGrantable): Grant {
    return this.function.grantInvoke(grantee);
  }

  /**
   * Handles the requests in a queue. Only messages that failed come back, so give the queue a dead-letter queue: a
   * queue of this app without one is a warning.
   *
   * @throws Error if it is in another region, or hides messages for less than 16 minutes: a second handling could begin
   * before the first ended.
   */
  handleRequestsFrom(queue: IQueue): void {
    checkRequestQueue(queue, this);
    this.function.addEventSource(new SqsEventSource(queue, { reportBatchItemFailures: true }));
  }

  /**
   * Whatever is published on this topic means that every fine-tuning job in progress has to stop. Its policy must let
   * the publisher in: a topic of CDK does with `grantPublish`.
   *
   * @throws Error if it gets this deployment's alarms, any of which would stop everything, is a FIFO topic, or in another
   * region. An alarm that gets it as an action of its own fails synth.
   */
  stopAllOn(topic: ITopic): void {
    checkStopAllTopic(topic, this.#topics, this.#name, Stack.of(this));
    if (this.#stopAllTopics.includes(topic.topicArn)) return;
    subscribable(topic, this).addSubscription(
      new LambdaSubscription(this.function, { deadLetterQueue: this.deadLetters }),
    );
    this.#stopAllTopics.push(topic.topicArn);
  }
}
