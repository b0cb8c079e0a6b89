import { isDeepStrictEqual } from 'node:util';
import { Stack, Token, TokenComparison } from 'aws-cdk-lib';
import { type Alarm, CfnAlarm } from 'aws-cdk-lib/aws-cloudwatch';
import { CfnTopic, type ITopic, Topic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import { knownToDiffer } from '../settings/regions.ts';

/**
 * Checks that a topic can be used to stop everything.
 *
 * @param topics that get the alarms of this deployment.
 * @param deployment its name.
 * @param stack of the function and its dead-letter queue.
 * @throws Error if it is one of `topics`, FIFO, or in another region.
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
      `is in ${topic.env.region}, but SNS needs a dead-letter queue in its own region: give "stopAllOn" a topic in ${region}`,
    );
}

/**
 * Returns a topic in a form that our function can subscribe to. CDK would make the function's stack depend on the topic's
 * stack, but a nested stack cannot depend on its parent.
 */
export function subscribable(topic: ITopic, curfew: Construct): ITopic {
  const stack = Stack.of(curfew);
  if (stack.nestedStackParent === undefined || topic.stack === stack) return topic;
  return Topic.fromTopicArn(curfew, `StopAllOn${topic.node.addr}`, topic.topicArn);
}

/**
 * Finds alarms of this deployment with a `stopAllOn` topic among their actions. Call it once the app is complete.
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

/** Returns whether two topics may be the same: one may be a resource, the other an ARN, and tokens may be equal. */
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
  // CDK's own `splitArn` loses the literal parts of an ARN with tokens.
  const [, , , region = '', account = '', name = topic.topicName] = topic.topicArn.split(':');
  return { name, region, account };
}
