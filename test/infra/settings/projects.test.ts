import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CfnParameter } from 'aws-cdk-lib';
import type { Template } from 'aws-cdk-lib/assertions';
import { FineTuningCurfew, type FineTuningCurfewProps, type FineTuningProject } from '../../../infra/index.ts';
import { projectsOf as resolvedProjects } from '../../../infra/settings/projects.ts';
import { checkedSettings } from '../../../infra/settings/settings.ts';
import { synthesize, templateOf, templateWith } from '../synthesize.ts';
import { arnOf, resourcesOf, settingsIn, statementsFor } from '../template.ts';

const { template } = synthesize('projects');
const azure = 'https://team.openai.azure.com/openai/v1';

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

describe('what differs in each project', () => {
  test('is kept in Parameter Store in the order of the context, where the function looks for it', () => {
    const path = pathOf(template);
    assert.match(path, /^\/fine-tuning-curfew\/projects\/[0-9a-f]{16}$/);
    const [parameter, ...others] = parametersOf(template);
    assert.deepEqual(others, []);
    assert.equal(listOf(template)?.parts, 1);
    assert.equal(parameter?.['Name'], `${path}/0000`);
    assert.equal(parameter?.['Type'], 'String');
    assert.deepEqual(projectsOf(template), [
      { name: 'research', timeBudgetMinutes: 90 },
      { name: 'production', secretName: 'openai/production', cancelLimit: 'none', dryRun: true },
      {
        name: 'azure',
        openaiBaseUrl: 'https://team.openai.azure.com/openai/v1',
        secretName: 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:azure-AbCdEf',
        secretKmsKeyArn: 'arn:aws:kms:eu-west-1:111122223333:key/0aa0-1bb1',
      },
      { name: 'here', provider: 'bedrock' },
      { name: 'customization', provider: 'bedrock-customization', region: 'us-west-2', queueLimitMinutes: 600 },
      {
        name: 'oregon',
        openaiBaseUrl: 'https://bedrock-mantle.us-west-2.api.aws/v1',
        openaiProject: 'proj_1',
      },
    ]);
  });

  test('may be read by the function: that of this deployment, and nothing else', () => {
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

  test('is at another path once it changes, without new code', () => {
    const before = templateWith({ projects: { a: { timeBudgetMinutes: 90 } } });
    const after = templateWith({ projects: { a: { timeBudgetMinutes: 91 } } });
    assert.notEqual(pathOf(after), pathOf(before));
    const ids = (from: Template) => Object.keys(from.findResources('AWS::SSM::Parameter'));
    assert.deepEqual(ids(after), ids(before));
    const codeOf = (from: Template) => Object.values(resourcesOf(from, 'AWS::Lambda::Function'))[0]?.['Code'];
    assert.deepEqual(codeOf(after), codeOf(before));
  });

  test('is there before the function looks for it', () => {
    const [properties] = Object.values(template.findResources('AWS::Lambda::Function'));
    for (const id of Object.keys(template.findResources('AWS::SSM::Parameter'))) {
      assert.ok(properties?.['DependsOn'].includes(id));
    }
  });
});

describe('a thousand projects', () => {
  const thousand = templateWith({ projects: manyProjects(1000) });

  test('are in parameters that cost nothing, in their order', () => {
    const parameters = parametersOf(thousand);
    for (const { Tier, Value } of parameters) {
      assert.equal(Tier, 'Standard');
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

  test('fit into a template, and leave room for more resources', () => {
    assert.ok(Object.keys(thousand.toJSON()['Resources']).length < 250);
    assert.ok(JSON.stringify(thousand.toJSON()).length < 500_000);
  });
});

test('a project that is a token reaches the function as what it becomes', () => {
  const withTokens = templateOf((stack) => {
    const secretName = new CfnParameter(stack, 'Arn').valueAsString;
    const timeBudgetMinutes = new CfnParameter(stack, 'Budget', { type: 'Number' }).valueAsNumber;
    new FineTuningCurfew(stack, 'Curfew', { projects: { a: { secretName, timeBudgetMinutes } } });
  });
  assert.deepEqual(parametersOf(withTokens)[0]?.['Value'], {
    'Fn::Join': [
      '',
      ['[{"name":"a","secretName":"', { Ref: 'Arn' }, '","timeBudgetMinutes":', { Ref: 'Budget' }, '}]'],
    ],
  });
  assert.deepEqual(statementsFor(withTokens, 'secretsmanager')[0]?.Resource, { Ref: 'Arn' });
});

describe('a function that runs already notices that a token became something else', () => {
  const revisionOf = (from: Template) => settingsIn(from)['revision'];
  const withBudgets = (count: number) =>
    templateOf((stack) => {
      const secretName = new CfnParameter(stack, 'Arn').valueAsString;
      const projects = Object.fromEntries(
        Array.from({ length: count }, (_, i) => {
          const timeBudgetMinutes = new CfnParameter(stack, `Budget${i}`, { type: 'Number' }).valueAsNumber;
          return [`team-${i}`, { secretName, timeBudgetMinutes }];
        }),
      );
      new FineTuningCurfew(stack, 'Curfew', { projects });
    });

  test('since it is in its environment too', () => {
    assert.deepEqual(revisionOf(withBudgets(1)), { Ref: 'Budget0' });
    assert.deepEqual(revisionOf(withBudgets(2)), {
      'Fn::Join': ['', [{ Ref: 'Budget0' }, ',', { Ref: 'Budget1' }]],
    });
  });

  test('as far as there is room', () => {
    const {
      'Fn::Join': [, parts],
    } = revisionOf(withBudgets(60)) as { 'Fn::Join': [string, unknown[]] };
    assert.equal(parts.filter((part) => part !== ',').length, 10);
  });

  test('and without tokens there is nothing', () => {
    assert.equal(revisionOf(template), undefined);
  });
});

test('many tokens are spread over more parameters, since nobody knows how long they will be', () => {
  const withTokens = templateOf((stack) => {
    const secretName = new CfnParameter(stack, 'Arn').valueAsString;
    const projects = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`team-${i}`, { secretName }]));
    new FineTuningCurfew(stack, 'Curfew', { projects });
  });
  assert.ok(parametersOf(withTokens).length >= 3);
});

describe('what holds in a project', () => {
  const resolved = (props: FineTuningCurfewProps) => resolvedProjects(checkedSettings(props, 'prop'), 'eu-west-1');
  const resolvedIn = (project: FineTuningProject, settings: FineTuningCurfewProps = {}) =>
    resolved({ ...settings, projects: { a: project } })[0] ?? assert.fail();

  const elsewhere: FineTuningCurfewProps = {
    openaiBaseUrl: azure,
    openaiProject: 'proj_1',
    region: 'us-west-2',
    secretName: 'team/key',
    secretKmsKeyArn: 'arn:aws:kms:eu-west-1:111122223333:key/0aa0-1bb1',
    queueLimitMinutes: 600,
  };

  test('of Bedrock’s customization jobs is neither a URL nor a secret, and nothing of how another provider is reached', () => {
    const { provider, openaiBaseUrl, openaiProject, region, secretName, secretKmsKeyArn } = resolvedIn(
      { provider: 'bedrock-customization' },
      elsewhere,
    );
    assert.deepEqual(
      { provider, openaiBaseUrl, openaiProject, region, secretName, secretKmsKeyArn },
      {
        provider: 'bedrock-customization',
        openaiBaseUrl: undefined,
        openaiProject: undefined,
        region: 'eu-west-1',
        secretName: undefined,
        secretKmsKeyArn: undefined,
      },
    );
  });

  const bedrock = 'https://bedrock-mantle.us-west-2.api.aws/v1';
  const regions: [name: string, project: FineTuningProject, settings: FineTuningCurfewProps, region: string][] = [
    ['that of the function', { provider: 'bedrock' }, {}, 'eu-west-1'],
    ['its own', { provider: 'bedrock', region: 'us-east-1' }, {}, 'us-east-1'],
    ['that of its host', { openaiBaseUrl: bedrock }, {}, 'us-west-2'],
    ['that of its host, named again', { openaiBaseUrl: bedrock, region: 'us-west-2' }, {}, 'us-west-2'],
    ['that of the deployment', {}, { provider: 'bedrock-customization', region: 'us-east-1' }, 'us-east-1'],
    [
      'its own, not that of the deployment',
      { region: 'us-west-2' },
      { provider: 'bedrock', region: 'us-east-1' },
      'us-west-2',
    ],
  ];
  for (const [name, project, settings, region] of regions) {
    test(`as its region is ${name}`, () => assert.equal(resolvedIn(project, settings).region, region));
  }
});
