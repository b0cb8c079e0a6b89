import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Match } from 'aws-cdk-lib/assertions';
import { synthesize } from './synthesize.ts';

const template = await synthesize();

describe('the function', () => {
  test('has the name that operators type, on Node 24 and arm64', () => {
    template.hasResourceProperties('AWS::Lambda::Function', {
      FunctionName: 'fine-tuning-curfew',
      Runtime: 'nodejs24.x',
      Architectures: ['arm64'],
      Handler: 'index.handler',
      Timeout: 300,
      MemorySize: 512,
    });
  });

  test('is told the settings by its environment, and no secret value', () => {
    template.hasResourceProperties('AWS::Lambda::Function', {
      Environment: {
        Variables: {
          SECRET_NAME: 'openai/api-key',
          SECRET_FIELD: 'apiKey',
          TIME_BUDGET_MINUTES: '360',
          LOOKBACK_DAYS: '30',
          OPENAI_BASE_URL: 'https://api.openai.com/v1',
          DRY_RUN: 'false',
          LOG_LEVEL: 'INFO',
        },
      },
    });
    template.resourceCountIs('AWS::SecretsManager::Secret', 0);
  });

  test('keeps its logs for three months', () => {
    template.hasResourceProperties('AWS::Logs::LogGroup', {
      LogGroupName: '/aws/lambda/fine-tuning-curfew',
      RetentionInDays: 90,
    });
  });
});

describe('the role', () => {
  test('may read the one secret, write the one log group, tell its events, add dead letters, and no more', () => {
    const policies = Object.values(template.findResources('AWS::IAM::Policy'));
    const statements = policies.flatMap((policy) => policy['Properties'].PolicyDocument.Statement);
    const logGroup = Object.keys(template.findResources('AWS::Logs::LogGroup'))[0];
    const queue = Object.keys(template.findResources('AWS::SQS::Queue'))[0];
    assert.deepEqual(statements, [
      {
        Effect: 'Allow',
        Action: 'secretsmanager:GetSecretValue',
        Resource: { 'Fn::Join': ['', arnOf('secretsmanager', 'secret:openai/api-key-??????')] },
      },
      {
        Effect: 'Allow',
        Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
        Resource: { 'Fn::GetAtt': [logGroup, 'Arn'] },
      },
      {
        Effect: 'Allow',
        Action: 'events:PutEvents',
        Condition: { StringEquals: { 'events:source': 'fine-tuning-curfew' } },
        Resource: { 'Fn::Join': ['', arnOf('events', 'event-bus/default')] },
      },
      {
        Effect: 'Allow',
        Action: ['sqs:SendMessage', 'sqs:GetQueueAttributes', 'sqs:GetQueueUrl'],
        Resource: { 'Fn::GetAtt': [queue, 'Arn'] },
      },
    ]);
  });

  test('has no managed policy', () => {
    template.resourceCountIs('AWS::IAM::Role', 1);
    template.hasResourceProperties('AWS::IAM::Role', { ManagedPolicyArns: Match.absent() });
  });

  test('may read a secret given by its whole ARN', async () => {
    const secretName = 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:openai-AbCdEf';
    (await synthesize({ secretName })).hasResourceProperties('AWS::IAM::Policy', {
      PolicyDocument: { Statement: Match.arrayWith([Match.objectLike({ Resource: secretName })]) },
    });
  });
});

describe('what could not be delivered, or failed for good', () => {
  const [queueId = ''] = Object.keys(template.findResources('AWS::SQS::Queue'));
  const queueArn = { 'Fn::GetAtt': [queueId, 'Arn'] };

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
      MaximumRetryAttempts: 2,
      MaximumEventAgeInSeconds: 3600,
      DestinationConfig: { OnFailure: { Destination: queueArn } },
    });
  });

  const rules: [schedule: string, maxEventAgeSeconds: number][] = [
    ['rate(5 minutes)', 300],
    ['cron(17 3 * * ? *)', 86_400],
  ];
  for (const [ScheduleExpression, MaximumEventAgeInSeconds] of rules) {
    test(`comes there from the rule ${ScheduleExpression} once its sweep is of no more use`, () => {
      template.hasResourceProperties('AWS::Events::Rule', {
        ScheduleExpression,
        Targets: [
          Match.objectLike({
            DeadLetterConfig: { Arn: queueArn },
            RetryPolicy: { MaximumRetryAttempts: 2, MaximumEventAgeInSeconds },
          }),
        ],
      });
    });
  }
});

describe('the rules', () => {
  const cases: [schedule: string, lookbackDays: number][] = [
    ['rate(5 minutes)', 30],
    ['cron(17 3 * * ? *)', 0],
  ];
  for (const [ScheduleExpression, lookbackDays] of cases) {
    test(`${ScheduleExpression} sweeps with lookbackDays ${lookbackDays}`, () => {
      template.hasResourceProperties('AWS::Events::Rule', {
        ScheduleExpression,
        State: 'ENABLED',
        Targets: [
          Match.objectLike({
            Input: JSON.stringify({ sweep: { timeBudgetMinutes: 360, dryRun: false, lookbackDays } }),
          }),
        ],
      });
    });
  }

  test('follow the context', async () => {
    const context = { sweepEveryMinutes: '1', timeBudgetMinutes: '90', dryRun: 'true', lookbackDays: '7' };
    (await synthesize(context)).hasResourceProperties('AWS::Events::Rule', {
      ScheduleExpression: 'rate(1 minute)',
      Targets: [
        Match.objectLike({
          Input: JSON.stringify({ sweep: { timeBudgetMinutes: 90, dryRun: true, lookbackDays: 7 } }),
        }),
      ],
    });
  });
});

test('the outputs are what an operator needs', () => {
  for (const name of ['FunctionName', 'FunctionArn', 'DeadLetterQueueUrl', 'DashboardUrl']) {
    template.hasOutput(name, {});
  }
});

function arnOf(service: string, resource: string): unknown[] {
  return [
    'arn:',
    { Ref: 'AWS::Partition' },
    `:${service}:`,
    { Ref: 'AWS::Region' },
    ':',
    { Ref: 'AWS::AccountId' },
    `:${resource}`,
  ];
}
