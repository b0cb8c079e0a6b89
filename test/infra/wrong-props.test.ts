import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { App, CfnParameter, Stack } from 'aws-cdk-lib';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { FineTuningCurfew, type FineTuningCurfewProps } from '../../infra/index.ts';
// Else CDK would write to the home directory.
import './synthesize.ts';

const newStack = () => new Stack(new App(), 'Test');
const curfewIn = (stack: Stack, props: FineTuningCurfewProps) => new FineTuningCurfew(stack, 'Curfew', props);

describe('a wrong prop throws with its name and what is allowed', () => {
  const cases: [props: object, expected: RegExp][] = [
    [{ timeBudgetMinutes: -5 }, /prop "timeBudgetMinutes" is "-5", but must be a whole number/],
    [{ timeBudgetMinutes: 1.5 }, /prop "timeBudgetMinutes"/],
    [{ timeBudgetMinutes: Number.NaN }, /prop "timeBudgetMinutes"/],
    [{ timeBudgetMinutes: 0 }, /prop "timeBudgetMinutes" is 0.*only with "dryRun"/],
    [{ openaiBaseUrl: 'http://evil.example' }, /prop "openaiBaseUrl".* an https URL/],
    [{ logLevel: 'LOUD' }, /prop "logLevel".* one of DEBUG/],
    [{ sweepEveryMinutes: 4000 }, /prop "sweepEveryMinutes".* 1 to 1440/],
    [{ secretName: '*' }, /prop "secretName".* the name or ARN/],
    [{ secretName: 'openai/*' }, /prop "secretName".* the name or ARN/],
    [{ secretName: ['openai/api-key'] }, /prop "secretName".* the name or ARN/],
    [{ name: 'a b' }, /prop "name"/],
    [{ cancelLimit: 0 }, /prop "cancelLimit"/],
    [{ logRetentionDays: 42 }, /prop "logRetentionDays"/],
    [{ dryRun: 'yes' }, /prop "dryRun".* true or false/],
    [{ provider: 'azure' }, /"openaiBaseUrl" must be that of your Azure resource/],
    [{ projects: { a: { timeBudgetMinutes: -1 } } }, /"timeBudgetMinutes" of project "a" in prop "projects"/],
    [{ projects: { a: { timeBudgetMinutes: 0 } } }, /project "a": "timeBudgetMinutes" is 0/],
    [{ projects: { a: { provider: 'azure' } } }, /project "a": .*"openaiBaseUrl"/],
    [{ projects: { a: { openaiBaseUrl: 'https://example.com/v1' } } }, /project "a": .*"secretName"/],
    [{ name: 'aws-team', projects: { a: {} } }, /must not begin with "aws"/],
    [
      { topic: {}, notifyTopicArn: 'arn:aws:sns:us-east-1:111122223333:alerts' },
      /"topic" and "notifyTopicArn"/,
    ],
  ];
  for (const [props, expected] of cases) {
    test(JSON.stringify(props), () => {
      assert.throws(() => curfewIn(newStack(), props), expected);
    });
  }

  const misspelt: [key: string, meant: string][] = [
    ['dryrun', 'dryRun'],
    ['timeBudgetMinute', 'timeBudgetMinutes'],
    ['Enabled', 'enabled'],
    ['project', 'projects'],
    ['secrets', 'secret'],
    ['topics', 'topic'],
    ['eventbus', 'eventBus'],
    ['VPC', 'vpc'],
    ['vpcSubnet', 'vpcSubnets'],
    ['securityGroup', 'securityGroups'],
    ['saveQueries', 'savedQueries'],
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

  test('but not one that is nothing like ours, as whoever extends the props may have', () => {
    const props: FineTuningCurfewProps & { costCenter: string } = { costCenter: '1234' };
    assert.doesNotThrow(() => curfewIn(newStack(), props));
  });

  test('a secret and a secretName', () => {
    const stack = newStack();
    const secret = Secret.fromSecretNameV2(stack, 'Secret', 'openai/api-key');
    assert.throws(
      () => curfewIn(stack, { secret, secretName: 'openai/api-key' }),
      /"secret" and "secretName"/,
    );
  });

  test('a token where a schedule and an alarm are made of it', () => {
    const stack = newStack();
    const sweepEveryMinutes = new CfnParameter(stack, 'Minutes', { type: 'Number' }).valueAsNumber;
    assert.throws(() => curfewIn(stack, { sweepEveryMinutes }), /"sweepEveryMinutes" must be known at synth/);
  });
});
