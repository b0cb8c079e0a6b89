import { RemovalPolicy, Stack, Token } from 'aws-cdk-lib';
import { EventField, type IEventBus, Rule, RuleTargetInput } from 'aws-cdk-lib/aws-events';
import { SnsTopic } from 'aws-cdk-lib/aws-events-targets';
import { Key } from 'aws-cdk-lib/aws-kms';
import { type ITopic, Subscription, SubscriptionProtocol, Topic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { eventSource, eventTypes } from '../../lambda/names.ts';
import { knownToDiffer } from '../settings/regions.ts';

/** Adds an encrypted topic that mails what is published there. */
export function addMailTopic(scope: Construct, deployment: string, email: string): Topic {
  // Our own key, because CloudWatch and EventBridge may not use the one that AWS manages for SNS.
  const masterKey = new Key(scope, 'MailKey', {
    description: `Encrypts the mails of ${deployment}`,
    enableKeyRotation: true,
    // What it encrypts is in transit only.
    removalPolicy: RemovalPolicy.DESTROY,
  });
  const topic = new Topic(scope, 'Mail', { masterKey, enforceSSL: true, displayName: deployment });
  new Subscription(topic, Token.isUnresolved(email) ? 'Email' : email, {
    topic,
    protocol: SubscriptionProtocol.EMAIL,
    endpoint: email,
  });
  return topic;
}

/**
 * Publishes to topics, as a sentence each, what was cancelled and what is near its time budget.
 *
 * @param eventBus the default one of the account if undefined.
 * @throws Error if it is elsewhere: rules are where their bus is, which must be where this stack is.
 */
export function addEventMail(
  scope: Construct,
  deployment: string,
  topics: readonly ITopic[],
  eventBus: IEventBus | undefined,
): void {
  const { account, region } = Stack.of(scope);
  if (eventBus && (knownToDiffer(eventBus.env.account, account) || knownToDiffer(eventBus.env.region, region))) {
    throw new Error(
      'prop "eventBus" is a bus of another account or region, on which this stack can have no rule for mails: ' +
        'leave out "notifyEmail", "notifyTopicArn" and "topic", make a rule where the bus is, and give "alarms" their actions yourself',
    );
  }
  const message = RuleTargetInput.fromText(EventField.fromPath('$.detail.summary'));
  new Rule(new Construct(scope, 'EventMail'), 'Rule', {
    description: 'Mails what was cancelled, and what is near its time budget',
    ...(eventBus && { eventBus }),
    eventPattern: {
      source: [eventSource],
      detailType: [eventTypes.cancelled, eventTypes.near],
      detail: { curfew: [deployment] },
    },
    // Each target lets EventBridge publish, on a topic of this app. That has no condition, since EventBridge supports none
    // in policies of topics and their keys: with one, every mail would be lost.
    targets: topics.map((topic) => new SnsTopic(topic, { message })),
  });
}
