import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const program = fileURLToPath(new URL('../support/late-packages.ts', import.meta.url));

interface Scenario {
  request: object;
  /** The age of the one job, `ftjob-1`. */
  ageMinutes: number;
  /** Running by default. */
  status?: string;
  settings?: object;
  projects?: object;
}

async function run(scenario: Scenario): Promise<{ ended: string; loaded: string[] }> {
  const { stdout } = await promisify(execFile)(process.execPath, [program, JSON.stringify(scenario)]);
  return JSON.parse(stdout);
}

const table = '@aws-sdk/client-dynamodb';
const parameters = '@aws-sdk/client-ssm';
const bedrock = '@aws-sdk/client-bedrock';
const customizationJob = 'arn:aws:bedrock:us-east-1:111122223333:model-customization-job/amazon.nova/abcdefghijkl';
const young = { ageMinutes: 10 };
const finished = { ageMinutes: 10, status: 'succeeded' };

describe('a cold start loads only the packages that it needs', { concurrency: 2 }, () => {
  const cases: [name: string, scenario: Scenario, loaded: string[], ended?: string][] = [
    ['to cancel a job', { request: { jobId: 'ftjob-1' }, ...young }, []],
    ['to stop everything', { request: { stopAll: {} }, ...young }, []],
    ['to sweep where no job is in progress', { request: { sweep: {} }, ...finished }, []],
    ['to sweep a job in progress', { request: { sweep: {} }, ...young }, [table]],
    ['to extend a job', { request: { extend: { jobId: 'ftjob-1', minutes: 600 } }, ...young }, [table]],
    [
      'to cancel a job in one of several projects',
      { request: { jobId: 'ftjob-1' }, ...young, projects: { research: {}, production: {} } },
      [parameters],
    ],
    [
      "to cancel one of Bedrock's own jobs",
      {
        request: { jobId: customizationJob },
        ...young,
        projects: { research: {}, customization: { provider: 'bedrock-customization' } },
      },
      [bedrock, parameters],
      // Nothing listens there.
      'failed',
    ],
  ];
  for (const [name, scenario, loaded, ended = 'answered'] of cases) {
    test(name, async () => assert.deepEqual(await run(scenario), { ended, loaded }));
  }
});
