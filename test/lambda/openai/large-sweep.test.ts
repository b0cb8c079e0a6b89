import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Invocation } from '../../../infra/local/aws/local-system.ts';
import { startAwsStub } from '../../../infra/local/aws/stub/server.ts';
import { simulatedJob } from '../../../infra/local/providers/simulated-job.ts';
import { startFineTuningSimulator } from '../../../infra/local/providers/simulator.ts';
import { defaultSettings, environmentFor, environmentNames } from '../../../lambda/settings.ts';
import type { SweepAnswer } from '../../support/answers.ts';
import { apiKey, startCurfew } from '../../support/curfew.ts';
import { answers } from '../../support/wire-faults.ts';

const lambdaHost = fileURLToPath(new URL('../../../infra/local/aws/lambda-host.ts', import.meta.url));
const handler = fileURLToPath(new URL('../../../lambda/handler.ts', import.meta.url));
/** Far less than 100,000 jobs take, were they all kept. */
const heapMegabytes = 64;
/** What Step Functions takes, which is the least of all that can receive an answer. */
const payloadLimitBytes = 256 * 1024;

test('100,000 jobs, 2,000 of them overdue, take little memory, and the answer fits any AWS payload', async () => {
  const jobs = Array.from({ length: 100_000 }, (_, index) =>
    simulatedJob({
      id: `ftjob-${String(index).padStart(24, '0')}`,
      status: index % 50 === 0 ? 'validating_files' : 'succeeded',
      ageMinutes: 400 + index / 60,
    }),
  );
  await using openai = await startFineTuningSimulator({ jobs, apiKeys: [apiKey] });
  await using awsStub = await startAwsStub({ secret: { SecretString: apiKey } });
  const host = fork(lambdaHost, [handler], {
    execArgv: [`--max-old-space-size=${heapMegabytes}`],
    silent: true,
    env: {
      ...process.env,
      ...environmentFor({
        ...defaultSettings,
        cancelLimit: 'none',
        lookbackDays: 0,
        openaiBaseUrl: openai.baseUrl,
      }),
      [environmentNames.tableName]: 'curfew-table',
      AWS_ENDPOINT_URL: awsStub.url,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      POWERTOOLS_LOG_LEVEL: 'SILENT',
    },
  });
  try {
    await once(host, 'message');
    host.send({ request: { sweep: {} } });
    const [answer] = (await Promise.race([
      once(host, 'message'),
      once(host, 'exit').then(([code, signal]) => assert.fail(`the function died: ${code ?? signal}`)),
    ])) as [Invocation];
    const { payload } = answer as { payload: SweepAnswer };
    assert.equal(payload.complete, true);
    assert.equal(payload.inspected, 100_000);
    assert.equal(payload.cancelled, 2_000);
    assert.equal(payload.jobs.length, 500);
    assert.ok(Buffer.byteLength(JSON.stringify(payload)) < payloadLimitBytes);
  } finally {
    host.kill();
  }
});

test('an answer with 500 jobs of the longest ids that all failed fits as well', async () => {
  const jobs = Array.from({ length: 500 }, (_, index) =>
    simulatedJob({
      id: `ftjob-${index}-`.padEnd(128, 'j'),
      status: 'validating_files',
      ageMinutes: 1_000_000,
    }),
  );
  await using curfew = await startCurfew({ jobs });
  curfew.openai.faultFor = ({ endpoint }) => (endpoint === 'cancel' ? answers(403) : undefined);
  const result = await curfew.sweep({ lookbackDays: 0, cancelLimit: 'none' });
  assert.equal(result.failed, 500);
  assert.equal(result.jobs.length, 500);
  assert.ok(Buffer.byteLength(JSON.stringify(result)) < payloadLimitBytes);
});
