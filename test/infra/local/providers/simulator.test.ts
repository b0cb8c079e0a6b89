import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { getToken } from '@aws/bedrock-token-generator';
import OpenAI, { AuthenticationError, BadRequestError, NotFoundError } from 'openai';
import { simulatedAzureJob, simulatedJob } from '../../../../infra/local/providers/simulated-job.ts';
import {
  type SimulatorOptions,
  startFineTuningSimulator,
} from '../../../../infra/local/providers/simulator.ts';

const apiKey = 'sk-simulator';

/** The vendor's own client against the simulator. */
async function start(jobs: ReturnType<typeof simulatedJob>[], key = apiKey) {
  const simulator = await startFineTuningSimulator({ jobs, apiKeys: [apiKey] });
  const client = new OpenAI({ apiKey: key, baseURL: simulator.baseUrl, maxRetries: 0 });
  return { simulator, jobs: client.fineTuning.jobs, [Symbol.asyncDispose]: simulator[Symbol.asyncDispose] };
}

describe("the vendor's own client", () => {
  test('retrieves a job', async () => {
    const job = simulatedJob({ status: 'running' });
    await using api = await start([job]);
    assert.deepEqual({ ...(await api.jobs.retrieve(job.id)) }, job);
  });

  test('retrieves a job whose id must be escaped in a path', async () => {
    const job = simulatedJob({ status: 'running', id: 'ft:job.1' });
    await using api = await start([job]);
    assert.equal((await api.jobs.retrieve(job.id)).id, job.id);
    assert.equal(api.simulator.calls[0]?.jobId, job.id);
  });

  test('pages through all jobs, newest first', async () => {
    const jobs = Array.from({ length: 45 }, (_, age) =>
      simulatedJob({ status: 'succeeded', ageMinutes: age }),
    );
    await using api = await start(jobs.toReversed());
    const listed = await Array.fromAsync(api.jobs.list());
    assert.deepEqual(
      listed.map((job) => job.id),
      jobs.map((job) => job.id),
    );
    assert.equal(api.simulator.calls.length, 3);
  });

  test('cancels a job in progress', async () => {
    const job = simulatedJob({ status: 'queued' });
    await using api = await start([job]);
    assert.equal((await api.jobs.cancel(job.id)).status, 'cancelled');
    assert.equal((await api.jobs.retrieve(job.id)).status, 'cancelled');
  });

  for (const status of ['succeeded', 'failed', 'cancelled']) {
    test(`is refused the cancel of a job that ${status}`, async () => {
      const job = simulatedJob({ status });
      await using api = await start([job]);
      await assert.rejects(api.jobs.cancel(job.id), BadRequestError);
    });
  }

  test('does not find a job that is not there', async () => {
    await using api = await start([]);
    await assert.rejects(api.jobs.retrieve('ftjob-none'), NotFoundError);
  });

  test('is refused with another key, in words that show a part of it', async () => {
    await using api = await start([], 'sk-another-key-1234');
    await assert.rejects(
      Array.fromAsync(api.jobs.list()),
      (error) => error instanceof AuthenticationError && error.message.includes('sk-anoth'),
    );
  });
});

const credentials = { accessKeyId: 'AKIASIMULATOR', secretAccessKey: 'a-secret/with+signs' };
const signer = { ...credentials, region: 'eu-west-1' };
const token = (more: Partial<Parameters<typeof getToken>[0]> = {}) =>
  getToken({ credentials, region: signer.region, ...more });
const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
const withChangedSignature = (key: string) => {
  const prefix = 'bedrock-api-key-';
  const url = Buffer.from(key.slice(prefix.length), 'base64').toString();
  const changed = url.replace(/X-Amz-Signature=(.)/, (_, sign) => `X-Amz-Signature=${sign === '0' ? 1 : 0}`);
  return `${prefix}${Buffer.from(changed).toString('base64')}`;
};
const expired = async () => {
  const short = await token({ expiresInSeconds: 1 });
  const prefix = 'bedrock-api-key-';
  const url = Buffer.from(short.slice(prefix.length), 'base64').toString();
  const yesterday = url.replace(/X-Amz-Date=\d{8}/, 'X-Amz-Date=20200101');
  return `${prefix}${Buffer.from(yesterday).toString('base64')}`;
};

