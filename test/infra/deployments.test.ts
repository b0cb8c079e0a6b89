import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Template } from 'aws-cdk-lib/assertions';
import { FineTuningCurfew } from '../../infra/index.ts';
import { metricUnits } from '../../lambda/names.ts';
import recorded from './logical-ids.json' with { type: 'json' };
import { synthesize, templateOf } from './synthesize.ts';
import { resourcesOf } from './template.ts';

const { stackName, template } = synthesize('defaults');
const other = synthesize('everySetting');

/** Every name in the properties of a template's resources. */
function namesIn(from: Template): string[] {
  const keys = ['FunctionName', 'LogGroupName', 'AlarmName', 'DashboardName', 'Name', 'MetricName', 'QueueName'];
  return Object.values<{ Type: string; Properties?: Record<string, unknown> }>(from.toJSON()['Resources'])
    .filter(({ Type }) => Type !== 'AWS::Lambda::Alias')
    .flatMap(({ Properties = {} }) => keys.map((key) => Properties[key]))
    .filter((name) => typeof name === 'string');
}

describe('a deployment', () => {
  test('without a name is the stack FineTuningCurfew; with a name, it is another stack', () => {
    assert.equal(stackName, 'FineTuningCurfew');
    assert.equal(other.stackName, 'FineTuningCurfew-research');
  });

  test('shares no names with another one, except those of metrics', () => {
    const metrics = [...Object.keys(metricUnits), 'Throttles', 'ApproximateNumberOfMessagesVisible'];
    const taken = new Set(namesIn(template).filter((name) => !metrics.includes(name)));
    assert.ok(taken.has('fine-tuning-curfew') && taken.has('fine-tuning-curfew-NoSweep'));
    assert.deepEqual(
      namesIn(other.template).filter((name) => taken.has(name)),
      [],
    );
  });

  test('counts and publishes under its own name', () => {
    const alarms = Object.values(resourcesOf(other.template, 'AWS::CloudWatch::Alarm'));
    const ours = alarms.filter(({ Namespace }) => Namespace === 'FineTuningCurfew');
    assert.equal(ours.length, 9);
    for (const { MetricName, Dimensions } of ours) {
      if (Dimensions === undefined) assert.equal(MetricName, 'research-Crashes');
      else assert.deepEqual(Dimensions, [{ Name: 'service', Value: 'research' }]);
    }
    other.template.hasResourceProperties('AWS::Events::Rule', { EventPattern: { detail: { curfew: ['research'] } } });
    const dashboard = JSON.stringify(resourcesOf(other.template, 'AWS::CloudWatch::Dashboard'));
    assert.ok(!dashboard.includes('fine-tuning-curfew'));
  });

  test('can share a stack with another one', () => {
    const both = templateOf((stack) => {
      for (const name of ['one', 'two']) new FineTuningCurfew(stack, name, { name, notifyEmail: 'ml@example.com' });
    });
    both.resourceCountIs('AWS::Lambda::Function', 2);
    both.resourceCountIs('AWS::CloudWatch::Alarm', 22);
  });
});

test('the outputs are what an operator needs', () => {
  assert.deepEqual(Object.keys(template.toJSON()['Outputs']).toSorted(), [
    ...['DashboardUrl', 'DeadLetterQueueUrl', 'FunctionArn', 'FunctionName', 'InvokeCommand', 'LogTailCommand'],
    'RoleArn',
  ]);
});

test('the URL of the dashboard depends on the partition', () => {
  const domains = {
    aws: 'console.aws.amazon.com',
    'aws-cn': 'console.amazonaws.cn',
    'aws-us-gov': 'console.amazonaws-us-gov.com',
    'aws-eusc': 'console.amazonaws-eusc.eu',
  };
  const { Mappings, Outputs } = template.toJSON();
  for (const [partition, domain] of Object.entries(domains)) {
    const [, parts] = Outputs.DashboardUrl.Value['Fn::Join'];
    const become = (part: string | { Ref?: string }): string => {
      if (typeof part === 'string') return part;
      if (part.Ref === undefined) return Mappings.Consoles[partition].Domain;
      return part.Ref === 'AWS::Region' ? 'REGION' : 'fine-tuning-curfew';
    };
    const path = '/cloudwatch/home?region=REGION#dashboards/dashboard/fine-tuning-curfew';
    assert.equal(parts.map(become).join(''), `https://REGION.${domain}${path}`);
  }
});

