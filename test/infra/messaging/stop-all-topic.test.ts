import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { App, NestedStack, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { FineTuningCurfew, type FineTuningCurfewProps } from '../../../infra/index.ts';
import { templateOf } from '../synthesize.ts';
import { settingsIn } from '../template.ts';

const newStack = () => new Stack(new App(), 'Test');
const curfewIn = (stack: Stack, props: FineTuningCurfewProps = {}) => new FineTuningCurfew(stack, 'Curfew', props);

describe('a topic that stops everything', () => {
  test('is known to the function once, and what it cannot deliver is a dead letter', () => {
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

  test('is refused if it gets the alarms of this deployment', () => {
    const arn = 'arn:aws:sns:us-east-1:111122223333:alerts';
    const stack = newStack();
    const topic = new Topic(stack, 'Topic');
    assert.throws(() => curfewIn(stack, { topic }).stopAllOn(topic), /gets the alarms of "fine-tuning-curfew"/);

    const other = new Stack(new App(), 'Other');
    const curfew = curfewIn(other, { notifyEmail: 'ml@example.com', notifyTopicArn: arn });
    for (const refused of [curfew.topic, Topic.fromTopicArn(other, 'Alerts', arn)]) {
      assert.ok(refused);
      assert.throws(() => curfew.stopAllOn(refused), /gets the alarms/);
    }
  });

  for (const order of ['before', 'after']) {
    test(`is refused at synth if an alarm got it as an action of its own ${order} that`, () => {
      const app = new App();
      const stack = new Stack(app, 'Test');
      const curfew = curfewIn(stack);
      const topic = new Topic(stack, 'Topic');
      if (order === 'after') curfew.stopAllOn(topic);
      for (const alarm of curfew.alarms) {
        if (alarm.node.id === 'NoSweep') alarm.addInsufficientDataAction(new SnsAction(topic));
        if (alarm.node.id === 'Errors') alarm.addAlarmAction(new SnsAction(topic));
      }
      if (order === 'before') curfew.stopAllOn(topic);
      assert.throws(
        () => app.synth(),
        /alarm "Test\/Curfew\/Alarms\/Errors" has an action on a topic of "stopAllOn"[\s\S]*Alarms\/NoSweep/,
      );
    });
  }

  test('may be of the parent, if this is a nested stack', () => {
    const app = new App();
    const parent = new Stack(app, 'Parent');
    const topic = new Topic(parent, 'Topic');
    const nested = new NestedStack(parent, 'Nested');
    const curfew = new FineTuningCurfew(nested, 'Curfew');
    for (let times = 0; times < 2; times += 1) curfew.stopAllOn(topic);
    app.synth();
    const template = Template.fromStack(nested);
    template.resourceCountIs('AWS::SNS::Subscription', 1);
    const [topicArn] = Object.keys(template.findParameters('*', { Type: 'String' })).filter((name) =>
      name.includes('Topic'),
    );
    template.hasResourceProperties('AWS::SNS::Subscription', {
      TopicArn: { Ref: topicArn },
      RedrivePolicy: Match.anyValue(),
    });
  });

  test('is refused if it is in another region, where its dead letters cannot be', () => {
    const stack = new Stack(new App(), 'Test', { env: { account: '111122223333', region: 'us-east-1' } });
    const topic = Topic.fromTopicArn(stack, 'Topic', 'arn:aws:sns:eu-west-1:111122223333:stop');
    assert.throws(() => curfewIn(stack).stopAllOn(topic), /is in eu-west-1, .* give "stopAllOn" a topic in us-east-1/);
  });

  const env = { account: '111122223333', region: 'us-east-1' };
  const arnIn = (place: string) => `arn:aws:sns:${place}:alerts`;
  for (const [place, props] of Object.entries({ 'in a known place': { env }, anywhere: {} })) {
    test(`is refused if it gets the alarms by its ARN, in a stack ${place}`, () => {
      const stack = new Stack(new App(), 'Test', props);
      const curfew = curfewIn(stack, { notifyTopicArn: arnIn('us-east-1:111122223333') });
      const same = [
        new Topic(stack, 'Topic', { topicName: 'alerts' }),
        Topic.fromTopicArn(stack, 'ByArn', stack.formatArn({ service: 'sns', resource: 'alerts' })),
      ];
      for (const topic of same) assert.throws(() => curfew.stopAllOn(topic), /gets the alarms/);
    });
  }

  for (const place of ['eu-west-1:111122223333', 'us-east-1:444455556666']) {
    test(`may have the name of the one that gets the alarms, in ${place}`, () => {
      const stack = newStack();
      const curfew = curfewIn(stack, { notifyTopicArn: arnIn('us-east-1:111122223333') });
      assert.doesNotThrow(() => curfew.stopAllOn(Topic.fromTopicArn(stack, 'ByArn', arnIn(place))));
    });
  }

  test('is refused if it is a FIFO topic, to which Lambda cannot subscribe', () => {
    const stack = newStack();
    const curfew = curfewIn(stack);
    const arn = 'arn:aws:sns:us-east-1:111122223333:stop.fifo';
    for (const topic of [new Topic(stack, 'Topic', { fifo: true }), Topic.fromTopicArn(stack, 'ByArn', arn)]) {
      assert.throws(() => curfew.stopAllOn(topic), /is a FIFO topic.* give "stopAllOn" a standard topic/);
    }
  });
});
