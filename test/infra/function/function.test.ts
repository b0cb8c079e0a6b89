import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { App, CfnParameter, Stack } from 'aws-cdk-lib';
import { Match } from 'aws-cdk-lib/assertions';
import { Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { checkEnvironmentSize } from '../../../infra/function/function.ts';
import { FineTuningCurfew } from '../../../infra/index.ts';
import { contextNames } from '../contexts.ts';
import { synthesize } from '../synthesize.ts';
import { arnOf, environmentOf, resourcesOf, settingsIn, statementsOf } from '../template.ts';

const { template } = synthesize('defaults');
const { template: other } = synthesize('everySetting');

describe('the function', () => {
  test('has the name that operators type, on Node 24 and arm64, and all the time that Lambda allows', () => {
    template.hasResourceProperties('AWS::Lambda::Function', {
      FunctionName: 'fine-tuning-curfew',
      Runtime: 'nodejs24.x',
      Architectures: ['arm64'],
      Handler: 'index.handler',
      Timeout: 900,
      MemorySize: 512,
      // JSON would override its log level.
      LoggingConfig: { LogFormat: 'Text' },
      // Enough threads to look up names, so silent name servers hold up nobody else.
      Environment: { Variables: { UV_THREADPOOL_SIZE: '32' } },
    });
  });

  test('has the settings in its environment, and no secret value', () => {
    const [table] = Object.keys(template.findResources('AWS::DynamoDB::Table'));
    assert.deepEqual(settingsIn(template), {
      name: 'fine-tuning-curfew',
      secretName: 'openai/api-key',
      secretField: 'apiKey',
      timeBudgetMinutes: 360,
      lookbackDays: 30,
      cancelLimit: 20,
      warnBeforeMinutes: 30,
      openaiBaseUrl: 'https://api.openai.com/v1',
      dryRun: false,
      tableName: { Ref: table },
      stopAllTopics: [],
    });
    template.resourceCountIs('AWS::SecretsManager::Secret', 0);
  });

  test('has the settings of the context there', () => {
    const { tableName: _, ...settings } = settingsIn(other);
    assert.deepEqual(settings, {
      name: 'research',
      secretName: 'team/research',
      secretField: 'key',
      secretKmsKeyArn: 'arn:aws:kms:eu-west-1:111122223333:key/0aa0-1bb1',
      timeBudgetMinutes: 90,
      queueLimitMinutes: 600,
      lookbackDays: 7,
      cancelLimit: 'none',
      warnBeforeMinutes: 0,
      openaiBaseUrl: 'https://team.openai.azure.com/openai/v1',
      provider: 'azure',
      openaiProject: 'proj_1',
      region: 'eu-west-1',
      dryRun: true,
      stopAllTopics: [],
    });
    assert.equal(environmentOf(other)['LOG_LEVEL'], 'DEBUG');
  });

  test('has the same few environment variables, whatever is set', () => {
    const names = ['CURFEW_SETTINGS', 'LOG_LEVEL', 'UV_THREADPOOL_SIZE'];
    for (const context of contextNames) {
      assert.deepEqual(Object.keys(environmentOf(synthesize(context).template)).toSorted(), names, context);
    }
  });

  test('keeps its logs for three months, or as long as the context says', () => {
    const logGroup = (LogGroupName: string, RetentionInDays: number) => ({ LogGroupName, RetentionInDays });
    template.hasResourceProperties('AWS::Logs::LogGroup', logGroup('/aws/lambda/fine-tuning-curfew', 90));
    other.hasResourceProperties('AWS::Logs::LogGroup', logGroup('/aws/lambda/research', 30));
  });
});

describe('the role', () => {
  test('may read the one secret, write log and events, use the table, add dead letters, and no more', () => {
    const arnOfThe = (type: string) => ({
      'Fn::GetAtt': [Object.keys(template.findResources(type))[0], 'Arn'],
    });
    assert.deepEqual(statementsOf(template), [
      {
        Effect: 'Allow',
        Action: 'secretsmanager:GetSecretValue',
        Resource: arnOf('secretsmanager', 'secret:openai/api-key-??????'),
      },
      {
        Effect: 'Allow',
        Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
        Resource: arnOfThe('AWS::Logs::LogGroup'),
      },
      {
        Effect: 'Allow',
        Action: 'events:PutEvents',
        Condition: { 'ForAllValues:StringEquals': { 'events:source': 'fine-tuning-curfew' } },
        Resource: arnOf('events', 'event-bus/default'),
      },
      {
        Effect: 'Allow',
        Action: ['dynamodb:BatchGetItem', 'dynamodb:UpdateItem'],
        Resource: arnOfThe('AWS::DynamoDB::Table'),
      },
      {
        Effect: 'Allow',
        Action: ['sqs:SendMessage', 'sqs:GetQueueAttributes', 'sqs:GetQueueUrl'],
        Resource: arnOfThe('AWS::SQS::Queue'),
      },
    ]);
  });

  test('has no managed policy', () => {
    template.resourceCountIs('AWS::IAM::Role', 1);
    template.hasResourceProperties('AWS::IAM::Role', { ManagedPolicyArns: Match.absent() });
  });
});

test('the table costs nothing while it is not used, forgets by itself, and goes with the stack', () => {
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

describe('what failed for good', () => {
  const [queueId = ''] = Object.keys(template.findResources('AWS::SQS::Queue'));

  test('is kept for two weeks, encrypted', () => {
    template.resourceCountIs('AWS::SQS::Queue', 1);
    template.hasResourceProperties('AWS::SQS::Queue', {
      MessageRetentionPeriod: 14 * 24 * 60 * 60,
      SqsManagedSseEnabled: true,
    });
  });

  test('is sent and fetched by TLS only', () => {
    template.hasResourceProperties('AWS::SQS::QueuePolicy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
        ]),
      },
    });
  });

  test('comes there from an asynchronous invocation after two retries, or after an hour', () => {
    template.hasResourceProperties('AWS::Lambda::EventInvokeConfig', {
      Qualifier: '$LATEST',
      MaximumRetryAttempts: 2,
      MaximumEventAgeInSeconds: 3600,
      DestinationConfig: { OnFailure: { Destination: { 'Fn::GetAtt': [queueId, 'Arn'] } } },
    });
  });
});

