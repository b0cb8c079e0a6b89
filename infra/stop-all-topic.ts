import { Token, TokenComparison } from 'aws-cdk-lib';
import { CfnTopic, type ITopic } from 'aws-cdk-lib/aws-sns';

/**
 * Checks that a topic can be the one on which any message stops everything.
 *
 * @param topics those that get the alarms of this deployment.
 * @param deployment its name.
 * @throws Error if it is one of them, or one to which Lambda cannot subscribe.
 */
export function checkStopAllTopic(topic: ITopic, topics: readonly ITopic[], deployment: string): void {
  if (topics.some((other) => mayBeSame(topic, other))) {
    throw new Error(
      `The topic "${topic.node.path}" gets the alarms of "${deployment}", each of which would stop every job: give "stopAllOn" another topic`,
    );
  }
  if (topic.fifo) {
    throw new Error(
      `The topic "${topic.node.path}" is a FIFO topic, to which no function can subscribe: give "stopAllOn" a standard topic`,
    );
  }
}

/** One topic may come as a resource and as an ARN. What is not known at synth may be the same. */
function mayBeSame(one: ITopic, other: ITopic): boolean {
  if (one.topicArn === other.topicArn) return true;
  const [a, b] = [placeOf(one), placeOf(other)];
  return (
    Token.compareStrings(a.name, b.name) === TokenComparison.SAME &&
    Token.compareStrings(a.region, b.region) !== TokenComparison.DIFFERENT &&
    Token.compareStrings(a.account, b.account) !== TokenComparison.DIFFERENT
  );
}

function placeOf(topic: ITopic): { name: string; region: string; account: string } {
  const resource = topic.node.defaultChild;
  if (resource instanceof CfnTopic) return { name: resource.topicName ?? topic.topicName, ...topic.env };
  // CDK's own way to split an ARN with tokens forgets what is no token in it.
  const [, , , region = '', account = '', name = topic.topicName] = topic.topicArn.split(':');
  return { name, region, account };
}
