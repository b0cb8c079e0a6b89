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

describe('what it may do on Bedrock', () => {
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
    ['nothing without a project there', { projects: { a: {}, b: { openaiBaseUrl: azure, secretName: 'b' } } }],
    ['all projects of its own region', { provider }, all()],
    ['all projects of the region in the URL', { openaiBaseUrl: oregon }, all('us-west-2')],
    ['and a token does not disagree with that yet', { openaiBaseUrl: oregon, region: Aws.REGION }, all('us-west-2')],
    ['all projects of the region that is named', inNorth, all('eu-north-1')],
    ['and a project may name another one', { ...inNorth, projects: { a: { region: 'us-west-2' } } }, all('us-west-2')],
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
  const jobsIn = (region?: string | object) => arnOf('bedrock', 'model-customization-job/*', region);
  const provider = 'bedrock-customization';
  const cases: [name: string, props: FineTuningCurfewProps, statements: Statement[]][] = [
    ['nothing without a project there', { provider: 'bedrock' }, []],
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
