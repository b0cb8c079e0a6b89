import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Duration, Fn, Token } from 'aws-cdk-lib';
import { Annotations, Match } from 'aws-cdk-lib/assertions';
import type { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { type IVpc, SecurityGroup, SubnetType, Vpc } from 'aws-cdk-lib/aws-ec2';
import { EventBus, type IEventBus } from 'aws-cdk-lib/aws-events';
import { ManagedPolicy, PermissionsBoundary, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { parseSettings } from '../../lambda/settings.ts';
import { curfewIn, newStack, templateOf, templateWith } from './synthesize.ts';
import { settingsIn, settingsJsonOf, statementsFor } from './template.ts';

describe('a prop', () => {
  test('that is undefined gets its default', () => {
    const undefinedProps = { timeBudgetMinutes: undefined, secretName: undefined, projects: undefined };
    assert.deepEqual(settingsIn(templateWith(undefinedProps)), settingsIn(templateWith({})));
  });

  describe('that is a token reaches the function resolved', () => {
    const token = Fn.ref('Given');
    const anyToken = Token.asAny({ Ref: 'Given' });
    const openaiBaseUrl = 'https://example.com/v1';
    const cases: [what: string, props: object, becomes: string, read: object][] = [
      ['a number', { timeBudgetMinutes: Token.asNumber({ Ref: 'Given' }) }, '90', { timeBudgetMinutes: 90 }],
      ['a number as text', { cancelLimit: anyToken }, '5', { cancelLimit: 5 }],
      ['a word', { queueLimitMinutes: anyToken }, 'none', { queueLimitMinutes: 'none' }],
      ['true', { dryRun: anyToken }, 'true', { dryRun: true }],
      ['text', { secretField: token }, 'key', { secretField: 'key' }],
      ['part of a text', { openaiBaseUrl: `https://${token}/v1` }, 'example.com', { openaiBaseUrl }],
      ['a provider', { provider: anyToken, openaiBaseUrl }, 'azure', { provider: 'azure' }],
      ['nothing, for a provider', { provider: anyToken }, '', { provider: undefined }],
      ['nothing, for a queue limit', { queueLimitMinutes: anyToken }, '', { queueLimitMinutes: undefined }],
    ];
    for (const [what, props, becomes, read] of cases) {
      test(what, () => {
        const given = (ref: object) => ('Ref' in ref && ref.Ref === 'Given' ? becomes : 'curfew-table');
        const settings = { CURFEW_SETTINGS: settingsJsonOf(templateWith(props), given), AWS_REGION: 'eu-west-1' };
        const all: Record<string, unknown> = { ...parseSettings(settings) };
        assert.deepEqual(Object.fromEntries(Object.keys(read).map((key) => [key, all[key]])), read);
        assert.equal(all['tableName'], 'curfew-table');
      });
    }
  });

  test('eventBus is where events go, and where mail rules listen', () => {
    const template = templateOf((stack) => {
      const eventBus = new EventBus(stack, 'Bus');
      // CDK's types conflict with exactOptionalPropertyTypes.
      curfewIn(stack, { eventBus: eventBus as IEventBus, notifyEmail: 'ml@example.com' });
    });
    const [bus] = Object.keys(template.findResources('AWS::Events::EventBus'));
    const arn = { 'Fn::GetAtt': [bus, 'Arn'] };
    assert.deepEqual(
      statementsFor(template, 'events').map(({ Resource }) => Resource),
      [arn],
    );
    assert.deepEqual(settingsIn(template)['eventBusName'], arn);
    template.hasResourceProperties('AWS::Events::Rule', {
      EventBusName: { Ref: bus },
      EventPattern: Match.objectLike({ source: ['fine-tuning-curfew'] }),
    });
  });

  test('vpc is where the function runs, with its subnets and groups, and the permissions for that', () => {
    const template = templateOf((stack) => {
      // CDK's types conflict with exactOptionalPropertyTypes.
      const vpc = new Vpc(stack, 'Vpc') as IVpc;
      const group = new SecurityGroup(stack, 'Group', { vpc });
      const vpcSubnets = { subnetType: SubnetType.PRIVATE_WITH_EGRESS };
      curfewIn(stack, { vpc, vpcSubnets, securityGroups: [group] });
    });
    const [group] = Object.keys(template.findResources('AWS::EC2::SecurityGroup'));
    template.hasResourceProperties('AWS::Lambda::Function', {
      VpcConfig: {
        SecurityGroupIds: [{ 'Fn::GetAtt': [group, 'GroupId'] }],
        SubnetIds: [
          { Ref: Match.stringLikeRegexp('PrivateSubnet1') },
          { Ref: Match.stringLikeRegexp('PrivateSubnet2') },
        ],
      },
    });
    const [network] = statementsFor(template, 'ec2');
    assert.ok(network?.Action.includes('ec2:CreateNetworkInterface'));
    assert.deepEqual(statementsFor(templateWith({}), 'ec2'), []);
  });
});

test('a permissions boundary is applied with CDK’s own API', () => {
  const template = templateOf((stack) => {
    const curfew = curfewIn(stack);
    const boundary = ManagedPolicy.fromAwsManagedPolicyName('PowerUserAccess');
    PermissionsBoundary.of(curfew).apply(boundary);
  });
  template.allResourcesProperties('AWS::IAM::Role', { PermissionsBoundary: Match.anyValue() });
});

describe('the construct offers', () => {
  test('every resource that others may want to wire', () => {
    const stack = newStack();
    const topic = new Topic(stack, 'Topic');
    const curfew = curfewIn(stack, { topic, name: 'research' });
    const { function: fn, logGroup, table, deadLetters, dashboard } = curfew;
    for (const construct of [fn, logGroup, table, deadLetters, dashboard])
      assert.ok(stack.node.findAll().includes(construct));
    assert.equal(curfew.topic, topic);
    assert.equal(curfewIn(newStack()).topic, undefined);
    assert.equal(curfew.alarms.length, 11);
    const { namespace, metricName, dimensions } = curfew.metric('HeldBack', { period: Duration.hours(1) });
    assert.deepEqual([namespace, metricName, dimensions], ['FineTuningCurfew', 'HeldBack', { service: 'research' }]);
  });

  test('the metrics that most alarms and dashboards need', () => {
    const curfew = curfewIn(newStack(), { name: 'research' });
    const metrics: [metric: Metric, name: string, statistic: string][] = [
      [curfew.metricCancelled(), 'Cancelled', 'Sum'],
      [curfew.metricOverdue(), 'Overdue', 'Maximum'],
      [curfew.metricInProgress(), 'InProgress', 'Maximum'],
      [curfew.metricHeldBack(), 'HeldBack', 'Maximum'],
      [curfew.metricErrors(), 'Errors', 'Sum'],
    ];
    for (const [{ namespace, metricName, dimensions, statistic, period }, name, expected] of metrics) {
      assert.deepEqual(
        [namespace, metricName, dimensions, statistic, period.toMinutes()],
        ['FineTuningCurfew', name, { service: 'research' }, expected, 5],
      );
    }
    assert.equal(curfew.metricOverdue({ statistic: 'Average' }).statistic, 'Average');
  });

  test('alarms that take more actions', () => {
    const template = templateOf((stack) => {
      const pager = new SnsAction(new Topic(stack, 'Pager'));
      for (const alarm of curfewIn(stack).alarms) alarm.addAlarmAction(pager);
    });
    const [pager] = Object.keys(template.findResources('AWS::SNS::Topic'));
    template.allResourcesProperties('AWS::CloudWatch::Alarm', { AlarmActions: [{ Ref: pager }] });
  });

  test('a grant to invoke the function', () => {
    const template = templateOf((stack) => {
      const role = new Role(stack, 'Caller', { assumedBy: new ServicePrincipal('scheduler.amazonaws.com') });
      curfewIn(stack).grantInvoke(role);
    });
    assert.equal(statementsFor(template, 'lambda')[0]?.Action, 'lambda:InvokeFunction');
  });
});

describe('a queue of requests', () => {
  const arn = 'arn:aws:sqs:us-east-1:111122223333:requests';

  test('is handled if it hides messages for 16 minutes, and only failed messages come back', () => {
    const template = templateOf((stack) => {
      curfewIn(stack).handleRequestsFrom(new Queue(stack, 'Requests', { visibilityTimeout: Duration.minutes(16) }));
    });
    template.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
      FunctionResponseTypes: ['ReportBatchItemFailures'],
    });
  });

  for (const props of [{}, { visibilityTimeout: Duration.minutes(15) }]) {
    test(`is refused with a visibility timeout of ${props.visibilityTimeout?.toHumanString() ?? 'nothing said'}`, () => {
      const stack = newStack();
      const queue = new Queue(stack, 'Requests', props);
      assert.throws(() => curfewIn(stack).handleRequestsFrom(queue), /"Test\/Requests".*Duration.minutes\(16\)/);
    });
  }

  test('in another region is refused, because Lambda cannot read it; one of another app is taken as it is', () => {
    const stack = newStack({ env: { account: '111122223333', region: 'eu-west-1' } });
    const queue = Queue.fromQueueArn(stack, 'Requests', arn);
    assert.throws(() => curfewIn(stack).handleRequestsFrom(queue), /is in us-east-1.* give one in eu-west-1/);
    assert.doesNotThrow(() => curfewIn(newStack()).handleRequestsFrom(queue));
  });

  test('of this app without a dead-letter queue causes a warning', () => {
    const stack = newStack();
    const curfew = curfewIn(stack);
    const visibilityTimeout = Duration.minutes(16);
    const deadLetterQueue = { queue: new Queue(stack, 'Failed'), maxReceiveCount: 3 };
    curfew.handleRequestsFrom(new Queue(stack, 'Safe', { visibilityTimeout, deadLetterQueue }));
    Annotations.fromStack(stack).hasNoWarning('/Test/Curfew', Match.anyValue());
    curfew.handleRequestsFrom(new Queue(stack, 'Unsafe', { visibilityTimeout }));
    const expected = '"Test/Unsafe" has no dead-letter queue.*give it a "deadLetterQueue"';
    Annotations.fromStack(stack).hasWarning('/Test/Curfew', Match.stringLikeRegexp(expected));
  });
});