// A new logical id for a named resource fails the upgrade, because CloudFormation creates the new one first. For
// others it loses their data, or the confirmation of a mail address.
describe('an upgrade', () => {
  const typesToKeep = new Set(Object.values(recorded).flatMap((resources) => Object.values(resources)));
  for (const context of ['mail', 'projects'] as const) {
    test(`keeps everything that has a name or data: ${context}`, () => {
      const resources = Object.entries<{ Type: string }>(synthesize(context).template.toJSON()['Resources']);
      const kept = resources.filter(([, { Type }]) => typesToKeep.has(Type)).map(([id, { Type }]) => [id, Type]);
      assert.deepEqual(Object.fromEntries(kept), recorded[context]);
    });
  }
});

test('the dashboard shows all our metrics: maximums of what sweeps find, sums of what they do', () => {
  const body = JSON.stringify(resourcesOf(template, 'AWS::CloudWatch::Dashboard')).replaceAll('\\"', '"');
  for (const name of [...Object.keys(metricUnits), 'fine-tuning-curfew-Crashes']) {
    assert.ok(name === 'Inspected' || body.includes(name), name);
  }
  const statistics = { Overdue: 'Maximum', HeldBack: 'Maximum', InProgress: 'Maximum', Cancelled: 'Sum' };
  for (const [name, stat] of Object.entries(statistics)) {
    assert.ok(body.includes(`"${name}","service","fine-tuning-curfew",${JSON.stringify({ stat })}`), name);
  }
});

test('each question of operators has a saved query that shows the project, except in the emulator', () => {
  const queries = Object.values(resourcesOf(template, 'AWS::Logs::QueryDefinition'));
  assert.deepEqual(queries.map(({ Name }) => Name).toSorted(), [
    'fine-tuning-curfew/failures',
    'fine-tuning-curfew/what was cancelled, and why',
    'fine-tuning-curfew/why is this job still running',
  ]);
  for (const { QueryString } of queries) assert.match(String(QueryString), /^fields .*\bproject\b/);
  synthesize('defaults', { isEmulated: true }).template.resourceCountIs('AWS::Logs::QueryDefinition', 0);
});

describe('metadata tells cdk-nag 2 why a rule is broken', () => {
  const resources: Record<string, { Type: string; Metadata?: { cdk_nag?: { rules_to_suppress: object[] } } }> =
    synthesize('projects').template.toJSON()['Resources'];
  const arnOf = (service: string, resource: string, region = '<AWS::Region>') =>
    `Resource::arn:<AWS::Partition>:${service}:${region}:<AWS::AccountId>:${resource}`;
  const findings = [
    arnOf('bedrock-mantle', 'project/*'),
    'Resource::*',
    arnOf('bedrock', 'model-customization-job/*', 'us-west-2'),
    arnOf('ssm', 'parameter/fine-tuning-curfew/projects/*'),
  ];
  const suppressed: Record<string, object[]> = {
    'AWS::SQS::Queue': [{ id: 'AwsSolutions-SQS3' }],
    'AWS::DynamoDB::Table': [{ id: 'AwsSolutions-DDB3' }],
    'AWS::IAM::Policy': findings.map((finding) => ({ id: 'AwsSolutions-IAM5', applies_to: [finding] })),
  };
  for (const [type, rules] of Object.entries(suppressed)) {
    test(type, () => {
      const { Metadata } = Object.values(resources).find(({ Type }) => Type === type) ?? assert.fail();
      const told = Metadata?.cdk_nag?.rules_to_suppress.map((rule) => ({ ...rule, reason: 'Why' }));
      assert.deepEqual(
        told,
        rules.map((rule) => ({ ...rule, reason: 'Why' })),
      );
    });
  }
});
