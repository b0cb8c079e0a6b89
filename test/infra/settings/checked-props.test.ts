import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Aws } from 'aws-cdk-lib';
import { Alias } from 'aws-cdk-lib/aws-kms';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { curfewIn, newStack } from '../synthesize.ts';

const bedrock = 'https://bedrock-mantle.us-west-2.api.aws/v1';
const topicArn = 'arn:aws:sns:us-east-1:111122223333:alerts';
const customization = { provider: 'bedrock-customization', openaiBaseUrl: bedrock };

describe('a wrong prop throws an error with its name and what is allowed', () => {
  const cases: [props: object, expected: RegExp][] = [
    [{ timeBudgetMinutes: Number.NaN }, /prop "timeBudgetMinutes".* must be a whole number/],
    [{ timeBudgetMinutes: 0 }, /prop "timeBudgetMinutes" is 0.*only with "dryRun"/],
    [{ secretName: topicArn }, /prop "secretName".* the name or ARN/],
    [{ secretName: ['openai/api-key'] }, /prop "secretName".* the name or ARN/],
    [{ secretName: `openai/${Aws.REGION}/*` }, /prop "secretName".* the name or ARN/],
    [{ secretKmsKeyArn: `arn:aws:kms:${Aws.REGION}:111122223333:key/*` }, /prop "secretKmsKeyArn".* the ARN/],
    [{ openaiBaseUrl: null }, /prop "openaiBaseUrl" is null, but must be an https URL/],
    [{ logRetentionDays: null }, /prop "logRetentionDays" is null, but must be one of 1, 3/],
    [{ logRetentionDays: '0x5a' }, /prop "logRetentionDays" is "0x5a", but must be one of 1, 3/],
    [{ provider: 'azure' }, /^"openaiBaseUrl" must be that of your Azure resource/],
    [{ openaiBaseUrl: bedrock, region: 'eu-west-1' }, /^"region" is eu-west-1, but the host.* is in us-west-2/],
    [customization, /^"openaiBaseUrl" must be left out/],
    [{ projects: { a: { timeBudgetMinutes: -1 } } }, /"timeBudgetMinutes" of project "a" in prop "projects"/],
    [{ projects: { a: customization } }, /^project "a": "openaiBaseUrl" must be left out/],
    [{ name: 'aws-team', projects: { a: {} } }, /must not begin with "aws"/],

    // Says the same thing twice, has the wrong type, or is unknown at synth although resources depend on it.
    [{ topic: {}, notifyTopicArn: topicArn }, /"topic" and "notifyTopicArn"/],
    [{ secret: {}, secretName: 'openai/api-key' }, /"secret" and "secretName"/],
    [{ topic: topicArn }, /prop "topic" must be an ITopic.*notifyTopicArn/],
    [{ secret: 'openai/api-key' }, /prop "secret" must be an ISecret.*secretName/],
    [{ eventBus: 'central' }, /prop "eventBus" must be an IEventBus/],
    [{ vpc: 'vpc-1' }, /prop "vpc" must be an IVpc/],
    [{ vpc: null }, /prop "vpc" must be an IVpc/],
    [{ vpcSubnets: 'subnet-1' }, /prop "vpcSubnets" must be a SubnetSelection/],
    [{ securityGroups: ['sg-1'] }, /prop "securityGroups" must be an array of ISecurityGroup/],
    [{ savedQueries: 'false' }, /prop "savedQueries" must be true or false/],
    [{ savedQueries: Aws.REGION }, /prop "savedQueries" must be true or false/],
    [{ enabled: Aws.REGION }, /prop "enabled" must be known at synth/],
    [{ sweepEveryMinutes: Aws.REGION }, /prop "sweepEveryMinutes" must be known at synth/],

    // A likely typo, and a name unlike any of ours.
    [{ dryrun: true }, /^prop "dryrun" is not a setting: did you mean "dryRun"\?$/],
    [{ secrets: true }, /^prop "secrets" is not a setting: did you mean "secret"\?$/],
    [{ VPC: true }, /^prop "VPC" is not a setting: did you mean "vpc"\?$/],
    [{ notifyTopic: true }, /^prop "notifyTopic" is not a setting: did you mean "notifyTopicArn"\?$/],
    [
      { costCenter: '1234', alarms: [] },
      /^prop "costCenter" is not a setting: the props are .*, timeBudgetMinutes, .*, savedQueries\nprop "alarms" .*$/,
    ],
  ];
  for (const [props, expected] of cases) {
    test(JSON.stringify(props), () => {
      assert.throws(() => curfewIn(newStack(), props), { message: expected });
    });
  }

  const env = { account: '111122223333', region: 'us-east-1' };
  const topics: [what: string, arn: string, expected: string][] = [
    ['of another region', 'arn:aws:sns:eu-west-1:111122223333:alerts', 'in eu-west-1'],
    ['of another account', 'arn:aws:sns:us-east-1:444455556666:alerts', 'in account 4444'],
    ['a FIFO one', `${topicArn}.fifo`, 'a FIFO topic'],
  ];
  for (const [what, arn, expected] of topics) {
    test(`a topic, ${what}`, () => {
      const stack = newStack({ env });
      const topic = Topic.fromTopicArn(stack, 'Topic', arn);
      assert.throws(() => curfewIn(stack, { topic }), { message: new RegExp(`^prop "topic" is ${expected}`) });
      if (topic.fifo) return;
      const message = new RegExp(`^prop "notifyTopicArn" is ${expected}`);
      assert.throws(() => curfewIn(newStack({ env }), { notifyTopicArn: arn }), { message });
    });
  }

  test('a topic with the AWS managed key for SNS', () => {
    const stack = newStack();
    const masterKey = Alias.fromAliasName(stack, 'Key', 'alias/aws/sns');
    const topic = new Topic(stack, 'Topic', { masterKey });
    assert.throws(() => curfewIn(stack, { topic }), /prop "topic" .*neither CloudWatch nor EventBridge may use/);
  });
});
