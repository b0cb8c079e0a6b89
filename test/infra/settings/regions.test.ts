import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { App, Stack } from 'aws-cdk-lib';
import { type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { FineTuningCurfew, type FineTuningCurfewProps } from '../../../infra/index.ts';
import '../synthesize.ts';

const account = '111122223333';
const secretIn = (region: string) => `arn:aws:secretsmanager:${region}:${account}:secret:openai-AbCdEf`;
const keyIn = (region: string) => `arn:aws:kms:${region}:${account}:key/0aa0-1bb1`;
const stackIn = (region?: string, app = new App()) =>
  new Stack(app, 'Test', region ? { env: { account, region } } : {});
const curfewIn = (stack: Stack, props: FineTuningCurfewProps) => new FineTuningCurfew(stack, 'Curfew', props);

describe('what is in another region than the function, which could never be read, is refused', () => {
  const cases: [name: string, props: FineTuningCurfewProps, expected: RegExp][] = [
    ['a secret', { secretName: secretIn('us-east-1') }, /^"secretName" is in us-east-1.* runs in eu-west-1/],
    ['a key', { secretKmsKeyArn: keyIn('us-east-1') }, /^"secretKmsKeyArn" is in us-east-1/],
    [
      'the secret of a project',
      { projects: { a: { secretName: secretIn('eu-west-1') }, b: { secretName: secretIn('us-east-1') } } },
      /^project "b": "secretName" is in us-east-1/,
    ],
    [
      'the key of a project',
      { projects: { a: { secretName: 'a', secretKmsKeyArn: keyIn('us-east-1') } } },
      /^project "a": "secretKmsKeyArn" is in us-east-1/,
    ],
  ];
  for (const [name, props, message] of cases) {
    test(name, () => {
      assert.throws(() => curfewIn(stackIn('eu-west-1'), props), { message });
      assert.doesNotThrow(() => curfewIn(stackIn('us-east-1'), { ...props, projects: undefined }));
    });
  }

  test('a secret of another stack', () => {
    const app = new App();
    const other = new Stack(app, 'Secrets', { env: { account, region: 'us-east-1' } });
    // CDK's types do not go with exactOptionalPropertyTypes.
    const secret = new Secret(other, 'Secret', { secretName: 'openai' }) as ISecret;
    const stack = stackIn('eu-west-1', app);
    assert.throws(() => curfewIn(stack, { secret, projects: { a: {} } }), {
      message: /^project "a": prop "secret" is in us-east-1/,
    });
  });

  test('but not as long as the region of the function is not known', () => {
    assert.doesNotThrow(() => curfewIn(stackIn(), { secretName: secretIn('us-east-1') }));
  });
});
