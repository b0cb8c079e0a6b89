import { Annotations, Stack } from 'aws-cdk-lib';
import { Alias, CfnKey } from 'aws-cdk-lib/aws-kms';
import { CfnTopic, type ITopic } from 'aws-cdk-lib/aws-sns';
import type { IConstruct } from 'constructs';
import { knownToDiffer } from '../settings/regions.ts';

/**
 * Checks that alarms and the rule for mails can publish on a topic.
 *
 * @param prop that the topic comes from.
 * @param curfew the construct with the alarms and the rule. Gets a warning if the topic's key is not part of this app.
 * @throws Error naming the prop, if the topic is FIFO, in another region, imported from another account, or encrypted
 * with the AWS managed key for SNS.
 */
export function checkNotifyTopic(topic: ITopic, prop: 'topic' | 'notifyTopicArn', curfew: IConstruct): void {
  const stack = Stack.of(curfew);
  const refuse = (why: string): never => {
    throw new Error(`prop "${prop}" is ${why}`);
  };
  const { region, account } = topic.env;
  const resource = topic.node.defaultChild;
  if (topic.fifo) refuse('a FIFO topic, on which EventBridge cannot publish: give a standard topic');
  if (knownToDiffer(region, stack.region))
    refuse(`in ${region}, but alarms publish only in their own region: give a topic in ${stack.region}`);
  // For a topic of the same app, CDK forwards the events to its account.
  if (!(resource instanceof CfnTopic) && knownToDiffer(account, stack.account))
    refuse(`in account ${account}, but a rule publishes only in its own: give a topic in ${stack.account}`);
  const key = resource instanceof CfnTopic ? resource.kmsMasterKeyId : undefined;
  if (key === undefined) return;
  if (key.endsWith('alias/aws/sns'))
    refuse(
      'encrypted with the key that AWS manages for SNS, which neither CloudWatch nor EventBridge may use: ' +
        'give the topic a key of your own',
    );
  // For a key of this app, CDK updates the policy when it grants publishing.
  const masterKey = topic.masterKey instanceof Alias ? topic.masterKey.aliasTargetKey : topic.masterKey;
  if (masterKey?.node.defaultChild instanceof CfnKey) return;
  Annotations.of(curfew).addWarningV2(
    'fine-tuning-curfew:topicKey',
    `The key of the topic "${topic.node.path}" is not part of this app: its policy must allow kms:Decrypt and kms:GenerateDataKey* ` +
      'to cloudwatch.amazonaws.com and events.amazonaws.com, or no alarms and mails get through',
  );
}
