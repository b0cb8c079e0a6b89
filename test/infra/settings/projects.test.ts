import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CfnParameter } from 'aws-cdk-lib';
import type { Template } from 'aws-cdk-lib/assertions';
import type { FineTuningCurfewProps, FineTuningProject } from '../../../infra/index.ts';
import { projectsOf as resolvedProjects } from '../../../infra/settings/projects.ts';
import { checkedSettings } from '../../../infra/settings/settings.ts';
import { contexts } from '../contexts.ts';
import { curfewIn, synthesize, templateOf, templateWith } from '../synthesize.ts';
import { arnOf, resourcesOf, settingsIn, statementsFor } from '../template.ts';

const { template } = synthesize('projects');

const parametersOf = (from: Template) => Object.values(resourcesOf(from, 'AWS::SSM::Parameter'));
const listOf = (from: Template) => settingsIn(from)['projectList'] as { path: string; parts: number } | undefined;
const pathOf = (from: Template) => listOf(from)?.path ?? '';
const projectsOf = (from: Template) => parametersOf(from).flatMap(({ Value }) => JSON.parse(String(Value)));
const manyProjects = (count: number): Record<string, FineTuningProject> =>
  Object.fromEntries(
    Array.from({ length: count }, (_, i) => [
      `team-${i}`,
      { secretName: 'openai/teams', secretField: `team-${i}`, timeBudgetMinutes: 60 + i },
    ]),
  );

describe('what each project overrides', () => {
  test('is kept in Parameter Store in the order of the context, where the function looks for it', () => {
    assert.match(pathOf(template), /^\/fine-tuning-curfew\/projects\/[0-9a-f]{16}$/);
    const given = Object.entries<object>(JSON.parse(contexts.projects.projects));
    assert.deepEqual(
      projectsOf(template),
      given.map(([name, project]) => ({ name, ...project })),
    );
  });

  test('is all that the function may read from Parameter Store', () => {
    assert.deepEqual(statementsFor(template, 'ssm'), [
      {
        Effect: 'Allow',
        Action: 'ssm:GetParametersByPath',
        Resource: arnOf('ssm', 'parameter/fine-tuning-curfew/projects/*'),
      },
    ]);
  });

  test('costs nothing without projects', () => {
    for (const projects of [undefined, {}]) {
      const single = templateWith({ projects });
      single.resourceCountIs('AWS::SSM::Parameter', 0);
      assert.deepEqual(statementsFor(single, 'ssm'), []);
      assert.equal(listOf(single), undefined);
    }
  });

  test('moves to another path when it changes, without new code', () => {
    const before = templateWith({ projects: { a: { timeBudgetMinutes: 90 } } });
    const after = templateWith({ projects: { a: { timeBudgetMinutes: 91 } } });
    assert.notEqual(pathOf(after), pathOf(before));
    const ids = (from: Template) => Object.keys(from.findResources('AWS::SSM::Parameter'));
    assert.deepEqual(ids(after), ids(before));
    const codeOf = (from: Template) => Object.values(resourcesOf(from, 'AWS::Lambda::Function'))[0]?.['Code'];
    assert.deepEqual(codeOf(after), codeOf(before));
  });

  test('is written before the function looks for it', () => {
    const [properties] = Object.values(template.findResources('AWS::Lambda::Function'));
    for (const id of Object.keys(template.findResources('AWS::SSM::Parameter'))) {
      assert.ok(properties?.['DependsOn'].includes(id));
    }
  });
});

describe('a thousand projects', () => {
  const thousand = templateWith({ projects: manyProjects(1000) });

  test('are in parameters that cost nothing, in order', () => {
    const parameters = parametersOf(thousand);
    for (const { Type, Tier, Value } of parameters) {
      assert.deepEqual([Type, Tier], ['String', 'Standard']);
      assert.ok(Buffer.byteLength(String(Value)) <= 4096);
    }
    assert.deepEqual(
      projectsOf(thousand).map(({ name }) => name),
      Object.keys(manyProjects(1000)),
    );
    const path = pathOf(thousand);
    assert.deepEqual(
      parameters.map(({ Name }) => Name),
      parameters.map((_, index) => `${path}/${String(index).padStart(4, '0')}`),
    );
    assert.equal(listOf(thousand)?.parts, parameters.length);
  });

  test('fit into a template, and leave room for other resources', () => {
    assert.ok(Object.keys(thousand.toJSON()['Resources']).length < 250);
    assert.ok(JSON.stringify(thousand.toJSON()).length < 500_000);
  });
});

test('a project that is a token reaches the function resolved', () => {
  const withTokens = templateOf((stack) => {
    const secretName = new CfnParameter(stack, 'Arn').valueAsString;
    const timeBudgetMinutes = new CfnParameter(stack, 'Budget', { type: 'Number' }).valueAsNumber;
    curfewIn(stack, { projects: { a: { secretName, timeBudgetMinutes } } });
  });
  assert.deepEqual(parametersOf(withTokens)[0]?.['Value'], {
    'Fn::Join': [
      '',
      ['[{"name":"a","secretName":"', { Ref: 'Arn' }, '","timeBudgetMinutes":', { Ref: 'Budget' }, '}]'],
    ],
  });
  assert.deepEqual(statementsFor(withTokens, 'secretsmanager')[0]?.Resource, { Ref: 'Arn' });
});

describe('a running function notices that a token has changed', () => {
  const withBudgets = (count: number) =>
    templateOf((stack) => {
      const secretName = new CfnParameter(stack, 'Arn').valueAsString;
      const projects = Array.from({ length: count }, (_, i) => {
        const timeBudgetMinutes = new CfnParameter(stack, `Budget${i}`, { type: 'Number' }).valueAsNumber;
        return [`team-${i}`, { secretName, timeBudgetMinutes }];
      });
      curfewIn(stack, { projects: Object.fromEntries(projects) });
    });
  const many = withBudgets(30);

  test('because ten of them are also in its environment, where there is room', () => {
    const refs = Array.from({ length: 10 }, (_, i) => [{ Ref: `Budget${i}` }, ',']);
    assert.deepEqual(settingsIn(many)['revision'], { 'Fn::Join': ['', refs.flat().slice(0, -1)] });
    assert.deepEqual(settingsIn(withBudgets(1))['revision'], { Ref: 'Budget0' });
    assert.equal(settingsIn(template)['revision'], undefined);
  });

  test('and many are spread over more parameters, because their length is unknown', () => {
    assert.ok(parametersOf(many).length >= 3);
  });
});

test('a project of Bedrock’s customization jobs has no URL, no secret and nothing of another provider’s connection', () => {
  const elsewhere: FineTuningCurfewProps = {
    openaiBaseUrl: 'https://team.openai.azure.com/openai/v1',
    openaiProject: 'proj_1',
    region: 'us-west-2',
    secretName: 'team/key',
    secretKmsKeyArn: 'arn:aws:kms:eu-west-1:111122223333:key/0aa0-1bb1',
  };
  const projects = { a: { provider: 'bedrock-customization' } } as const;
  const [project] = resolvedProjects(checkedSettings({ ...elsewhere, projects }, 'prop'), 'eu-west-1');
  const none = Object.fromEntries(Object.keys(elsewhere).map((key) => [key, undefined]));
  assert.deepEqual(project, { ...project, ...none, provider: 'bedrock-customization', region: 'eu-west-1' });
});
