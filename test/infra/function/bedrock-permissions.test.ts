import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Aws, CfnParameter } from 'aws-cdk-lib';
import { FineTuningCurfew, type FineTuningCurfewProps } from '../../../infra/index.ts';
import { contextNames } from '../contexts.ts';
import { synthesize, templateOf, templateWith } from '../synthesize.ts';
import { arnOf, type Statement, statementsFor } from '../template.ts';

const azure = 'https://team.openai.azure.com/openai/v1';
const oregon = 'https://bedrock-mantle.us-west-2.api.aws/v1';
const here = { Ref: 'AWS::Region' };

describe('what it may do on Bedrock', () => {
  const jobs = (Resource: unknown): Statement => ({
    Effect: 'Allow',
    Action: ['ListFineTuningJobs', 'GetFineTuningJob', 'CancelFineTuningJob'].map((a) => `bedrock-mantle:${a}`),
    Resource,
  });
  const cases: [name: string, props: FineTuningCurfewProps, statements: Statement[]][] = [
    ['nothing without a project there', { projects: { a: {}, b: { openaiBaseUrl: azure, secretName: 'b' } } }, []],
    ['all projects of its own region', { provider: 'bedrock' }, [jobs(arnOf('bedrock-mantle', 'project/*'))]],
    [
      'all projects of the region in the URL',
      { openaiBaseUrl: oregon },
      [jobs(arnOf('bedrock-mantle', 'project/*', 'us-west-2'))],
    ],
    [
      'all projects of the region that is named',
      { provider: 'bedrock', region: 'eu-north-1' },
      [jobs(arnOf('bedrock-mantle', 'project/*', 'eu-north-1'))],
    ],
    [
      'the named project only',
      { provider: 'bedrock', openaiProject: 'proj_1' },
      [jobs(arnOf('bedrock-mantle', 'project/proj_1'))],
    ],
    [
      'each region and project once',
      {
        projects: {
          a: { provider: 'bedrock' },
          b: { provider: 'bedrock' },
          c: { openaiBaseUrl: oregon, openaiProject: 'proj_1' },
          d: { provider: 'bedrock-customization' },
        },
      },
      [jobs([arnOf('bedrock-mantle', 'project/*'), arnOf('bedrock-mantle', 'project/proj_1', 'us-west-2')])],
    ],
  ];
  for (const [name, props, statements] of cases) {
    test(name, () => {
      assert.deepEqual(statementsFor(templateWith(props), 'bedrock-mantle'), statements);
    });
  }

  test('the region of the URL, with which a token does not disagree yet', () => {
    const template = templateWith({ openaiBaseUrl: oregon, region: Aws.REGION });
    assert.deepEqual(
      statementsFor(template, 'bedrock-mantle').map(({ Resource }) => Resource),
      [arnOf('bedrock-mantle', 'project/*', 'us-west-2')],
    );
  });

  // Calls are signed, with no token.
  test('never call with a bearer token', () => {
    for (const context of contextNames) {
      assert.ok(!JSON.stringify(synthesize(context).template.toJSON()).includes('CallWithBearerToken'), context);
    }
  });
});

describe('what it may do with the customization jobs of Bedrock', () => {
  const statements = (regions: unknown[], jobs: unknown): Statement[] => [
    {
      Effect: 'Allow',
      Action: 'bedrock:ListModelCustomizationJobs',
      Resource: '*',
      Condition: { StringEquals: { 'aws:RequestedRegion': regions } },
    },
    {
      Effect: 'Allow',
      Action: ['GetModelCustomizationJob', 'StopModelCustomizationJob', 'ListTagsForResource'].map(
        (action) => `bedrock:${action}`,
      ),
      Resource: jobs,
    },
  ];
  const jobsIn = (region?: string) => arnOf('bedrock', 'model-customization-job/*', region);
  const provider = 'bedrock-customization';
  const cases: [name: string, props: FineTuningCurfewProps, statements: Statement[]][] = [
    ['nothing without a project there', { provider: 'bedrock' }, []],
    ['those of its own region', { provider }, statements([here], jobsIn())],
    [
      'those of the region that is named',
      { provider, region: 'us-west-2' },
      statements(['us-west-2'], jobsIn('us-west-2')),
    ],
    [
      'each region once',
      {
        projects: {
          a: { provider },
          b: { provider, region: 'us-west-2' },
          c: { provider, region: 'us-west-2' },
          d: { provider: 'bedrock', region: 'eu-north-1' },
        },
      },
      statements([here, 'us-west-2'], [jobsIn(), jobsIn('us-west-2')]),
    ],
  ];
  for (const [name, props, expected] of cases) {
    test(name, () => assert.deepEqual(statementsFor(templateWith(props), 'bedrock'), expected));
  }

  test('those of a region that is a token', () => {
    const template = templateOf((stack) => {
      const region = new CfnParameter(stack, 'Where').valueAsString;
      new FineTuningCurfew(stack, 'Curfew', { provider, region });
    });
    const [list, others] = statementsFor(template, 'bedrock');
    assert.deepEqual(list?.Condition?.['StringEquals'], { 'aws:RequestedRegion': [{ Ref: 'Where' }] });
    assert.ok(JSON.stringify(others?.Resource).includes('{"Ref":"Where"}'));
  });
});
