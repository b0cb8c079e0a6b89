import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CfnParameter, type Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { checkEnvironmentSize } from '../../../infra/function/function.ts';
import { checkedSettings } from '../../../infra/settings/settings.ts';
import { settingsEntries } from '../../../lambda/settings.ts';
import { contextNames, contexts } from '../contexts.ts';
import { curfewIn, newStack, synthesize, templateOf } from '../synthesize.ts';
import { arnOf, environmentOf, resourcesOf, settingsIn, statementsOf } from '../template.ts';

const { template } = synthesize('defaults');
const { template: other } = synthesize('everySetting');

describe('the function', () => {
  test('has the name that operators type, Node 24, arm64, and the longest timeout that Lambda allows', () => {
    template.hasResourceProperties('AWS::Lambda::Function', {
      FunctionName: 'fine-tuning-curfew',
      Runtime: 'nodejs24.x',
      Architectures: ['arm64'],
      Handler: 'index.handler',
      Timeout: 900,
      MemorySize: 512,
      // JSON would override its log level.
      LoggingConfig: { LogFormat: 'Text' },
      // Enough threads for DNS lookups, so that silent name servers hold up no others.
      Environment: { Variables: { UV_THREADPOOL_SIZE: '32' } },
    });
  });

  for (const context of ['defaults', 'everySetting'] as const) {
    test(`has the settings that it needs in its environment, and no secret value: ${context}`, () => {
      const { template: given } = synthesize(context);
      const settings = Object.entries(checkedSettings({ projects: {}, ...contexts[context] }, 'context key'));
      const [table] = Object.keys(given.findResources('AWS::DynamoDB::Table'));
      assert.deepEqual(settingsIn(given), {
        ...Object.fromEntries(settings.filter(([key]) => key in settingsEntries)),
        tableName: { Ref: table },
        stopAllTopics: [],
      });
      given.resourceCountIs('AWS::SecretsManager::Secret', 0);
    });
  }

  test('has the same few environment variables, whatever is set', () => {
    const names = ['CURFEW_SETTINGS', 'LOG_LEVEL', 'UV_THREADPOOL_SIZE'];
    for (const context of contextNames) {
      assert.deepEqual(Object.keys(environmentOf(synthesize(context).template)).toSorted(), names, context);
    }
    assert.equal(environmentOf(other)['LOG_LEVEL'], 'DEBUG');
  });

  test('keeps its logs for three months, or as long as the context says', () => {
    const logGroup = (LogGroupName: string, RetentionInDays: number) => ({ LogGroupName, RetentionInDays });
    template.hasResourceProperties('AWS::Logs::LogGroup', logGroup('/aws/lambda/fine-tuning-curfew', 90));
    other.hasResourceProperties('AWS::Logs::LogGroup', logGroup('/aws/lambda/research', 30));
  });
});

describe('the role', () => {
  test('may read the one secret, write logs and events, use the table and add dead letters, and no more', () => {
    const arnOfThe = (type: string) => ({ 'Fn::GetAtt': [Object.keys(template.findResources(type))[0], 'Arn'] });
    const Condition = { 'ForAllValues:StringEquals': { 'events:source': 'fine-tuning-curfew' } };
    const allowed: [Action: string | string[], Resource: object, condition?: object][] = [
      ['secretsmanager:GetSecretValue', arnOf('secretsmanager', 'secret:openai/api-key-??????')],
      [['logs:CreateLogStream', 'logs:PutLogEvents'], arnOfThe('AWS::Logs::LogGroup')],
      ['events:PutEvents', arnOf('events', 'event-bus/default'), { Condition }],
      [['dynamodb:BatchGetItem', 'dynamodb:UpdateItem'], arnOfThe('AWS::DynamoDB::Table')],
      [['sqs:SendMessage', 'sqs:GetQueueAttributes', 'sqs:GetQueueUrl'], arnOfThe('AWS::SQS::Queue')],
    ];
    assert.deepEqual(
      statementsOf(template),
      allowed.map(([Action, Resource, condition]) => ({ Effect: 'Allow', Action, Resource, ...condition })),
    );
    template.resourceCountIs('AWS::IAM::Role', 1);
    template.hasResourceProperties('AWS::IAM::Role', { ManagedPolicyArns: Match.absent() });
  });
});

