import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Stack } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import { EventBus } from 'aws-cdk-lib/aws-events';
import { Alias, type IKey, Key } from 'aws-cdk-lib/aws-kms';
import { Topic, type TopicProps } from 'aws-cdk-lib/aws-sns';
import type { FineTuningCurfewProps } from '../../../infra/index.ts';
import { curfewIn, newStack, synthesize } from '../synthesize.ts';
import { resourcesOf, type Statement } from '../template.ts';

const { template: withMail } = synthesize('mail');
const env = { account: '111122223333', region: 'eu-west-1' };
const alarmActions = ['AlarmActions', 'OKActions'];

test('with nobody to notify, there is no topic, and alarms have no actions', () => {
  const { template } = synthesize('defaults');
  template.resourceCountIs('AWS::SNS::Topic', 0);
  for (const actions of [...alarmActions, 'InsufficientDataActions']) {
    template.allResourcesProperties('AWS::CloudWatch::Alarm', { [actions]: Match.absent() });
  }
});

describe('with notifyEmail', () => {
  const topic = Object.keys(withMail.findResources('AWS::SNS::Topic'))[0];

  test('the address is subscribed to one topic, encrypted', () => {
    withMail.resourceCountIs('AWS::SNS::Topic', 1);
    withMail.hasResourceProperties('AWS::SNS::Topic', { KmsMasterKeyId: Match.anyValue() });
    withMail.hasResourceProperties('AWS::SNS::Subscription', {
      Protocol: 'email',
      Endpoint: 'ml@example.com',
      TopicArn: { Ref: topic },
    });
  });

  test('every alarm is sent there when it begins and when it ends', () => {
    for (const actions of alarmActions) {
      withMail.allResourcesProperties('AWS::CloudWatch::Alarm', { [actions]: [{ Ref: topic }] });
    }
  });

  test('cancellations and warnings of this deployment go there as a sentence', () => {
    withMail.hasResourceProperties('AWS::Events::Rule', {
      EventPattern: {
        source: ['fine-tuning-curfew'],
        'detail-type': ['Fine-Tuning Job Cancelled', 'Fine-Tuning Job Near Its Time Budget'],
        detail: { curfew: ['fine-tuning-curfew'] },
      },
      Targets: [
        Match.objectLike({
          Arn: { Ref: topic },
          InputTransformer: {
            InputPathsMap: { 'detail-summary': '$.detail.summary' },
            InputTemplate: '"<detail-summary>"',
          },
        }),
      ],
    });
  });

  test('the topic accepts messages over TLS only', () => {
    const denied = { Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } };
    withMail.hasResourceProperties('AWS::SNS::TopicPolicy', {
      PolicyDocument: { Statement: Match.arrayWith([Match.objectLike(denied)]) },
    });
  });
});

/** A stack with its own topic, and what the construct adds to it. */
function stackWithTopic(propsOf: (stack: Stack) => TopicProps): Stack {
  const stack = newStack();
  curfewIn(stack, { topic: new Topic(stack, 'Topic', propsOf(stack)) });
  return stack;
}

describe('every message to a topic of this app gets through, without a warning', () => {
  const topics: Record<string, (stack: Stack) => TopicProps> = {
    'an encrypted one given as topic': (stack) => ({ masterKey: new Key(stack, 'Key'), enforceSSL: true }),
    'one encrypted under an alias': (stack) => ({ masterKey: new Key(stack, 'Key').addAlias('alias/mine') }),
    'a plain one given as topic': () => ({}),
  };
  const templates: [name: string, template: Template][] = Object.entries(topics).map(([name, propsOf]) => {
    const stack = stackWithTopic(propsOf);
    Annotations.fromStack(stack).hasNoWarning('/Test/Curfew', Match.anyValue());
    return [name, Template.fromStack(stack)];
  });
  for (const [name, template] of [['the one of notifyEmail', withMail] as const, ...templates]) {
    test(`${name}: of alarms, from CloudWatch in this account`, () => {
      const alarms = Object.values(resourcesOf(template, 'AWS::CloudWatch::Alarm'));
      assert.equal(alarms.length, 11);
      for (const alarm of alarms) {
        const actions = [...alarmActions, 'InsufficientDataActions'].flatMap((key) => alarm[key] ?? []);
        assert.ok(actions.length >= 2);
        for (const { Condition } of actions.flatMap((to) => grantsOf(template, to, 'cloudwatch.amazonaws.com'))) {
          assert.deepEqual(Condition, { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } });
        }
      }
    });

    // EventBridge sets no condition key here: a condition would lose every message.
    test(`${name}: of events, from EventBridge without a condition`, () => {
      const rules = Object.values(resourcesOf(template, 'AWS::Events::Rule')).filter((rule) => rule['EventPattern']);
      assert.equal(rules.length, 1);
      for (const { Arn } of rules.flatMap(({ Targets }) => Targets as { Arn: unknown }[])) {
        const granted = grantsOf(template, Arn, 'events.amazonaws.com');
        for (const { Condition } of granted) assert.equal(Condition, undefined);
      }
    });
  }
});

