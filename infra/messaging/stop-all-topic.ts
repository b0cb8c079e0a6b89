import { isDeepStrictEqual } from 'node:util';
import { Stack, Token, TokenComparison } from 'aws-cdk-lib';
import { type Alarm, CfnAlarm } from 'aws-cdk-lib/aws-cloudwatch';
import { CfnTopic, type ITopic, Topic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import { knownToDiffer } from '../settings/regions.ts';

/**
 * Checks that a topic can be the one on which any message stops everything.
 *
 * @param topics those that get the alarms of this deployment.
 * @param deployment its name.
 * @param stack which the function and its dead letters are in.
 * @throws Error if it is one of them, one to which Lambda cannot subscribe, or of another region.
 */
export function checkStopAllTopic(
  topic: ITopic,
  topics: readonly ITopic[],
  deployment: string,
  { region }: Stack,
): void {
  const refuse = (why: string): never => {
    throw new Error(`The topic "${topic.node.path}" ${why}`);
  };
  if (topics.some((other) => mayBeSame(topic, other)))
    refuse(`gets the alarms of "${deployment}", each of which would stop every job: give "stopAllOn" another topic`);
  if (topic.fifo) refuse('is a FIFO topic, to which no function can subscribe: give "stopAllOn" a standard topic');
  if (knownToDiffer(topic.env.region, region))
    refuse(
      `is in ${topic.env.region}, but what SNS cannot deliver must go to a queue in its own region: give "stopAllOn" a topic in ${region}`,
    );
}

/**
 * Returns a topic as a function of ours can subscribe to it. CDK would make the function's stack depend on the topic's,
 * which a nested stack cannot do with its parent.
 */
export function subscribable(topic: ITopic, curfew: Construct): ITopic {
  const stack = Stack.of(curfew);
  if (stack.nestedStackParent === undefined || topic.stack === stack) return topic;
  return Topic.fromTopicArn(curfew, `StopAllOn${topic.node.addr}`, topic.topicArn);
}

/**
 * Finds alarms of this deployment that got a `stopAllOn` topic as an action of their own. Ask once the app is complete.
 *
 * @returns an error for each such alarm.
 */
export function alarmsThatStopAll(topicArns: readonly string[], alarms: readonly Alarm[]): string[] {
  return alarms.flatMap(({ node, stack }) => {
    if (!(node.defaultChild instanceof CfnAlarm)) return [];
    const { alarmActions, okActions, insufficientDataActions } = node.defaultChild;
    const actions = [alarmActions, okActions, insufficientDataActions].flatMap((arns) => stack.resolve(arns) ?? []);
    const stopsAll: unknown[] = stack.resolve(topicArns);
    if (!actions.some((action) => stopsAll.some((topic) => isDeepStrictEqual(topic, action)))) return [];
    return `The alarm "${node.path}" has an action on a topic of "stopAllOn", so it would stop every job: give it another topic`;
  });
}

/** One topic may come as a resource and as an ARN. What is not known at synth may be the same. */
function mayBeSame(one: ITopic, other: ITopic): boolean {
  if (one.topicArn === other.topicArn) return true;
  const [a, b] = [placeOf(one), placeOf(other)];
  return (
    Token.compareStrings(a.name, b.name) === TokenComparison.SAME &&
    !knownToDiffer(a.region, b.region) &&
    !knownToDiffer(a.account, b.account)
  );
}

function placeOf(topic: ITopic): { name: string; region: string; account: string } {
  const resource = topic.node.defaultChild;
  if (resource instanceof CfnTopic) return { name: resource.topicName ?? topic.topicName, ...topic.env };
  // CDK's own way to split an ARN with tokens forgets what is no token in it.
  const [, , , region = '', account = '', name = topic.topicName] = topic.topicArn.split(':');
  return { name, region, account };
}
