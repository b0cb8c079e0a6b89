import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Match } from 'aws-cdk-lib/assertions';
import { synthesize } from '../synthesize.ts';
import { arnOf, resourcesOf, statementsOf } from '../template.ts';

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
    });
  });

  test('has the settings in its environment, and no secret value', () => {
    const [table] = Object.keys(template.findResources('AWS::DynamoDB::Table'));
    template.hasResourceProperties('AWS::Lambda::Function', {
      Environment: {
        Variables: {
          CURFEW_NAME: 'fine-tuning-curfew',
          SECRET_NAME: 'openai/api-key',
          SECRET_FIELD: 'apiKey',
          TIME_BUDGET_MINUTES: '360',
          LOOKBACK_DAYS: '30',
          CANCEL_LIMIT: '20',
          WARN_BEFORE_MINUTES: '30',
          OPENAI_BASE_URL: 'https://api.openai.com/v1',
          DRY_RUN: 'false',
          LOG_LEVEL: 'INFO',
          TABLE_NAME: { Ref: table },
          PROJECTS_PATH: Match.absent(),
          EVENT_BUS_NAME: Match.absent(),
        },
      },
    });
    template.resourceCountIs('AWS::SecretsManager::Secret', 0);
  });

  test('has the settings of the context there', () => {
    other.hasResourceProperties('AWS::Lambda::Function', {
      Environment: {
        Variables: {
          CURFEW_NAME: 'research',
          SECRET_NAME: 'team/research',
          SECRET_FIELD: 'key',
          TIME_BUDGET_MINUTES: '90',
          LOOKBACK_DAYS: '7',
          CANCEL_LIMIT: 'none',
          WARN_BEFORE_MINUTES: '0',
          OPENAI_BASE_URL: 'https://team.openai.azure.com/openai/v1',
          PROVIDER: 'azure',
          OPENAI_PROJECT: 'proj_1',
          DRY_RUN: 'true',
          LOG_LEVEL: 'DEBUG',
        },
      },
    });
  });

  test('writes plain text, since JSON would override its log level', () => {
    template.hasResourceProperties('AWS::Lambda::Function', { LoggingConfig: { LogFormat: 'Text' } });
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
