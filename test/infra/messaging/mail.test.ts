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

test('with nobody to notify there is no topic, and alarms only show', () => {
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

  test('every alarm goes there, and again once it is over', () => {
    for (const actions of alarmActions) {
      withMail.allResourcesProperties('AWS::CloudWatch::Alarm', { [actions]: [{ Ref: topic }] });
    }
  });

  test('what was cancelled and what is near its time budget go there as a sentence, of this deployment only', () => {
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

  test('the topic takes messages by TLS only', () => {
    const denied = { Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } };
    withMail.hasResourceProperties('AWS::SNS::TopicPolicy', {
      PolicyDocument: { Statement: Match.arrayWith([Match.objectLike(denied)]) },
    });
  });
});

/** The stack of a curfew with a topic of its own, and what the construct adds to it. */
function stackWithTopic(propsOf: (stack: Stack) => TopicProps): Stack {
  const stack = newStack();
  curfewIn(stack, { topic: new Topic(stack, 'Topic', propsOf(stack)) });
  return stack;
}

describe('every message that is sent to a topic of this app gets through, without a warning', () => {
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
    test(`${name}: of alarms by CloudWatch, if it is of this account`, () => {
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

    // EventBridge fills in no condition key there: a condition would lose every message.
    test(`${name}: of events by EventBridge, without a condition`, () => {
      const rules = Object.values(resourcesOf(template, 'AWS::Events::Rule')).filter((rule) => rule['EventPattern']);
      assert.equal(rules.length, 1);
      for (const { Arn } of rules.flatMap(({ Targets }) => Targets as { Arn: unknown }[])) {
        const granted = grantsOf(template, Arn, 'events.amazonaws.com');
        for (const { Condition } of granted) assert.equal(Condition, undefined);
      }
    });
  }
});

describe('a topic whose key is not part of this app causes a warning that says whom its policy must allow', () => {
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

test('a topic in the stack of another account lets in the alarms of this one', () => {
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

describe('mail of events on a bus of another account or region, where there can be no rule of ours, is refused', () => {
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

test('the ARN of a topic that exists is where alarms and events go, beside the mail if there is an address too', () => {
  const arn = 'arn:aws:sns:us-east-1:111122223333:alerts';
  for (const context of ['topicByArn', 'everySetting'] as const) {
    const { template } = synthesize(context);
    const to = [...Object.keys(template.findResources('AWS::SNS::Topic')).map((Ref) => ({ Ref })), arn];
    assert.equal(to.length, context === 'topicByArn' ? 1 : 2);
    template.allResourcesProperties('AWS::CloudWatch::Alarm', { AlarmActions: to, OKActions: to });
    template.hasResourceProperties('AWS::Events::Rule', { Targets: to.map((Arn) => Match.objectLike({ Arn })) });
  }
});

/** What lets this service publish to the topic: a statement of its policy, and one of its key's if it has a key. */
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
