import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { App, Aws, CfnParameter, Stack } from 'aws-cdk-lib';
import { Alias } from 'aws-cdk-lib/aws-kms';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { FineTuningCurfew, type FineTuningCurfewProps } from '../../../infra/index.ts';
// Else CDK would write to the home directory.
import '../synthesize.ts';

const bedrock = 'https://bedrock-mantle.us-west-2.api.aws/v1';

const newStack = () => new Stack(new App(), 'Test');
const curfewIn = (stack: Stack, props: FineTuningCurfewProps) => new FineTuningCurfew(stack, 'Curfew', props);

describe('a wrong prop throws with its name and what is allowed', () => {
  const cases: [props: object, expected: RegExp][] = [
    [{ timeBudgetMinutes: -5 }, /prop "timeBudgetMinutes" is -5, but must be a whole number/],
    [{ timeBudgetMinutes: Number.NaN }, /prop "timeBudgetMinutes"/],
    [{ timeBudgetMinutes: 0 }, /prop "timeBudgetMinutes" is 0.*only with "dryRun"/],
    [{ secretName: '*' }, /prop "secretName".* the name or ARN/],
    [{ secretName: 'arn:aws:sns:us-east-1:111122223333:alerts' }, /prop "secretName".* the name or ARN/],
    [{ secretName: `openai/${Aws.REGION}/*` }, /prop "secretName".* the name or ARN/],
    [{ secretKmsKeyArn: `arn:aws:kms:${Aws.REGION}:111122223333:key/*` }, /prop "secretKmsKeyArn".* the ARN/],
    [{ openaiBaseUrl: null }, /prop "openaiBaseUrl" is null, but must be an https URL/],
    [{ logRetentionDays: null }, /prop "logRetentionDays" is null, but must be one of 1, 3/],
    [{ logRetentionDays: '0x5a' }, /prop "logRetentionDays" is "0x5a", but must be one of 1, 3/],
    [{ secretName: ['openai/api-key'] }, /prop "secretName".* the name or ARN/],
    [{ provider: 'azure' }, /"openaiBaseUrl" must be that of your Azure resource/],
    [{ openaiBaseUrl: bedrock, region: 'eu-west-1' }, /"region" is eu-west-1, but the host.* is in us-west-2/],
    [{ provider: 'bedrock-customization', openaiBaseUrl: bedrock }, /"openaiBaseUrl" must be left out/],
    [{ projects: { a: { timeBudgetMinutes: -1 } } }, /"timeBudgetMinutes" of project "a" in prop "projects"/],
    [{ projects: { a: { openaiBaseUrl: bedrock, region: 'eu-west-1' } } }, /project "a": "region" is eu-west-1/],
    [
      { projects: { a: { provider: 'bedrock-customization', openaiBaseUrl: bedrock } } },
      /project "a": "openaiBaseUrl" must be left out for "provider" bedrock-customization/,
    ],
    [{ projects: { a: { openaiBaseUrl: 'https://example.com/v1' } } }, /project "a": .*"secretName"/],
    [{ name: 'aws-team', projects: { a: {} } }, /must not begin with "aws"/],
    [{ topic: {}, notifyTopicArn: 'arn:aws:sns:us-east-1:111122223333:alerts' }, /"topic" and "notifyTopicArn"/],
  ];
  for (const [props, expected] of cases) {
    test(JSON.stringify(props), () => {
      assert.throws(() => curfewIn(newStack(), props), expected);
    });
  }

  const misspelt: [key: string, meant: string][] = [
    ['dryrun', 'dryRun'],
    ['secrets', 'secret'],
    ['topics', 'topic'],
    ['eventbus', 'eventBus'],
    ['VPC', 'vpc'],
    ['vpcSubnet', 'vpcSubnets'],
    ['securityGroup', 'securityGroups'],
    ['saveQueries', 'savedQueries'],
    ['notifyTopic', 'notifyTopicArn'],
  ];
  for (const [key, meant] of misspelt) {
    test(`one whose name is misspelt: ${key}`, () => {
      const props = { [key]: true };
      assert.throws(
        () => curfewIn(newStack(), props),
        ({ message }: Error) => message === `prop "${key}" is not a setting: did you mean "${meant}"?`,
      );
    });
  }

  test('one that is not ours, with the names of those that are', () => {
    const props: object = { costCenter: '1234', alarms: [], removalPolicy: 'retain' };
    assert.throws(
      () => curfewIn(newStack(), props),
      (error: Error) => {
        const [first, ...others] = error.message.split('\n');
        assert.match(
          first ?? '',
          /^prop "costCenter" is not a setting: there are .*, timeBudgetMinutes, .*, savedQueries$/,
        );
        assert.equal(others.length, 2);
        return true;
      },
    );
  });

  const otherKinds: [props: object, expected: RegExp][] = [
    [{ topic: 'arn:aws:sns:us-east-1:111122223333:alerts' }, /prop "topic" must be an ITopic.*notifyTopicArn/],
    [{ secret: 'openai/api-key' }, /prop "secret" must be an ISecret.*secretName/],
    [{ eventBus: 'central' }, /prop "eventBus" must be an IEventBus/],
    [{ vpc: 'vpc-1' }, /prop "vpc" must be an IVpc/],
    [{ vpcSubnets: 'subnet-1' }, /prop "vpcSubnets" must be a SubnetSelection/],
    [{ securityGroups: ['sg-1'] }, /prop "securityGroups" must be an array of ISecurityGroup/],
    [{ savedQueries: 'false' }, /prop "savedQueries" must be true or false/],
    [{ vpc: null }, /prop "vpc" must be an IVpc/],
  ];
  for (const [props, expected] of otherKinds) {
    test(`of another kind: ${JSON.stringify(props)}`, () => {
      assert.throws(() => curfewIn(newStack(), props), expected);
    });
  }

  const env = { account: '111122223333', region: 'us-east-1' };
  const topics: [what: string, arn: string, expected: string][] = [
    ['a FIFO one', 'arn:aws:sns:us-east-1:111122223333:alerts.fifo', 'a FIFO topic'],
    ['of another region', 'arn:aws:sns:eu-west-1:111122223333:alerts', 'in eu-west-1'],
    ['of another account', 'arn:aws:sns:us-east-1:444455556666:alerts', 'in account 4444'],
  ];
  for (const [what, arn, expected] of topics) {
    test(`a topic, ${what}`, () => {
      const stack = new Stack(new App(), 'Test', { env });
      const topic = Topic.fromTopicArn(stack, 'Topic', arn);
      assert.throws(() => curfewIn(stack, { topic }), { message: new RegExp(`^prop "topic" is ${expected}`) });
      if (arn.endsWith('.fifo')) return;
      const message = new RegExp(`^prop "notifyTopicArn" is ${expected}`);
      assert.throws(() => new FineTuningCurfew(stack, 'ByArn', { notifyTopicArn: arn }), { message });
    });
  }

  test('a topic with the key that AWS manages for SNS', () => {
    const stack = newStack();
    const masterKey = Alias.fromAliasName(stack, 'Key', 'alias/aws/sns');
    const topic = new Topic(stack, 'Topic', { masterKey });
    assert.throws(() => curfewIn(stack, { topic }), /prop "topic" .*neither CloudWatch nor EventBridge may use/);
  });

  test('a secret and a secretName', () => {
    const stack = newStack();
    const secret = Secret.fromSecretNameV2(stack, 'Secret', 'openai/api-key');
    assert.throws(() => curfewIn(stack, { secret, secretName: 'openai/api-key' }), /"secret" and "secretName"/);
  });

  for (const name of ['enabled', 'sweepEveryMinutes', 'savedQueries']) {
    test(`a token for ${name}, which decides what resources there are`, () => {
      const stack = newStack();
      const { value } = new CfnParameter(stack, 'Value');
      assert.throws(
        () => curfewIn(stack, { [name]: value }),
        new RegExp(`prop "${name}" must be (known at synth|true or false)`),
      );
    });
  }
});
