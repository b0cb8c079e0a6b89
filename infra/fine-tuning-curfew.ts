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
 * Fine-tuning curfew for any CDK app: the function that stops fine-tuning jobs past their time budget, with its rules,
 * table, alarms, dashboard and dead letters.
 */
export class FineTuningCurfew extends Construct {
  /** The function, for use as the target of rules, subscriptions and state machines. */
  readonly function: LambdaFunction;
  /** Its log. */
  readonly logGroup: ILogGroup;
  /** Keeps extensions, and what was already published. */
  readonly table: Table;
  /** Collects asynchronous requests that failed after all retries. */
  readonly deadLetters: Queue;
  /** All alarms of this deployment, to add actions beyond `topic`. */
  readonly alarms: readonly Alarm[];
  /** Gets cancellations, warnings and alarms: the topic behind `notifyEmail`, else the one that was given, if any. */
  readonly topic: ITopic | undefined;
  /** Shows jobs in progress, overdue and cancelled, and failures. */
  readonly dashboard: Dashboard;
  readonly #name: string;
  readonly #topics: readonly ITopic[];
  readonly #stopAllTopics: string[] = [];

  /** @throws Error naming each invalid prop, with the allowed values. */
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

  /** Returns a metric that the function of this deployment writes. */
  metric(metricName: MetricName, options: MetricOptions = {}): Metric {
    const dimensionsMap = { service: this.#name };
    return new Metric({ namespace: metricsNamespace, metricName, dimensionsMap, ...options });
  }

  /** Jobs cancelled, by sweeps or on request; by default the sum over five minutes. */
  metricCancelled(options?: MetricOptions): Metric {
    return this.metric('Cancelled', { statistic: Stats.SUM, ...options });
  }

  /** Jobs past their deadline that a sweep found; by default the maximum over five minutes. */
  metricOverdue(options?: MetricOptions): Metric {
    return this.metric('Overdue', { statistic: Stats.MAXIMUM, ...options });
  }

  /** Jobs in progress that a sweep found; by default the maximum over five minutes. */
  metricInProgress(options?: MetricOptions): Metric {
    return this.metric('InProgress', { statistic: Stats.MAXIMUM, ...options });
  }

  /** Overdue jobs that a sweep left alone because of the cancel limit; by default the maximum over five minutes. */
  metricHeldBack(options?: MetricOptions): Metric {
    return this.metric('HeldBack', { statistic: Stats.MAXIMUM, ...options });
  }

  /** Failed requests, except for invalid ones and unknown jobs; by default the sum over five minutes. */
  metricErrors(options?: MetricOptions): Metric {
    return this.metric('Errors', { statistic: Stats.SUM, ...options });
  }

  /** Lets `grantee` invoke the function: a state machine, a role for schedules, another function. */
  grantInvoke(grantee: IGrantable): Grant {
    return this.function.grantInvoke(grantee);
  }

  /**
   * Handles the requests in a queue. Only failed messages return to it, so give the queue a dead-letter queue; a queue
   * of this app without one causes a warning.
   *
   * @throws Error if it is in another region, or its visibility timeout is less than 16 minutes: a request could then be
   * handled twice at once.
   */
  handleRequestsFrom(queue: IQueue): void {
    checkRequestQueue(queue, this);
    this.function.addEventSource(new SqsEventSource(queue, { reportBatchItemFailures: true }));
  }

  /**
   * Stops every fine-tuning job in progress whenever anything is published on this topic. Its policy must allow the
   * publisher, for instance with `grantPublish`.
   *
   * @throws Error if it gets this deployment's alarms, any of which would stop everything, is a FIFO topic, or is in
   * another region. Synth fails if one of these alarms has it as an action.
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
