import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { App, CfnParameter, Stack } from 'aws-cdk-lib';
import type { Template } from 'aws-cdk-lib/assertions';
import { FineTuningCurfew, type FineTuningCurfewProps } from '../../../infra/index.ts';
import { synthesize, templateOf, templateWith } from '../synthesize.ts';
import { arnOf, settingsIn, statementsFor, statementsOf } from '../template.ts';

const azure = 'https://team.openai.azure.com/openai/v1';
const wholeArn = 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:openai-AbCdEf';
const key = 'arn:aws:kms:eu-west-1:111122223333:key/0aa0-1bb1';

describe('the secrets that the function may read', () => {
  const named = (name: string) => arnOf('secretsmanager', `secret:${name}-??????`);
  const cases: [name: string, props: FineTuningCurfewProps, resources: unknown[]][] = [
    ['the default one', {}, [named('openai/api-key')]],
    ['one by name', { secretName: 'team/key' }, [named('team/key')]],
    // It may as well be the ARN of a secret `openai-AbCdEf` without its end.
    ['one by its whole ARN', { secretName: wholeArn }, [wholeArn, `${wholeArn}-??????`]],
    [
      'one by an ARN without its end that looks whole',
      { secretName: `${wholeArn.slice(0, -13)}prod-openai` },
      [`${wholeArn.slice(0, -13)}prod-openai`, `${wholeArn.slice(0, -13)}prod-openai-??????`],
    ],
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

  test('one by a token, which is a whole ARN', () => {
    const template = templateOf((stack) => {
      const secretName = new CfnParameter(stack, 'Arn').valueAsString;
      new FineTuningCurfew(stack, 'Curfew', { secretName });
    });
    const [statement] = statementsFor(template, 'secretsmanager');
    assert.deepEqual(statement?.Resource, { Ref: 'Arn' });
    assert.deepEqual(settingsIn(template)['secretName'], { Ref: 'Arn' });
  });
});

describe('the keys that it may use', () => {
  test('none unless one is named', () => {
    assert.deepEqual(statementsFor(templateWith({}), 'kms'), []);
  });

  test('the named ones, for Secrets Manager in their regions only', () => {
    const other = 'arn:aws:kms:us-east-1:111122223333:key/2cc2';
    const projects = {
      a: { secretKmsKeyArn: key },
      b: { secretKmsKeyArn: other },
      c: { secretKmsKeyArn: key },
    };
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

test('projects on four providers need what each of them needs', () => {
  const services = statementsOf(synthesize('projects').template).map(
    ({ Action }) => String([Action].flat()[0]).split(':')[0],
  );
  assert.deepEqual(services, [
    'secretsmanager',
    'kms',
    'bedrock-mantle',
    'bedrock',
    'bedrock',
    'logs',
    'events',
    'dynamodb',
    'ssm',
    'sqs',
  ]);
});

describe('many secrets', () => {
  const withSecrets = (count: number, name = 'openai/team'): FineTuningCurfewProps => ({
    projects: Object.fromEntries(
      Array.from({ length: count }, (_, i) => [`team-${i}`, { secretName: `${name}-${i}` }]),
    ),
  });
  /** How many characters IAM counts, which leaves out blanks. */
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

  const wholeArns = (count: number): FineTuningCurfewProps => ({
    projects: Object.fromEntries(
      Array.from({ length: count }, (_, i) => [
        `team-${i}`,
        { secretName: `arn:aws:secretsmanager:eu-west-1:111122223333:secret:${'n'.repeat(400)}${i}` },
      ]),
    ),
  });
  const cases: [name: string, props: FineTuningCurfewProps, count: number][] = [
    ['200 of them', withSecrets(200), 200],
    ['30 with names as long as can be', withSecrets(30, 'n'.repeat(500)), 30],
    ['60 with long ARNs', wholeArns(60), 60],
  ];
  for (const [name, props, count] of cases) {
    test(`are all in policies of a size that IAM takes: ${name}`, () => {
      const template = templateWith(props);
      const resources = statementsFor(template, 'secretsmanager').flatMap(({ Resource }) => Resource);
      assert.equal(resources.length, count);
      const managed = sizesOf(template, 'AWS::IAM::ManagedPolicy');
      assert.ok(managed.length > 0 && managed.length <= 10);
      for (const size of managed) assert.ok(size <= 6144, String(size));
      for (const size of sizesOf(template, 'AWS::IAM::Policy')) assert.ok(size <= 10_240, String(size));
    });
  }

  test('that the role cannot all name are an error that says what to do', () => {
    const app = new App();
    new FineTuningCurfew(new Stack(app, 'Test'), 'Curfew', withSecrets(2000));
    assert.throws(() => app.synth(), /put the keys as fields into fewer secrets/);
  });

  test('are no trouble if their keys are fields of one', () => {
    const projects = Object.fromEntries(
      Array.from({ length: 1000 }, (_, i) => [`team-${i}`, { secretField: `team-${i}` }]),
    );
    const template = templateWith({ projects });
    assert.equal(statementsFor(template, 'secretsmanager').length, 1);
    template.resourceCountIs('AWS::IAM::ManagedPolicy', 0);
  });
});
