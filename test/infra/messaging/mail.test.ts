import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { App, Stack } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import { EventBus } from 'aws-cdk-lib/aws-events';
import { Alias, type IKey, Key } from 'aws-cdk-lib/aws-kms';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { FineTuningCurfew, type FineTuningCurfewProps } from '../../../infra/index.ts';
import { synthesize, templateOf } from '../synthesize.ts';
import { resourcesOf, type Statement } from '../template.ts';

const { template: withMail } = synthesize('mail');
const alarmActions = ['AlarmActions', 'OKActions'];

describe('with nobody to notify', () => {
  const { template } = synthesize('defaults');

  test('there is no topic, and alarms only show', () => {
    template.resourceCountIs('AWS::SNS::Topic', 0);
    for (const actions of [...alarmActions, 'InsufficientDataActions']) {
      template.allResourcesProperties('AWS::CloudWatch::Alarm', { [actions]: Match.absent() });
    }
  });
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
    const [policy] = Object.values(withMail.findResources('AWS::SNS::TopicPolicy'));
    const statements: Statement[] = policy?.['Properties'].PolicyDocument.Statement;
    assert.ok(
      statements.some(
        ({ Effect, Condition }) => Effect === 'Deny' && Condition?.['Bool']?.['aws:SecureTransport'] === 'false',
      ),
    );
  });
});

describe('every message that is sent to a topic of this app gets through', () => {
  const ownTopic = templateOf((stack) => {
    const masterKey = new Key(stack, 'Key');
    new FineTuningCurfew(stack, 'Curfew', {
      topic: new Topic(stack, 'Topic', { masterKey, enforceSSL: true }),
    });
  });
  const aliasedTopic = templateOf((stack) => {
    const masterKey = new Alias(stack, 'Alias', {
      aliasName: 'alias/mine',
      targetKey: new Key(stack, 'Key'),
    });
    new FineTuningCurfew(stack, 'Curfew', { topic: new Topic(stack, 'Topic', { masterKey }) });
  });
  const plainTopic = templateOf((stack) => {
    new FineTuningCurfew(stack, 'Curfew', { topic: new Topic(stack, 'Topic') });
  });
  const cases: [name: string, template: Template][] = [
    ['the one of notifyEmail', withMail],
    ['an encrypted one given as topic', ownTopic],
    ['one encrypted under an alias', aliasedTopic],
    ['a plain one given as topic', plainTopic],
  ];
  for (const [name, template] of cases) {
    test(`${name}: of alarms by CloudWatch, if it is of this account`, () => {
      const alarms = Object.values(resourcesOf(template, 'AWS::CloudWatch::Alarm'));
      assert.equal(alarms.length, 11);
      for (const alarm of alarms) {
        const actions = ['AlarmActions', 'OKActions', 'InsufficientDataActions'].flatMap((key) => alarm[key] ?? []);
        assert.ok(actions.length >= 2);
        for (const action of actions) {
          const granted = grantsOf(template, action, 'cloudwatch.amazonaws.com');
          for (const { Condition } of granted) {
            assert.deepEqual(Condition, { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } });
          }
        }
      }
    });

    // EventBridge fills in no condition key there: a condition would lose every message.
    test(`${name}: of events by EventBridge, without a condition`, () => {
      const rules = Object.values(resourcesOf(template, 'AWS::Events::Rule')).filter((rule) => rule['EventPattern']);
      assert.equal(rules.length, 1);
      for (const { Targets } of rules) {
        for (const { Arn } of Targets as { Arn: unknown }[]) {
          const granted = grantsOf(template, Arn, 'events.amazonaws.com');
          for (const { Condition } of granted) assert.equal(Condition, undefined);
        }
      }
    });
  }
});

