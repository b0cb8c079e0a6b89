import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { NestedStack, type StackProps } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { curfewIn, newStack, templateOf } from '../synthesize.ts';
import { settingsIn } from '../template.ts';

const env = { account: '111122223333', region: 'us-east-1' };
const arnIn = (place: string, name = 'alerts') => `arn:aws:sns:${place}:${name}`;
const arn = arnIn('us-east-1:111122223333');
const places: Record<string, StackProps> = { 'in a known place': { env }, anywhere: {} };

describe('a topic that stops everything', () => {
  test('is known to the function once, and what it cannot deliver becomes a dead letter', () => {
    const template = templateOf((stack) => {
      const curfew = curfewIn(stack);
      const [one, two] = [new Topic(stack, 'One'), new Topic(stack, 'Two')];
      for (const topic of [one, two, one]) curfew.stopAllOn(topic);
    });
    const [one, two] = Object.keys(template.findResources('AWS::SNS::Topic'));
    const [queue] = Object.keys(template.findResources('AWS::SQS::Queue'));
    assert.deepEqual(settingsIn(template)['stopAllTopics'], [{ Ref: one }, { Ref: two }]);
    template.resourceCountIs('AWS::SNS::Subscription', 2);
    template.allResourcesProperties('AWS::SNS::Subscription', {
      Protocol: 'lambda',
      RedrivePolicy: { deadLetterTargetArn: { 'Fn::GetAtt': [queue, 'Arn'] } },
    });
  });

  test('is refused if it receives the alarms of this deployment', () => {
    const stack = newStack();
    const topic = new Topic(stack, 'Topic');
    assert.throws(() => curfewIn(stack, { topic }).stopAllOn(topic), /gets the alarms of "fine-tuning-curfew"/);
  });

  for (const [place, props] of Object.entries(places)) {
    test(`is refused if it receives the alarms by mail or by its ARN, in a stack ${place}`, () => {
      const stack = newStack(props);
      const curfew = curfewIn(stack, { notifyEmail: 'ml@example.com', notifyTopicArn: arn });
      const same = [
        curfew.topic ?? assert.fail(),
        new Topic(stack, 'Topic', { topicName: 'alerts' }),
        Topic.fromTopicArn(stack, 'ByArn', arn),
        Topic.fromTopicArn(stack, 'ByTokens', stack.formatArn({ service: 'sns', resource: 'alerts' })),
      ];
      for (const topic of same) assert.throws(() => curfew.stopAllOn(topic), /gets the alarms/);
    });
  }

  for (const place of ['eu-west-1:111122223333', 'us-east-1:444455556666']) {
    test(`may share its name with the one that receives the alarms, in ${place}`, () => {
      const stack = newStack();
      const curfew = curfewIn(stack, { notifyTopicArn: arn });
      assert.doesNotThrow(() => curfew.stopAllOn(Topic.fromTopicArn(stack, 'ByArn', arnIn(place))));
    });
  }

  for (const order of ['before', 'after']) {
    test(`is refused at synth if it became an alarm's own action ${order} that`, () => {
      const stack = newStack();
      const curfew = curfewIn(stack);
      const topic = new Topic(stack, 'Topic');
      if (order === 'after') curfew.stopAllOn(topic);
      for (const alarm of curfew.alarms) {
        if (alarm.node.id === 'NoSweep') alarm.addInsufficientDataAction(new SnsAction(topic));
        if (alarm.node.id === 'Errors') alarm.addAlarmAction(new SnsAction(topic));
      }
      if (order === 'before') curfew.stopAllOn(topic);
      assert.throws(
        () => Template.fromStack(stack),
        /alarm "Test\/Curfew\/Alarms\/Errors" has an action on a topic of "stopAllOn"[\s\S]*Alarms\/NoSweep/,
      );
    });
  }

  test('may belong to the parent of a nested stack', () => {
    const parent = newStack();
    const topic = new Topic(parent, 'Topic');
    const nested = new NestedStack(parent, 'Nested');
    const curfew = curfewIn(nested);
    for (let times = 0; times < 2; times += 1) curfew.stopAllOn(topic);
    const template = Template.fromStack(nested);
    const [queue] = Object.keys(template.findResources('AWS::SQS::Queue'));
    const [topicArn] = Object.keys(template.findParameters('*', { Type: 'String' })).filter((id) => /Topic/.test(id));
    template.resourceCountIs('AWS::SNS::Subscription', 1);
    template.hasResourceProperties('AWS::SNS::Subscription', {
      TopicArn: { Ref: topicArn },
      RedrivePolicy: { deadLetterTargetArn: { 'Fn::GetAtt': [queue, 'Arn'] } },
    });
  });

  test('is refused if it is in another region, where its dead letters could not be', () => {
    const stack = newStack({ env });
    const topic = Topic.fromTopicArn(stack, 'Topic', arnIn('eu-west-1:111122223333', 'stop'));
    assert.throws(() => curfewIn(stack).stopAllOn(topic), /is in eu-west-1, .* give "stopAllOn" a topic in us-east-1/);
  });

  test('is refused if it is a FIFO topic, to which Lambda cannot subscribe', () => {
    const stack = newStack();
    const curfew = curfewIn(stack);
    for (const topic of [
      new Topic(stack, 'Topic', { fifo: true }),
      Topic.fromTopicArn(stack, 'ByArn', `${arn}.fifo`),
    ]) {
      assert.throws(() => curfew.stopAllOn(topic), /is a FIFO topic.* give "stopAllOn" a standard topic/);
    }
  });
});
