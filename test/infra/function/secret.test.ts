import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Alias, Key } from 'aws-cdk-lib/aws-kms';
import { type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { FineTuningCurfew, type FineTuningProject } from '../../../infra/index.ts';
import '../synthesize.ts';
import { arnOf, settingsIn, statementsFor } from '../template.ts';

const region = 'eu-west-1';
const here = { account: '111122223333', region };
const otherAccount = { account: '444455556666', region };
const arn = `arn:aws:secretsmanager:${region}:444455556666:secret:openai`;
const wholeArn = `${arn}-AbCdEf`;
const keyArn = `arn:aws:kms:${region}:444455556666:key/0aa0-1bb1`;

/** What the function is told of a secret, and may do with it. `build` may put more stacks into the app. */
function given(
  build: (stack: Stack, app: App) => ISecret,
  { env, projects }: { env?: { account: string; region: string }; projects?: Record<string, FineTuningProject> } = {},
) {
  const app = new App();
  const stack = new Stack(app, 'Test', env ? { env } : {});
  new FineTuningCurfew(stack, 'Curfew', { secret: build(stack, app), projects });
  app.synth();
  const template = Template.fromStack(stack);
  const resources = (service: string) => statementsFor(template, service).map(({ Resource }) => Resource);
  return {
    name: settingsIn(template)['secretName'],
    secrets: resources('secretsmanager'),
    keys: resources('kms'),
    template,
  };
}

/** The same thing: CDK's types do not go with exactOptionalPropertyTypes. */
const newSecret = (scope: Stack, props: object = {}) => new Secret(scope, 'Secret', props) as ISecret;

describe('the function may read the secret that is given, and use its key for that', () => {
  test('in the same stack', () => {
    const { name, secrets, keys, template } = given((stack) =>
      newSecret(stack, { encryptionKey: new Key(stack, 'Key') }),
    );
    const [secret] = Object.keys(template.findResources('AWS::SecretsManager::Secret'));
    const [key] = Object.keys(template.findResources('AWS::KMS::Key'));
    assert.deepEqual([name, secrets, keys], [{ Ref: secret }, [{ Ref: secret }], [{ 'Fn::GetAtt': [key, 'Arn'] }]]);
    const [statement] = statementsFor(template, 'kms');
    assert.ok(JSON.stringify(statement?.Condition?.['StringEquals']?.['kms:ViaService']).includes('secretsmanager.'));
  });

  test('with an alias of its key', () => {
    const { keys, template } = given((stack) => {
      const targetKey = new Key(stack, 'Key');
      return newSecret(stack, {
        encryptionKey: new Alias(stack, 'Alias', { aliasName: 'alias/mine', targetKey }),
      });
    });
    const [key] = Object.keys(template.findResources('AWS::KMS::Key'));
    assert.deepEqual(keys, [{ 'Fn::GetAtt': [key, 'Arn'] }]);
  });

  test('with an alias by its name, whichever key has it', () => {
    const { keys, template } = given((stack) =>
      newSecret(stack, { encryptionKey: Alias.fromAliasName(stack, 'Alias', 'alias/mine') }),
    );
    assert.deepEqual(keys, [arnOf('kms', 'key/*')]);
    const [statement] = statementsFor(template, 'kms');
    assert.deepEqual(statement?.Condition?.['ForAnyValue:StringEquals'], {
      'kms:ResourceAliases': 'alias/mine',
    });
    const { 'kms:ViaService': services } = statement?.Condition?.['StringEquals'] ?? {};
    assert.ok(JSON.stringify(services).includes('secretsmanager.'));
  });

  for (const env of [undefined, here]) {
    test(`in another stack of the app, ${env ? 'of this account' : 'wherever it is'}`, () => {
      const { name, secrets, keys } = given(
        (_, app) => {
          const other = new Stack(app, 'Secrets', env ? { env } : {});
          return newSecret(other, { encryptionKey: new Key(other, 'Key') });
        },
        env ? { env } : {},
      );
      assert.match(JSON.stringify(name), /Fn::ImportValue.*Secrets:.*Secret/);
      assert.deepEqual(secrets, [name]);
      assert.equal(keys.length, 1);
      assert.match(JSON.stringify(keys), /Fn::ImportValue.*Secrets:.*Key/);
    });
  }

  test('in a stack of another account, where only its name is known', () => {
    const { name, secrets } = given(
      (_, app) => newSecret(new Stack(app, 'Secrets', { env: otherAccount }), { secretName: 'openai' }),
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

  test('imported from another account, with an imported key', () => {
    const { name, secrets, keys } = given((stack) =>
      Secret.fromSecretAttributes(stack, 'Secret', {
        secretCompleteArn: wholeArn,
        encryptionKey: Key.fromKeyArn(stack, 'Key', keyArn),
      }),
    );
    assert.deepEqual([name, secrets, keys], [wholeArn, [[wholeArn, `${wholeArn}-??????`]], [keyArn]]);
  });

  test('imported by an ARN without its end', () => {
    const { name, secrets } = given((stack) => Secret.fromSecretPartialArn(stack, 'Secret', arn));
    assert.deepEqual([name, secrets], [arn, [`${arn}-??????`]]);
  });

  test('imported by name, without a key', () => {
    const { name, secrets, keys } = given((stack) =>
      // An ARN in part that ends like this would be taken for a whole one.
      Secret.fromSecretNameV2(stack, 'Secret', 'prod-openai'),
    );
    assert.deepEqual(
      [name, secrets, keys],
      ['prod-openai', [arnOf('secretsmanager', 'secret:prod-openai-??????')], []],
    );
  });
});

test('a secret that no project uses the function may not read, nor use its key', () => {
  const { secrets, keys } = given((stack) => newSecret(stack, { encryptionKey: new Key(stack, 'Key') }), {
    projects: { a: { secretName: 'a' } },
  });
  assert.deepEqual([secrets, keys], [[arnOf('secretsmanager', 'secret:a-??????')], []]);
});