test('what is removed with the stack is everything but the secret', () => {
  for (const type of ['AWS::KMS::Key', 'AWS::Logs::LogGroup', 'AWS::DynamoDB::Table']) {
    const found = Object.values(other.findResources(type));
    assert.ok(found.length > 0, type);
    for (const resource of found) assert.equal(resource['DeletionPolicy'], 'Delete', type);
  }
  for (const properties of Object.values(resourcesOf(other, 'AWS::KMS::Key'))) {
    assert.equal(properties['EnableKeyRotation'], true);
  }
});

/** Synthesises a function with this environment, of which some is added after the check was asked for. */
function synthWith(variablesOf: (stack: Stack) => Record<string, string>): void {
  const app = new App();
  const stack = new Stack(app, 'Test');
  const fn = new LambdaFunction(stack, 'Function', {
    runtime: Runtime.NODEJS_24_X,
    handler: 'index.handler',
    code: Code.fromInline('exports.handler = () => {};'),
  });
  checkEnvironmentSize(fn);
  for (const [name, value] of Object.entries(variablesOf(stack))) fn.addEnvironment(name, value);
  app.synth();
}

describe('an environment of more than 4 kB fails synth, and a smaller one does not', () => {
  const tokens = (stack: Stack, count: number) =>
    Array.from({ length: count }, (_, i) => new CfnParameter(stack, `P${i}`).valueAsString);
  const cases: [name: string, bytes: number, variablesOf: (stack: Stack) => Record<string, string>][] = [
    ['names and values', 4096, () => ({ NAME: 'x'.repeat(4092) })],
    ['a byte more', 4097, () => ({ NAME: 'x'.repeat(4093) })],
    ['bytes, not characters', 4098, () => ({ NAME: 'ä'.repeat(2047) })],
    ['tokens alone', 4 + 25 * 160, (stack) => ({ LIST: tokens(stack, 25).join('') })],
    ['tokens with what separates them', 4 + 26 * 161 - 1, (stack) => ({ LIST: tokens(stack, 26).join(',') })],
  ];
  for (const [name, bytes, variablesOf] of cases) {
    test(`${name}: ${bytes} bytes`, () => {
      const synth = () => synthWith(variablesOf);
      if (bytes <= 4096) assert.doesNotThrow(synth);
      else assert.throws(synth, new RegExp(`may take ${bytes} bytes .* Lambda allows 4096: shorten them`));
    });
  }
});

test('the environment of the construct is checked, with what is added to it later', () => {
  const app = new App();
  const stack = new Stack(app, 'Test');
  const curfew = new FineTuningCurfew(stack, 'Curfew');
  for (let i = 0; i < 30; i += 1) curfew.stopAllOn(new Topic(stack, `Topic${i}`));
  assert.throws(() => app.synth(), /Test\/Curfew\/Curfew\/Function.* give "stopAllOn" fewer topics/);
});
