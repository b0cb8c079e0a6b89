import { RemovalPolicy, Stack, Token } from 'aws-cdk-lib';
import { EventField, type IEventBus, Rule, RuleTargetInput } from 'aws-cdk-lib/aws-events';
import { SnsTopic } from 'aws-cdk-lib/aws-events-targets';
import { Key } from 'aws-cdk-lib/aws-kms';
import { type ITopic, Subscription, SubscriptionProtocol, Topic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { eventSource, eventTypes } from '../../lambda/names.ts';
import { knownToDiffer } from '../settings/regions.ts';

export interface MailTopicProps {
  /** Of the deployment. */
  name: string;
  email: string;
}

/** An encrypted topic that mails what is published there. */
export class MailTopic extends Topic {
  constructor(scope: Construct, id: string, { name, email }: MailTopicProps) {
    // Our own key, because CloudWatch and EventBridge may not use the one that AWS manages for SNS.
    const masterKey = new Key(scope, `${id}Key`, {
      description: `Encrypts the mails of ${name}`,
      enableKeyRotation: true,
      // What it encrypts is in transit only.
      removalPolicy: RemovalPolicy.DESTROY,
    });
    super(scope, id, { masterKey, enforceSSL: true, displayName: name });
    new Subscription(this, Token.isUnresolved(email) ? 'Email' : email, {
      topic: this,
      protocol: SubscriptionProtocol.EMAIL,
      endpoint: email,
    });
  }
}

export interface EventMailProps {
  /** Of the deployment. */
  name: string;
  topics: readonly ITopic[];
  /** The default one of the account if undefined. */
  eventBus: IEventBus | undefined;
}

/** Publishes to topics, as a sentence each, what was cancelled and what is near its time budget. */
export class EventMail extends Construct {
  constructor(scope: Construct, id: string, { name, topics, eventBus }: EventMailProps) {
    super(scope, id);
    if (eventBus) checkBus(eventBus, Stack.of(this));
    const message = RuleTargetInput.fromText(EventField.fromPath('$.detail.summary'));
    new Rule(this, 'Rule', {
      description: 'Mails what was cancelled, and what is near its time budget',
      ...(eventBus && { eventBus }),
      eventPattern: {
        source: [eventSource],
        detailType: [eventTypes.cancelled, eventTypes.near],
        detail: { curfew: [name] },
      },
      // Each target lets EventBridge publish, on a topic of this app. That has no condition, since EventBridge supports none
      // in policies of topics and their keys: with one, every mail would be lost.
      targets: topics.map((topic) => new SnsTopic(topic, { message })),
    });
  }
}

/** Rules are where their bus is, which must be where this stack is. */
function checkBus({ env }: IEventBus, { account, region }: Stack): void {
  if (!knownToDiffer(env.account, account) && !knownToDiffer(env.region, region)) return;
  throw new Error(
    'prop "eventBus" is a bus of another account or region, on which this stack can have no rule for mails: ' +
      'leave out "notifyEmail", "notifyTopicArn" and "topic", make a rule where the bus is, and give "alarms" their actions yourself',
  );
}
