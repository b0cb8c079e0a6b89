import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaults } from '../../infra/context.ts';
import { startAwsStub } from '../../infra/local/aws-stub/aws-stub.ts';
import { startFineTuningSimulator } from '../../infra/local/fine-tuning-simulator.ts';
import { simulatedJob } from '../../infra/local/simulated-job.ts';
import { environmentFor } from '../../lambda/settings.ts';
import { apiKey } from '../support/curfew.ts';
import { lambdaContext } from '../support/lambda-context.ts';

test('the entry point takes all that it needs from the environment', async (t) => {
  await using openai = await startFineTuningSimulator({
    jobs: [simulatedJob({ id: 'ftjob-1', status: 'running' })],
    apiKeys: [apiKey],
  });
  await using aws = await startAwsStub({ secret: { SecretString: apiKey } });
  const written: Record<string, unknown>[] = [];
  for (const method of ['info', 'log'] as const) {
    t.mock.method(console, method, (line: string) => written.push(JSON.parse(line)));
  }
  const before = { ...process.env };
  t.after(() => {
    process.env = before;
  });
  Object.assign(process.env, environmentFor({ ...defaults, openaiBaseUrl: openai.baseUrl }), {
    AWS_ENDPOINT_URL: aws.url,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    // Powertools writes to the console that others can see, too.
    POWERTOOLS_DEV: 'true',
    POWERTOOLS_METRICS_DISABLED: 'false',
  });
  const { handler } = await import('../../lambda/handler.ts');

  const result = await handler({ jobId: 'ftjob-1' }, lambdaContext(60_000));

  assert.equal((result as { outcome: string }).outcome, 'cancelled');
  const [line, metrics] = written;
  assert.equal(line?.['service'], 'fine-tuning-curfew');
  assert.equal(line['jobId'], 'ftjob-1');
  assert.equal(metrics?.['service'], 'fine-tuning-curfew');
  assert.match(JSON.stringify(metrics['_aws']), /"Namespace":"FineTuningCurfew"/);
  assert.equal(aws.events.length, 1);
});
