import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startUndeployedSystem } from '../../../../infra/local/aws/undeployed-system.ts';
import { simulatedCustomizationJob } from '../../../../infra/local/providers/simulated-customization-job.ts';
import { simulatedAzureJob, simulatedJob } from '../../../../infra/local/providers/simulated-job.ts';
import type { SweepAnswer } from '../../../../lambda/contract.ts';

const nova = simulatedCustomizationJob({ ageMinutes: 400 });

test('without an emulator the bundle still works, with several projects too', async () => {
  await using system = await startUndeployedSystem({
    jobs: [simulatedJob({ id: 'ftjob-old', status: 'running', ageMinutes: 400 })],
    projects: {
      research: {},
      azure: {
        provider: 'azure',
        jobs: [simulatedAzureJob({ id: 'ftjob-azure', status: 'pending', ageMinutes: 400 })],
      },
      bedrock: {
        provider: 'bedrock',
        jobs: [simulatedJob({ id: 'ftjob-bedrock', status: 'running', ageMinutes: 400 })],
      },
      nova: { provider: 'bedrock-customization', customizationJobs: [nova] },
    },
  });
  const extend = { extend: { jobId: 'ftjob-old', minutes: 60 } };
  assert.equal((await system.invoke(extend)).error, undefined);
  const { payload } = await system.invoke(await system.ruleInput());
  const { complete, jobs } = payload as SweepAnswer;
  assert.equal(complete, true);
  assert.deepEqual(
    new Set(jobs.map(({ project, jobId, outcome }) => [project, jobId, outcome].join(' '))),
    new Set(['azure ftjob-azure cancelled', 'bedrock ftjob-bedrock cancelled', `nova ${nova.jobArn} cancelling`]),
  );
});
