import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Aws, Fn } from 'aws-cdk-lib';
import type { FineTuningCurfewProps } from '../../../infra/index.ts';
import { contextNames } from '../contexts.ts';
import { synthesize, templateWith } from '../synthesize.ts';
import { arnOf, type Statement, statementsFor } from '../template.ts';

const azure = 'https://team.openai.azure.com/openai/v1';
const oregon = 'https://bedrock-mantle.us-west-2.api.aws/v1';
const here = { Ref: 'AWS::Region' };

describe('on Bedrock, the role may use', () => {
  const jobs = (Resource: unknown): Statement => ({
    Effect: 'Allow',
    Action: ['ListFineTuningJobs', 'GetFineTuningJob', 'CancelFineTuningJob'].map((a) => `bedrock-mantle:${a}`),
    Resource,
  });
  const all = (region?: string) => arnOf('bedrock-mantle', 'project/*', region);
  const one = (region?: string) => arnOf('bedrock-mantle', 'project/proj_1', region);
  const provider = 'bedrock';
  const inNorth = { provider, region: 'eu-north-1' } as const;
  const cases: [name: string, props: FineTuningCurfewProps, resource?: unknown][] = [
    ['nothing, if no project is there', { projects: { a: {}, b: { openaiBaseUrl: azure, secretName: 'b' } } }],
    ['all projects of its own region', { provider }, all()],
    ['all projects of the region in the URL', { openaiBaseUrl: oregon }, all('us-west-2')],
    ['the region in the URL, even beside a token', { openaiBaseUrl: oregon, region: Aws.REGION }, all('us-west-2')],
    ['all projects of the region that is named', inNorth, all('eu-north-1')],
    ["a project's own region instead", { ...inNorth, projects: { a: { region: 'us-west-2' } } }, all('us-west-2')],
    ['the named project only', { provider, openaiProject: 'proj_1' }, one()],
    [
      'each region and project once',
      {
        projects: {
          a: { provider },
          b: { provider },
          c: { openaiBaseUrl: oregon, region: 'us-west-2', openaiProject: 'proj_1' },
          d: { provider: 'bedrock-customization' },
        },
      },
      [all(), one('us-west-2')],
    ],
  ];
  for (const [name, props, resource] of cases) {
    test(name, () => {
      assert.deepEqual(statementsFor(templateWith(props), 'bedrock-mantle'), resource ? [jobs(resource)] : []);
    });
  }

  // Calls are signed instead.
  test('no bearer token', () => {
    for (const context of contextNames) {
      assert.ok(!JSON.stringify(synthesize(context).template.toJSON()).includes('CallWithBearerToken'), context);
    }
  });
});

describe('of customization jobs on Bedrock, the role may use', () => {
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
  const jobsIn = (region?: string | object) => arnOf('bedrock', 'model-customization-job/*', region);
  const provider = 'bedrock-customization';
  const cases: [name: string, props: FineTuningCurfewProps, statements: Statement[]][] = [
    ['none, if no project is there', { provider: 'bedrock' }, []],
    ['those of its own region', { provider }, statements([here], jobsIn())],
    [
      'those of a region that is named',
      { provider, region: 'us-west-2' },
      statements(['us-west-2'], jobsIn('us-west-2')),
    ],
    [
      'those of a region that is a token',
      { provider, region: Fn.ref('Where') },
      statements([{ Ref: 'Where' }], jobsIn({ Ref: 'Where' })),
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
});