describe('a topic whose key is not of this app is a warning, which says whom its policy must let in', () => {
  const keys: Record<string, (stack: Stack) => IKey> = {
    'by its ARN': (stack) => Key.fromKeyArn(stack, 'Key', 'arn:aws:kms:us-east-1:111122223333:key/0aa0'),
    'by an alias': (stack) => Alias.fromAliasName(stack, 'Key', 'alias/mine'),
  };
  for (const [name, keyIn] of Object.entries(keys)) {
    test(name, () => {
      const stack = new Stack(new App(), 'Test');
      const topic = new Topic(stack, 'Topic', { masterKey: keyIn(stack) });
      new FineTuningCurfew(stack, 'Curfew', { topic });
      const expected = 'The key of the topic "Test/Topic".*cloudwatch.amazonaws.com and events.amazonaws.com';
      Annotations.fromStack(stack).hasWarning('/Test/Curfew', Match.stringLikeRegexp(expected));
    });
  }

  test('one whose key is of this app is none', () => {
    const stack = new Stack(new App(), 'Test');
    const topic = new Topic(stack, 'Topic', { masterKey: new Key(stack, 'Key') });
    new FineTuningCurfew(stack, 'Curfew', { topic });
    Annotations.fromStack(stack).hasNoWarning('/Test/Curfew', Match.anyValue());
  });
});

test('a topic in the stack of another account lets in the alarms of this one', () => {
  const app = new App();
  const env = { account: '111122223333', region: 'eu-west-1' };
  const topicStack = new Stack(app, 'Topics', { env: { ...env, account: '444455556666' } });
  const topic = new Topic(topicStack, 'Topic', { topicName: 'alerts' });
  const stack = new Stack(app, 'Test', { env });
  new FineTuningCurfew(stack, 'Curfew', { topic });
  const template = Template.fromStack(topicStack);
  const [id] = Object.keys(template.findResources('AWS::SNS::Topic'));
  const grants = grantsOf(template, { Ref: id }, 'cloudwatch.amazonaws.com');
  assert.deepEqual(
    grants.map(({ Condition }) => Condition),
    [{ StringEquals: { 'aws:SourceAccount': env.account } }],
  );
});

describe('mail of events on a bus of another account or region, where there can be no rule of ours, is refused', () => {
  const env = { account: '111122223333', region: 'eu-west-1' };
  const elsewhere: [name: string, place: string][] = [
    ['another account', 'eu-west-1:444455556666'],
    ['another region', 'us-east-1:111122223333'],
  ];
  for (const [name, place] of elsewhere) {
    test(name, () => {
      const curfewWith = (props: FineTuningCurfewProps) => {
        const stack = new Stack(new App(), 'Test', { env });
        const eventBus = EventBus.fromEventBusArn(stack, 'Bus', `arn:aws:events:${place}:event-bus/central`);
        return new FineTuningCurfew(stack, 'Curfew', { eventBus, ...props });
      };
      assert.throws(() => curfewWith({ notifyEmail: 'ml@example.com' }), /"eventBus".*make a rule where the bus is/);
      assert.doesNotThrow(() => curfewWith({}));
    });
  }
});

describe('with a topic that exists already', () => {
  test('its ARN is where alarms and events go, beside the mail if there is an address too', () => {
    const arn = 'arn:aws:sns:us-east-1:111122223333:alerts';
    const { template } = synthesize('topicByArn');
    template.resourceCountIs('AWS::SNS::Topic', 0);
    template.allResourcesProperties('AWS::CloudWatch::Alarm', { AlarmActions: [arn], OKActions: [arn] });
    template.hasResourceProperties('AWS::Events::Rule', { Targets: [Match.objectLike({ Arn: arn })] });

    const { template: both } = synthesize('everySetting');
    const [topic] = Object.keys(both.findResources('AWS::SNS::Topic'));
    both.allResourcesProperties('AWS::CloudWatch::Alarm', { AlarmActions: [{ Ref: topic }, arn] });
    both.hasResourceProperties('AWS::Events::Rule', {
      Targets: [Match.objectLike({ Arn: { Ref: topic } }), Match.objectLike({ Arn: arn })],
    });
  });
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