const openai: SimulatorOptions = { provider: 'openai', apiKeys: [apiKey] };
const azure: SimulatorOptions = { provider: 'azure', apiKeys: [apiKey] };
const bedrock: SimulatorOptions = { provider: 'bedrock', bedrockSigner: signer };

const cases: [string, SimulatorOptions, () => Promise<Record<string, string>>, number][] = [
  ['OpenAI takes its key as a bearer', openai, async () => bearer(apiKey), 200],
  ['OpenAI takes no header api-key', openai, async () => ({ ...bearer(apiKey), 'api-key': apiKey }), 401],
  ['Azure takes its key in api-key', azure, async () => ({ 'api-key': apiKey }), 200],
  ['Azure takes no other key', azure, async () => ({ 'api-key': 'another' }), 401],
  ['Azure takes no key as a bearer', azure, async () => bearer(apiKey), 401],
  ['Azure takes no key in both places', azure, async () => ({ ...bearer(apiKey), 'api-key': apiKey }), 401],
  ['Bedrock takes a token of its signer', bedrock, async () => bearer(await token()), 200],
  [
    'Bedrock takes a token of a session',
    bedrock,
    async () => bearer(await token({ credentials: { ...credentials, sessionToken: 'session/+=' } })),
    200,
  ],
  [
    'Bedrock takes no token of other credentials',
    bedrock,
    async () => bearer(await token({ credentials: { ...credentials, secretAccessKey: 'another' } })),
    401,
  ],
  [
    'Bedrock takes no token for another region',
    bedrock,
    async () => bearer(await token({ region: 'us-east-1' })),
    401,
  ],
  [
    'Bedrock takes no token whose signature was changed',
    bedrock,
    async () => bearer(withChangedSignature(await token())),
    401,
  ],
  ['Bedrock takes no expired token', { provider: 'bedrock' }, async () => bearer(await expired()), 401],
  ['Bedrock takes no API key', bedrock, async () => bearer(apiKey), 401],
  [
    'Bedrock takes any token in form where nobody knows its signer',
    { provider: 'bedrock' },
    async () => bearer(await token({ region: 'us-west-2' })),
    200,
  ],
];

describe('the credential of a call', () => {
  for (const [name, options, headers, status] of cases) {
    test(name, async () => {
      await using simulator = await startFineTuningSimulator(options);
      const response = await fetch(`${simulator.baseUrl}/fine_tuning/jobs`, { headers: await headers() });
      assert.equal(response.status, status, await response.text());
    });
  }
});

test('every header of every call is there to be looked at', async () => {
  await using simulator = await startFineTuningSimulator(azure);
  const headers = { 'api-key': apiKey, 'openai-project': 'proj-1', authorization: 'Bearer stray' };
  await fetch(`${simulator.baseUrl}/elsewhere`, { headers });
  const seen = simulator.calls[0]?.headers;
  assert.deepEqual(
    [seen?.['api-key'], seen?.['openai-project'], seen?.authorization],
    Object.values(headers),
  );
});

test("Azure answers below its own path, with Azure's statuses and nulls", async () => {
  const job = simulatedAzureJob({ status: 'pending' });
  await using simulator = await startFineTuningSimulator({ ...azure, jobs: [job] });
  assert.match(simulator.baseUrl, /\/openai\/v1$/);
  const headers = { 'api-key': apiKey };
  const answer = await fetch(`${simulator.baseUrl}/fine_tuning/jobs/${job.id}`, { headers });
  const { status, organization_id, result_files, hyperparameters } = await answer.json();
  assert.deepEqual([status, organization_id, result_files, hyperparameters], ['pending', null, null, null]);
});
