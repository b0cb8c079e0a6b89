import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Match, type Template } from 'aws-cdk-lib/assertions';
import { metricUnits } from '../../lambda/names.ts';
import { synthesize } from './synthesize.ts';

const template = await synthesize();
const withMail = await synthesize({ notifyEmail: 'ml@example.com', sweepEveryMinutes: '10' });

describe('an alarm', () => {
  const atLeastOnce = {
    Threshold: 1,
    ComparisonOperator: 'GreaterThanOrEqualToThreshold',
    EvaluationPeriods: 1,
    Period: 300,
    TreatMissingData: 'notBreaching',
  };
  const ours = {
    Namespace: 'FineTuningCurfew',
    Dimensions: [{ Name: 'service', Value: 'fine-tuning-curfew' }],
  };
  const alarms: Record<string, object> = {
    Errors: { ...atLeastOnce, Namespace: 'AWS/Lambda', MetricName: 'Errors', Statistic: 'Sum' },
    CancelFailures: { ...atLeastOnce, ...ours, MetricName: 'CancelFailures', Statistic: 'Sum' },
    IncompleteSweeps: { ...atLeastOnce, ...ours, MetricName: 'IncompleteSweeps', Statistic: 'Sum' },
    NoSweep: {
      ...ours,
      MetricName: 'SweepDuration',
      Statistic: 'SampleCount',
      Threshold: 1,
      ComparisonOperator: 'LessThanThreshold',
      EvaluationPeriods: 3,
      Period: 300,
      TreatMissingData: 'breaching',
    },
    Throttles: { ...atLeastOnce, Namespace: 'AWS/Lambda', MetricName: 'Throttles', Statistic: 'Sum' },
    DeadLetters: {
      ...atLeastOnce,
      Namespace: 'AWS/SQS',
      MetricName: 'ApproximateNumberOfMessagesVisible',
      Statistic: 'Maximum',
    },
  };
  for (const [name, properties] of Object.entries(alarms)) {
    test(`${name}, with a line of runbook`, () => {
      template.hasResourceProperties('AWS::CloudWatch::Alarm', {
        AlarmName: `fine-tuning-curfew-${name}`,
        AlarmDescription: Match.stringLikeRegexp('.{40}'),
        ...properties,
      });
    });
  }

  test('stands for each of these, and no other', () => {
    template.resourceCountIs('AWS::CloudWatch::Alarm', Object.keys(alarms).length);
  });

  test('on missing sweeps follows how often they are', () => {
    withMail.hasResourceProperties('AWS::CloudWatch::Alarm', {
      AlarmName: 'fine-tuning-curfew-NoSweep',
      Period: 600,
    });
  });
});

describe('without notifyEmail', () => {
  test('there is no topic, and alarms only show', () => {
    template.resourceCountIs('AWS::SNS::Topic', 0);
    template.allResourcesProperties('AWS::CloudWatch::Alarm', { AlarmActions: Match.absent() });
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

  test('every alarm goes there', () => {
    withMail.allResourcesProperties('AWS::CloudWatch::Alarm', { AlarmActions: [{ Ref: topic }] });
  });

  test('every cancellation goes there, as its sentence', () => {
    withMail.hasResourceProperties('AWS::Events::Rule', {
      EventPattern: { source: ['fine-tuning-curfew'], 'detail-type': ['Fine-Tuning Job Cancelled'] },
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

  test('CloudWatch and EventBridge may use its key', () => {
    for (const Service of ['cloudwatch.amazonaws.com', 'events.amazonaws.com']) {
      withMail.hasResourceProperties('AWS::KMS::Key', {
        KeyPolicy: { Statement: Match.arrayWith([Match.objectLike({ Principal: { Service } })]) },
      });
    }
  });
});

test('the dashboard shows every metric of ours', () => {
  const dashboard = JSON.stringify(resourcesOf(template, 'AWS::CloudWatch::Dashboard'));
  for (const name of Object.keys(metricUnits)) {
    if (name === 'Inspected') continue;
    assert.ok(dashboard.includes(name), name);
  }
});

test('the questions of operators are saved', () => {
  const names = resourcesOf(template, 'AWS::Logs::QueryDefinition').map(({ Name }) => Name);
  assert.deepEqual(names.toSorted(), [
    'fine-tuning-curfew/failures',
    'fine-tuning-curfew/what was cancelled, and why',
    'fine-tuning-curfew/why is this job still running',
  ]);
});

test('for the emulator, the saved queries are left out', async () => {
  (await synthesize({}, { AWS_ENDPOINT_URL: 'http://127.0.0.1:4566' })).resourceCountIs(
    'AWS::Logs::QueryDefinition',
    0,
  );
});

function resourcesOf(from: Template, type: string): Record<string, unknown>[] {
  return Object.values(from.findResources(type)).map((resource) => resource['Properties']);
}