test('the table costs nothing while unused, expires its rows, and is deleted with the stack', () => {
  template.hasResource('AWS::DynamoDB::Table', {
    DeletionPolicy: 'Delete',
    Properties: {
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: [{ AttributeName: 'jobId', KeyType: 'HASH' }],
      AttributeDefinitions: [{ AttributeName: 'jobId', AttributeType: 'S' }],
      TimeToLiveSpecification: { AttributeName: 'expiresAt', Enabled: true },
      PointInTimeRecoverySpecification: Match.absent(),
    },
  });
});

describe('a request that failed for good', () => {
  const [queueId = ''] = Object.keys(template.findResources('AWS::SQS::Queue'));

  test('is kept for two weeks, encrypted, and sent and received over TLS only', () => {
    template.resourceCountIs('AWS::SQS::Queue', 1);
    template.hasResourceProperties('AWS::SQS::Queue', {
      MessageRetentionPeriod: 14 * 24 * 60 * 60,
      SqsManagedSseEnabled: true,
    });
    const denied = { Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } };
    template.hasResourceProperties('AWS::SQS::QueuePolicy', {
      PolicyDocument: { Statement: Match.arrayWith([Match.objectLike(denied)]) },
    });
  });

  test('is kept after two retries of an asynchronous invocation, or after an hour', () => {
    template.hasResourceProperties('AWS::Lambda::EventInvokeConfig', {
      Qualifier: '$LATEST',
      MaximumRetryAttempts: 2,
      MaximumEventAgeInSeconds: 3600,
      DestinationConfig: { OnFailure: { Destination: { 'Fn::GetAtt': [queueId, 'Arn'] } } },
    });
  });
});

test('everything except the secret is deleted with the stack', () => {
  for (const type of ['AWS::KMS::Key', 'AWS::Logs::LogGroup', 'AWS::DynamoDB::Table']) {
    const found = Object.values(other.findResources(type));
    assert.ok(found.length > 0, type);
    for (const resource of found) assert.equal(resource['DeletionPolicy'], 'Delete', type);
  }
  for (const properties of Object.values(resourcesOf(other, 'AWS::KMS::Key'))) {
    assert.equal(properties['EnableKeyRotation'], true);
  }
});

/** Synthesises a function with this environment, part of which is added after the check is requested. */
function synthWith(variablesOf: (stack: Stack) => Record<string, string>): void {
  const stack = newStack();
  const fn = new LambdaFunction(stack, 'Function', {
    runtime: Runtime.NODEJS_24_X,
    handler: 'index.handler',
    code: Code.fromInline('exports.handler = () => {};'),
  });
  checkEnvironmentSize(fn);
  for (const [name, value] of Object.entries(variablesOf(stack))) fn.addEnvironment(name, value);
  Template.fromStack(stack);
}

describe('an environment of more than 4 kB fails synth, and a smaller one does not', () => {
  const tokens = (stack: Stack, count: number) =>
    Array.from({ length: count }, (_, i) => new CfnParameter(stack, `P${i}`).valueAsString);
  const cases: [name: string, bytes: number, variablesOf: (stack: Stack) => Record<string, string>][] = [
    ['names and values', 4096, () => ({ NAME: 'x'.repeat(4092) })],
    ['a byte more', 4097, () => ({ NAME: 'x'.repeat(4093) })],
    ['bytes, not characters', 4098, () => ({ NAME: 'ä'.repeat(2047) })],
    ['tokens alone', 4 + 25 * 160, (stack) => ({ LIST: tokens(stack, 25).join('') })],
    ['tokens with separators', 4 + 26 * 161 - 1, (stack) => ({ LIST: tokens(stack, 26).join(',') })],
  ];
  for (const [name, bytes, variablesOf] of cases) {
    test(`${name}: ${bytes} bytes`, () => {
      const synth = () => synthWith(variablesOf);
      if (bytes <= 4096) assert.doesNotThrow(synth);
      else assert.throws(synth, new RegExp(`may take ${bytes} bytes .* Lambda allows 4096: shorten them`));
    });
  }
});

test('the environment of the construct is checked, including later additions', () => {
  const build = (stack: Stack) => {
    const curfew = curfewIn(stack);
    for (let i = 0; i < 30; i += 1) curfew.stopAllOn(new Topic(stack, `Topic${i}`));
  };
  assert.throws(() => templateOf(build), /Test\/Curfew\/Curfew\/Function.* give "stopAllOn" fewer topics/);
});
