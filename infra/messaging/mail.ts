import { RemovalPolicy, Stack, Token } from 'aws-cdk-lib';
import { EventField, type IEventBus, Rule, RuleTargetInput } from 'aws-cdk-lib/aws-events';
import { SnsTopic } from 'aws-cdk-lib/aws-events-targets';
import { Key } from 'aws-cdk-lib/aws-kms';
import { type ITopic, Subscription, SubscriptionProtocol, Topic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { eventSource, eventTypes } from '../../lambda/names.ts';
import { knownToDiffer } from '../settings/regions.ts';

/** Adds an encrypted topic that mails its messages. */
export function addMailTopic(scope: Construct, deployment: string, email: string): Topic {
  // Our own key, because CloudWatch and EventBridge cannot use the AWS managed key for SNS.
  const masterKey = new Key(scope, 'MailKey', {
    description: `Encrypts the mails of ${deployment}`,
    enableKeyRotation: true,
    // It only encrypts data in transit.
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
 * Publishes each cancellation and warning to topics, as one sentence.
 *
 * @param eventBus undefined for the default bus of the account.
 * @throws Error if the bus is in another account or region: a rule must be with its bus, and so with this stack.
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
      'prop "eventBus" is a bus of another account or region, where this stack cannot create a rule for mails: ' +
        'leave out "notifyEmail", "notifyTopicArn" and "topic", create a rule next to the bus, and add actions to "alarms" yourself',
    );
  }
  const message = RuleTargetInput.fromText(EventField.fromPath('$.detail.summary'));
  new Rule(new Construct(scope, 'EventMail'), 'Rule', {
    description: 'Mails cancellations and warnings',
    ...(eventBus && { eventBus }),
    eventPattern: {
      source: [eventSource],
      detailType: [eventTypes.cancelled, eventTypes.near],
      detail: { curfew: [deployment] },
    },
    // Each target allows EventBridge to publish on a topic of this app, without a condition: EventBridge supports none in
    // the policies of topics and keys, so every mail would be lost.
    targets: topics.map((topic) => new SnsTopic(topic, { message })),
  });
}
