import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Fn } from 'aws-cdk-lib';
import type { Template } from 'aws-cdk-lib/assertions';
import type { FineTuningCurfewProps, FineTuningProject } from '../../../infra/index.ts';
import { synthesize, templateWith } from '../synthesize.ts';
import { arnOf, statementsFor, statementsOf } from '../template.ts';

const azure = 'https://team.openai.azure.com/openai/v1';
const wholeArn = 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:openai-AbCdEf';
const key = 'arn:aws:kms:eu-west-1:111122223333:key/0aa0-1bb1';

describe('the secrets that the function may read', () => {
  const named = (name: string) => arnOf('secretsmanager', `secret:${name}-??????`);
  const cases: [name: string, props: FineTuningCurfewProps, resources: unknown[]][] = [
    ['the default one', {}, [named('openai/api-key')]],
    ['one by name', { secretName: 'team/key' }, [named('team/key')]],
    // It may also be the ARN of a secret `openai-AbCdEf` without its suffix.
    ['one by its whole ARN', { secretName: wholeArn }, [wholeArn, `${wholeArn}-??????`]],
    [
      'one by an ARN without its end that looks whole',
      { secretName: `${wholeArn.slice(0, -13)}prod-openai` },
      [`${wholeArn.slice(0, -13)}prod-openai`, `${wholeArn.slice(0, -13)}prod-openai-??????`],
    ],
    ['one by a token, which is a whole ARN', { secretName: Fn.ref('Arn') }, [{ Ref: 'Arn' }]],
    ['one by an ARN without its end', { secretName: wholeArn.slice(0, -7) }, [`${wholeArn.slice(0, -7)}-??????`]],
    ['none for Bedrock', { provider: 'bedrock' }, []],
    ['none for its customization jobs', { provider: 'bedrock-customization' }, []],
    [
      'each that a project names, once',
      {
        projects: {
          a: { secretName: 'one' },
          b: { secretName: 'two', secretField: 'b' },
          c: { secretName: 'two', secretField: 'c' },
          d: { openaiBaseUrl: azure, secretName: wholeArn },
          e: { provider: 'bedrock' },
        },
      },
      [named('one'), named('two'), wholeArn, `${wholeArn}-??????`],
    ],
    [
      'the inherited one, if a project inherits',
      { projects: { a: {}, b: { secretName: 'b' } } },
      [named('openai/api-key'), named('b')],
    ],
    ['none if all projects are on Bedrock', { projects: { a: { provider: 'bedrock' } } }, []],
  ];
  for (const [name, props, resources] of cases) {
    test(name, () => {
      const statements = statementsFor(templateWith(props), 'secretsmanager');
      assert.deepEqual(
        statements.flatMap(({ Resource }) => Resource),
        resources,
      );
      for (const { Action } of statements) assert.equal(Action, 'secretsmanager:GetSecretValue');
    });
  }
});

describe('the KMS keys that it may use', () => {
  test('the named ones, only through Secrets Manager in their regions', () => {
    const other = 'arn:aws:kms:us-east-1:111122223333:key/2cc2';
    const projects = { a: { secretKmsKeyArn: key }, b: { secretKmsKeyArn: other }, c: { secretKmsKeyArn: key } };
    assert.deepEqual(statementsFor(templateWith({ projects }), 'kms'), [
      {
        Effect: 'Allow',
        Action: 'kms:Decrypt',
        Resource: [key, other],
        Condition: {
          StringEquals: {
            'kms:ViaService': ['eu-west-1', 'us-east-1'].flatMap((region) => [
              `secretsmanager.${region}.amazonaws.com`,
              { 'Fn::Join': ['', [`secretsmanager.${region}.`, { Ref: 'AWS::URLSuffix' }]] },
            ]),
          },
        },
      },
    ]);
  });
});

test('projects on four providers get the permissions of each', () => {
  const services = statementsOf(synthesize('projects').template).map(
    ({ Action }) => /^\w[\w-]*/.exec(`${Action}`)?.[0],
  );
  const ofAll = ['logs', 'events', 'dynamodb', 'ssm', 'sqs'];
  assert.deepEqual(services, ['secretsmanager', 'kms', 'bedrock-mantle', 'bedrock', 'bedrock', ...ofAll]);
});

describe('many secrets', () => {
  const projectsWith = (count: number, settingsOf: (team: string) => FineTuningProject): FineTuningCurfewProps => {
    const teams = Array.from({ length: count }, (_, i) => `team-${i}`);
    return { projects: Object.fromEntries(teams.map((team) => [team, settingsOf(team)])) };
  };
  const withSecrets = (count: number, prefix = '') =>
    projectsWith(count, (team) => ({ secretName: `${prefix}${team}` }));
  /** Counts characters as IAM does, without white space. */
  const sizesOf = (template: Template, type: string) =>
    Object.values(template.findResources(type)).map((policy) => {
      const { PolicyDocument } = policy['Properties'];
      const text = JSON.stringify(PolicyDocument, (_, value) =>
        value?.['Fn::Join']
          ? value['Fn::Join'][1].map((part: unknown) => (typeof part === 'string' ? part : 'us-gov-west-1')).join('')
          : value,
      );
      return text.length;
    });

  const cases: [name: string, count: number, prefix: string][] = [
    ['200 of them', 200, ''],
    ['30 with names as long as can be', 30, 'n'.repeat(500)],
    ['60 with long ARNs', 60, `arn:aws:secretsmanager:eu-west-1:111122223333:secret:${'n'.repeat(400)}`],
  ];
  for (const [name, count, prefix] of cases) {
    test(`fit into policies of a size that IAM accepts: ${name}`, () => {
      const template = templateWith(withSecrets(count, prefix));
      const resources = statementsFor(template, 'secretsmanager').flatMap(({ Resource }) => Resource);
      assert.equal(resources.length, count);
      const managed = sizesOf(template, 'AWS::IAM::ManagedPolicy');
      assert.ok(managed.length > 0 && managed.length <= 10);
      for (const size of managed) assert.ok(size <= 6144, String(size));
      for (const size of sizesOf(template, 'AWS::IAM::Policy')) assert.ok(size <= 10_240, String(size));
    });
  }

  test('that do not fit into the role are an error that says what to do', () => {
    assert.throws(() => templateWith(withSecrets(2000)), /put the keys as fields into fewer secrets/);
  });

  test('are no problem if their keys are fields of one secret', () => {
    const template = templateWith(projectsWith(1000, (team) => ({ secretField: team })));
    assert.equal(statementsFor(template, 'secretsmanager').length, 1);
    template.resourceCountIs('AWS::IAM::ManagedPolicy', 0);
  });
});
