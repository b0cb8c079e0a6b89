import type { Stack } from 'aws-cdk-lib';
import { CfnTopic, type ITopic } from 'aws-cdk-lib/aws-sns';
import { knownToDiffer } from '../settings/regions.ts';

/**
 * Checks that alarms and the rule for mails can publish on a topic.
 *
 * @param prop that gave it.
 * @param stack that the alarms and the rule are in.
 * @throws Error naming the prop, if it is a FIFO topic, in another region, or imported from another account.
 */
export function checkNotifyTopic(topic: ITopic, prop: 'topic' | 'notifyTopicArn', stack: Stack): void {
  if (topic.fifo) {
    throw new Error(
      `prop "${prop}" is a FIFO topic, on which EventBridge cannot publish: give a standard topic`,
    );
  }
  const { region, account } = topic.env;
  if (knownToDiffer(region, stack.region)) {
    throw new Error(
      `prop "${prop}" is in ${region}, but alarms publish only in their own region: give a topic in ${stack.region}`,
    );
  }
  // For a topic of the same app CDK forwards the events to its account.
  const isOfApp = topic.node.defaultChild instanceof CfnTopic;
  if (!isOfApp && knownToDiffer(account, stack.account)) {
    throw new Error(
      `prop "${prop}" is in account ${account}, but a rule publishes only in its own: give a topic in ${stack.account}`,
    );
  }
}
