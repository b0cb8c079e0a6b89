import { EventField, Rule, RuleTargetInput } from 'aws-cdk-lib/aws-events';
import { SnsTopic } from 'aws-cdk-lib/aws-events-targets';
import { ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import type { Construct } from 'constructs';
import { cancelledEvent, eventSource } from '../lambda/names.ts';

/**
 * A topic that mails every cancellation, as a sentence, and every alarm, encrypted.
 *
 * The key is our own, because CloudWatch and EventBridge may not use the one that AWS manages for SNS.
 */
export function mailTopic(scope: Construct, email: string): Topic {
  const masterKey = new Key(scope, 'MailKey', {
    description: 'Encrypts the mails of fine-tuning curfew',
    enableKeyRotation: true,
  });
  for (const service of ['cloudwatch', 'events']) {
    masterKey.grantEncryptDecrypt(new ServicePrincipal(`${service}.amazonaws.com`));
  }
  const topic = new Topic(scope, 'Mail', { masterKey, enforceSSL: true, displayName: 'Fine-tuning curfew' });
  topic.addSubscription(new EmailSubscription(email));
  new Rule(scope, 'MailCancellations', {
    description: 'Mails every cancellation of a fine-tuning job',
    eventPattern: { source: [eventSource], detailType: [cancelledEvent] },
    targets: [
      new SnsTopic(topic, { message: RuleTargetInput.fromText(EventField.fromPath('$.detail.summary')) }),
    ],
  });
  return topic;
}
