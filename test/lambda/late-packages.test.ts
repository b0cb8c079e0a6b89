import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const program = fileURLToPath(new URL('../support/late-packages.ts', import.meta.url));

interface Scenario {
  request: object;
  /** Of the one job in progress, `ftjob-1`. */
  ageMinutes: number;
  settings?: object;
  projects?: object;
}

async function run(scenario: Scenario): Promise<{ ended: string; loaded: string[] }> {
  const { stdout } = await promisify(execFile)(process.execPath, [program, JSON.stringify(scenario)]);
  return JSON.parse(stdout);
}

const dynamoDB = '@aws-sdk/client-dynamodb';
const parameterStore = '@aws-sdk/client-ssm';
const bedrockTokens = '@aws/bedrock-token-generator';
const young = { ageMinutes: 10 };

describe('a cold start loads no package that it does not need', { concurrency: 2 }, () => {
  const cases: [name: string, scenario: Scenario, loaded: string[], ended?: string][] = [
    ['to cancel a job', { request: { jobId: 'ftjob-1' }, ...young }, []],
    ['to stop everything', { request: { stopAll: {} }, ...young }, []],
    ['to sweep jobs within their budget', { request: { sweep: {} }, ...young }, []],
    ['to sweep an overdue job', { request: { sweep: {} }, ageMinutes: 400 }, [dynamoDB]],
    ['to extend a job', { request: { extend: { jobId: 'ftjob-1', minutes: 600 } }, ...young }, [dynamoDB]],
    [
      'to cancel a job in one of several projects',
      { request: { jobId: 'ftjob-1' }, ...young, projects: { research: {}, production: {} } },
      [parameterStore],
    ],
    [
      'to cancel a job on Bedrock',
      {
        request: { jobId: 'ftjob-1' },
        ...young,
        settings: { provider: 'bedrock', openaiBaseUrl: 'http://127.0.0.1:2/v1' },
      },
      [bedrockTokens],
      // Nobody listens there.
      'failed',
    ],
  ];
  for (const [name, scenario, loaded, ended = 'answered'] of cases) {
    test(name, async () => assert.deepEqual(await run(scenario), { ended, loaded }));
  }
});