describe('a topic whose key is from another app causes a warning, which says whom its policy must allow', () => {
  const keys: Record<string, (stack: Stack) => IKey> = {
    'by its ARN': (stack) => Key.fromKeyArn(stack, 'Key', 'arn:aws:kms:us-east-1:111122223333:key/0aa0'),
    'by an alias': (stack) => Alias.fromAliasName(stack, 'Key', 'alias/mine'),
  };
  for (const [name, keyIn] of Object.entries(keys)) {
    test(name, () => {
      const stack = stackWithTopic((scope) => ({ masterKey: keyIn(scope) }));
      const expected = 'The key of the topic "Test/Topic".*cloudwatch.amazonaws.com and events.amazonaws.com';
      Annotations.fromStack(stack).hasWarning('/Test/Curfew', Match.stringLikeRegexp(expected));
    });
  }
});

test('a topic in a stack of another account accepts the alarms of this one', () => {
  const stack = newStack({ env });
  const topicStack = new Stack(stack.node.root, 'Topics', { env: { ...env, account: '444455556666' } });
  const topic = new Topic(topicStack, 'Topic', { topicName: 'alerts' });
  curfewIn(stack, { topic });
  const template = Template.fromStack(topicStack);
  const [id] = Object.keys(template.findResources('AWS::SNS::Topic'));
  const grants = grantsOf(template, { Ref: id }, 'cloudwatch.amazonaws.com');
  assert.deepEqual(
    grants.map(({ Condition }) => Condition),
    [{ StringEquals: { 'aws:SourceAccount': env.account } }],
  );
});

describe('mail about events on a bus in another account or region, where we cannot add a rule, is refused', () => {
  for (const place of ['eu-west-1:444455556666', 'us-east-1:111122223333']) {
    test(place, () => {
      const curfewWith = (props: FineTuningCurfewProps) => {
        const stack = newStack({ env });
        const eventBus = EventBus.fromEventBusArn(stack, 'Bus', `arn:aws:events:${place}:event-bus/central`);
        return curfewIn(stack, { eventBus, ...props });
      };
      assert.throws(() => curfewWith({ notifyEmail: 'ml@example.com' }), /"eventBus".*create a rule next to the bus/);
      assert.doesNotThrow(() => curfewWith({}));
    });
  }
});

test('alarms and events go to the topic with the given ARN, and by mail too if there is an address', () => {
  const arn = 'arn:aws:sns:us-east-1:111122223333:alerts';
  for (const context of ['topicByArn', 'everySetting'] as const) {
    const { template } = synthesize(context);
    const to = [...Object.keys(template.findResources('AWS::SNS::Topic')).map((Ref) => ({ Ref })), arn];
    assert.equal(to.length, context === 'topicByArn' ? 1 : 2);
    template.allResourcesProperties('AWS::CloudWatch::Alarm', { AlarmActions: to, OKActions: to });
    template.hasResourceProperties('AWS::Events::Rule', { Targets: to.map((Arn) => Match.objectLike({ Arn })) });
  }
});

/** The statements that let this service publish to the topic: in its policy and, if it has a key, in the key's. */
function grantsOf(template: Template, topic: unknown, Service: string): Statement[] {
  const { Ref: id } = topic as { Ref: string };
  const isFor = (actions: string[]) => (statement: Statement) =>
    statement.Effect === 'Allow' &&
    JSON.stringify(statement.Principal) === JSON.stringify({ Service }) &&
    actions.every((action) => [statement.Action].flat().includes(action));
  const policies = Object.values(template.findResources('AWS::SNS::TopicPolicy'));
  const publish = policies
    .filter((policy) => policy['Properties'].Topics.some(({ Ref }: { Ref: string }) => Ref === id))
    .flatMap((policy): Statement[] => policy['Properties'].PolicyDocument.Statement)
    .filter(isFor(['sns:Publish']));
  assert.ok(publish.length > 0, `${Service} may not publish to ${id}`);
  const key = template.findResources('AWS::SNS::Topic')[id]?.['Properties']?.KmsMasterKeyId;
  if (key === undefined) return publish;
  const [{ KeyPolicy } = {}] = Object.values(resourcesOf(template, 'AWS::KMS::Key'));
  const keyPolicy = (KeyPolicy as { Statement: Statement[] }).Statement;
  const encrypt = keyPolicy.filter(isFor(['kms:Decrypt', 'kms:GenerateDataKey*']));
  assert.ok(encrypt.length > 0, `${Service} may not use the key of ${id}`);
  return [...publish, ...encrypt];
}
