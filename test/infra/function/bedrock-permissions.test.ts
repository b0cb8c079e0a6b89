import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { FineTuningCurfewProps } from '../../../infra/index.ts';
import { templateWith } from '../synthesize.ts';
import { arnOf, type Statement, statementsFor } from '../template.ts';

const azure = 'https://team.openai.azure.com/openai/v1';

describe('what it may do on Bedrock', () => {
  const jobs = (Resource: unknown): Statement => ({
    Effect: 'Allow',
    Action: ['ListFineTuningJobs', 'GetFineTuningJob', 'CancelFineTuningJob'].map(
      (a) => `bedrock-mantle:${a}`,
    ),
    Resource,
  });
  const token = (...regions: unknown[]): Statement => ({
    Effect: 'Allow',
    Action: 'bedrock-mantle:CallWithBearerToken',
    Resource: '*',
    Condition: { StringEquals: { 'aws:RequestedRegion': regions } },
  });
  const here = { Ref: 'AWS::Region' };
  const oregon = 'https://bedrock-mantle.us-west-2.api.aws/v1';
  const cases: [name: string, props: FineTuningCurfewProps, statements: Statement[]][] = [
    [
      'nothing without a project there',
      { projects: { a: {}, b: { openaiBaseUrl: azure, secretName: 'b' } } },
      [],
    ],
    [
      'all projects of its own region',
      { provider: 'bedrock' },
      [token(here), jobs(arnOf('bedrock-mantle', 'project/*'))],
    ],
    [
      'all projects of the region in the URL',
      { openaiBaseUrl: oregon },
      [token('us-west-2'), jobs(arnOf('bedrock-mantle', 'project/*', 'us-west-2'))],
    ],
    [
      'the named project only',
      { provider: 'bedrock', openaiProject: 'proj_1' },
      [token(here), jobs(arnOf('bedrock-mantle', 'project/proj_1'))],
    ],
    [
      'each region and project once',
      {
        projects: {
          a: { provider: 'bedrock' },
          b: { provider: 'bedrock' },
          c: { openaiBaseUrl: oregon, openaiProject: 'proj_1' },
        },
      },
      [
        token(here, 'us-west-2'),
        jobs([arnOf('bedrock-mantle', 'project/*'), arnOf('bedrock-mantle', 'project/proj_1', 'us-west-2')]),
      ],
    ],
  ];
  for (const [name, props, statements] of cases) {
    test(name, () => {
      assert.deepEqual(statementsFor(templateWith(props), 'bedrock-mantle'), statements);
    });
  }
});
