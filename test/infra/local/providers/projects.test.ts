import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startLocalProjects } from '../../../../infra/local/providers/projects.ts';
import { simulatedCustomizationJob } from '../../../../infra/local/providers/simulated-customization-job.ts';

test('each project finds its provider; those of Bedrock have no secret', async () => {
  const customizationJob = simulatedCustomizationJob({ region: 'eu-west-1' });
  await using local = await startLocalProjects({
    projects: {
      research: {},
      azure: { provider: 'azure' },
      mantle: { provider: 'bedrock' },
      nova: { provider: 'bedrock-customization', customizationJobs: [customizationJob] },
    },
  });
  const { azure, mantle } = Object.fromEntries(local.providers);
  assert.deepEqual(JSON.parse(local.context['projects'] ?? ''), {
    research: {},
    azure: { provider: 'azure', openaiBaseUrl: azure?.baseUrl, secretName: 'fine-tuning/azure' },
    mantle: { provider: 'bedrock', openaiBaseUrl: mantle?.baseUrl },
    nova: { provider: 'bedrock-customization' },
  });
  assert.deepEqual(Object.keys(local.secrets), ['openai/api-key', 'fine-tuning/azure']);
  assert.equal(local.environment['AWS_ENDPOINT_URL_BEDROCK'], local.customization.url);
  assert.deepEqual([...local.customization.jobs.keys()], [customizationJob.jobArn]);
});
