import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Stack, type StackProps } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Alias, type IKey, Key } from 'aws-cdk-lib/aws-kms';
import { type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { FineTuningCurfewProps } from '../../../infra/index.ts';
import { curfewIn, newStack } from '../synthesize.ts';
import { arnOf, settingsIn, statementsFor } from '../template.ts';

const region = 'eu-west-1';
const here = { account: '111122223333', region };
const otherAccount = { account: '444455556666', region };
const arn = `arn:aws:secretsmanager:${region}:444455556666:secret:openai`;
const wholeArn = `${arn}-AbCdEf`;
const keyArn = `arn:aws:kms:${region}:444455556666:key/0aa0-1bb1`;

/** What the function is told about a secret, and may do with it. `build` may add stacks to the app. */
function given(
  build: (stack: Stack) => ISecret,
  { projects, ...place }: StackProps & Pick<FineTuningCurfewProps, 'projects'> = {},
) {
  const stack = newStack(place);
  curfewIn(stack, { secret: build(stack), projects });
  const template = Template.fromStack(stack);
  const resources = (service: string) => statementsFor(template, service).map(({ Resource }) => Resource);
  return {
    name: settingsIn(template)['secretName'],
    secrets: resources('secretsmanager'),
    keys: resources('kms'),
    template,
  };
}

/** A no-op cast: CDK's types conflict with exactOptionalPropertyTypes. */
const newSecret = (scope: Stack, props: object = {}) => new Secret(scope, 'Secret', props) as ISecret;

function assertViaSecretsManager(template: Template): void {
  const [statement] = statementsFor(template, 'kms');
  assert.match(JSON.stringify(statement?.Condition?.['StringEquals']?.['kms:ViaService']), /"secretsmanager\./);
}

describe('the function may read the given secret, and use its key for that', () => {
  const encryptionKeys: Record<string, (stack: Stack) => IKey> = {
    'its key': (stack) => new Key(stack, 'Key'),
    'an alias of its key': (stack) => new Key(stack, 'Key').addAlias('alias/mine'),
  };
  for (const [what, keyIn] of Object.entries(encryptionKeys)) {
    test(`in the same stack, with ${what}`, () => {
      const { name, secrets, keys, template } = given((stack) => newSecret(stack, { encryptionKey: keyIn(stack) }));
      const [secret] = Object.keys(template.findResources('AWS::SecretsManager::Secret'));
      const [key] = Object.keys(template.findResources('AWS::KMS::Key'));
      assert.deepEqual([name, secrets, keys], [{ Ref: secret }, [{ Ref: secret }], [{ 'Fn::GetAtt': [key, 'Arn'] }]]);
      assertViaSecretsManager(template);
    });
  }

  test('with an alias by its name, whichever key it points to', () => {
    const { keys, template } = given((stack) =>
      newSecret(stack, { encryptionKey: Alias.fromAliasName(stack, 'Alias', 'alias/mine') }),
    );
    assert.deepEqual(keys, [arnOf('kms', 'key/*')]);
    const [statement] = statementsFor(template, 'kms');
    assert.deepEqual(statement?.Condition?.['ForAnyValue:StringEquals'], { 'kms:ResourceAliases': 'alias/mine' });
    assertViaSecretsManager(template);
  });

  for (const place of [{}, { env: here }]) {
    test(`in another stack of the app, in ${JSON.stringify(place)}`, () => {
      const { name, secrets, keys } = given(({ node }) => {
        const other = new Stack(node.root, 'Secrets', place);
        return newSecret(other, { encryptionKey: new Key(other, 'Key') });
      }, place);
      assert.match(JSON.stringify(name), /Fn::ImportValue.*Secrets:.*Secret/);
      assert.deepEqual(secrets, [name]);
      assert.match(JSON.stringify(keys), /^\[{"Fn::ImportValue":"Secrets:[^}]*Key[^}]*}\]$/);
    });
  }

  test('in a stack of another account, where only its name is known', () => {
    const { name, secrets } = given(
      ({ node }) => newSecret(new Stack(node.root, 'Secrets', { env: otherAccount }), { secretName: 'openai' }),
      { env: here },
    );
    const partial = (end: string) => ({
      'Fn::Join': [
        '',
        ['arn:', { Ref: 'AWS::Partition' }, `:secretsmanager:${region}:444455556666:secret:openai${end}`],
      ],
    });
    assert.deepEqual([name, secrets], [partial(''), [partial('-??????')]]);
  });

  const byName = (name: string) => arnOf('secretsmanager', `secret:${name}-??????`);
  const imports: [how: string, secretIn: (stack: Stack) => ISecret, expected: unknown[]][] = [
    [
      'from another account, with an imported key',
      (stack) => {
        const encryptionKey = Key.fromKeyArn(stack, 'Key', keyArn);
        return Secret.fromSecretAttributes(stack, 'Secret', { secretCompleteArn: wholeArn, encryptionKey });
      },
      [wholeArn, [[wholeArn, `${wholeArn}-??????`]], [keyArn]],
    ],
    [
      'by an ARN without its end',
      (stack) => Secret.fromSecretPartialArn(stack, 'Secret', arn),
      [arn, [`${arn}-??????`], []],
    ],
    [
      'by name, without a key',
      // A partial ARN that ends like this would be taken for a whole one.
      (stack) => Secret.fromSecretNameV2(stack, 'Secret', 'prod-openai'),
      ['prod-openai', [byName('prod-openai')], []],
    ],
  ];
  for (const [how, secretIn, expected] of imports) {
    test(`imported ${how}`, () => {
      const { name, secrets, keys } = given(secretIn);
      assert.deepEqual([name, secrets, keys], expected);
    });
  }
});

test('the function may not read a secret that no project uses, nor use its key', () => {
  const { secrets, keys } = given((stack) => newSecret(stack, { encryptionKey: new Key(stack, 'Key') }), {
    projects: { a: { secretName: 'a' } },
  });
  assert.deepEqual([secrets, keys], [[arnOf('secretsmanager', 'secret:a-??????')], []]);
});
