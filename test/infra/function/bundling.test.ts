import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { bundledCode } from '../../../infra/function/bundled-code.ts';
import { bundleFunction } from '../../../infra/function/bundling.ts';
import type { Invocation } from '../../../infra/local/aws/local-system.ts';
import { isolatedEnvironment, newRunDirectory } from '../../../infra/local/aws/workspace.ts';
import { listenOnLoopback } from '../../../infra/local/providers/loopback-server.ts';
import { simulatedJob } from '../../../infra/local/providers/simulated-job.ts';
import { startFineTuningSimulator } from '../../../infra/local/providers/simulator.ts';
import { settingsVariable } from '../../../lambda/settings.ts';

await bundleFunction();
const apiKey = 'sk-proj-4nXq7TzLw2VbYc9RkDm5';
const require = createRequire(import.meta.url);
const lambdaHost = fileURLToPath(new URL('../../../infra/local/aws/lambda-host.ts', import.meta.url));

test('the deployed bundle takes endpoint, region and credentials from the environment of Lambda', async () => {
  const requests: IncomingHttpHeaders[] = [];
  const server = createServer((request, response) => {
    requests.push(request.headers);
    response.end(JSON.stringify({ Name: 'openai/api-key', SecretString: apiKey }));
  });
  await using cleanup = new AsyncDisposableStack();
  const secrets = await listenOnLoopback(server);
  cleanup.defer(secrets.close);
  const jobs = [simulatedJob({ id: 'ftjob-1', status: 'running' })];
  const openai = cleanup.use(await startFineTuningSimulator({ jobs, apiKeys: [apiKey] }));
  const host = fork(lambdaHost, [join(bundledCode, 'index.js')], {
    silent: true,
    env: {
      ...isolatedEnvironment(newRunDirectory()),
      [settingsVariable]: JSON.stringify({ openaiBaseUrl: openai.baseUrl, tableName: 'state' }),
      AWS_ENDPOINT_URL: secrets.url,
      AWS_REGION: 'eu-central-1',
      AWS_ACCESS_KEY_ID: 'AKIDOFLAMBDA',
      AWS_SECRET_ACCESS_KEY: 'secret',
      AWS_SESSION_TOKEN: 'token-of-the-role',
    },
  });
  cleanup.defer(() => {
    host.kill();
  });
  await once(host, 'message');
  host.send({ request: { jobId: 'ftjob-1' } });
  const [answer] = (await once(host, 'message')) as [Invocation];
  assert.deepEqual(answer.payload, {
    jobId: 'ftjob-1',
    outcome: 'cancelled',
    initialStatus: 'running',
    finalStatus: 'cancelled',
  });
  const scopes = requests.map(({ authorization = '' }) =>
    /Credential=(\w+)\/\d{8}\/([\w-]+)\/(\w+)\//.exec(authorization)?.slice(1),
  );
  assert.deepEqual(scopes, [
    ['AKIDOFLAMBDA', 'eu-central-1', 'secretsmanager'],
    ['AKIDOFLAMBDA', 'eu-central-1', 'events'],
  ]);
  for (const headers of requests) assert.equal(headers['x-amz-security-token'], 'token-of-the-role');
});

test('the deployed bundle contains every client that it loads on demand', () => {
  const parts = readdirSync(bundledCode).filter((file) => file.endsWith('.js') && file !== 'index.js');
  const loaded = parts.flatMap((file) => Object.keys(require(join(bundledCode, file))));
  for (const client of ['BedrockClient', 'DynamoDBClient', 'SSMProvider']) assert.ok(loaded.includes(client), client);
});

// Lambda passes credentials only in environment variables.
test('the deployed bundle omits the other sources of AWS credentials', () => {
  const code = readdirSync(bundledCode)
    .map((file) => readFileSync(join(bundledCode, file), 'utf8'))
    .join('');
  for (const mark of ['sso-oidc', 'AssumeRoleWithWebIdentity', 'credential_process']) {
    assert.ok(!code.includes(mark), mark);
  }
});
