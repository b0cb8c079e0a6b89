import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Stack } from 'aws-cdk-lib';
import { type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { FineTuningCurfewProps } from '../../../infra/index.ts';
import { curfewIn, newStack } from '../synthesize.ts';

const account = '111122223333';
const secretIn = (region: string) => `arn:aws:secretsmanager:${region}:${account}:secret:openai-AbCdEf`;
const secretKmsKeyArn = `arn:aws:kms:us-east-1:${account}:key/0aa0-1bb1`;
const stackIn = (region: string) => newStack({ env: { account, region } });

describe('what the function could never read, because it is in another region, is refused', () => {
  const a = { secretName: secretIn('eu-west-1') };
  const cases: [name: string, props: FineTuningCurfewProps, expected: RegExp][] = [
    ['a secret', { secretName: secretIn('us-east-1') }, /^"secretName" is in us-east-1.* runs in eu-west-1/],
    ['a key', { secretKmsKeyArn }, /^"secretKmsKeyArn" is in us-east-1/],
    [
      'a key of a project',
      { projects: { a, b: { secretKmsKeyArn } } },
      /^project "b": "secretKmsKeyArn" is in us-east/,
    ],
  ];
  for (const [name, props, message] of cases) {
    test(name, () => {
      assert.throws(() => curfewIn(stackIn('eu-west-1'), props), { message });
      for (const stack of [stackIn('us-east-1'), newStack()]) {
        assert.doesNotThrow(() => curfewIn(stack, { ...props, projects: undefined }));
      }
    });
  }

  test('a secret of another stack', () => {
    const stack = stackIn('eu-west-1');
    const other = new Stack(stack.node.root, 'Secrets', { env: { account, region: 'us-east-1' } });
    // CDK's types conflict with exactOptionalPropertyTypes.
    const secret = new Secret(other, 'Secret', { secretName: 'openai' }) as ISecret;
    const message = /^project "a": prop "secret" is in us-east-1/;
    assert.throws(() => curfewIn(stack, { secret, projects: { a: {} } }), { message });
  });
});
