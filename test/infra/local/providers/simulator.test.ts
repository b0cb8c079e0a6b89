import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import OpenAI, { AuthenticationError, BadRequestError, NotFoundError } from 'openai';
import { simulatedAzureJob, simulatedJob } from '../../../../infra/local/providers/simulated-job.ts';
import { type SimulatorOptions, startFineTuningSimulator } from '../../../../infra/local/providers/simulator.ts';

const apiKey = 'sk-simulator';

const simulator = await startFineTuningSimulator({ apiKeys: [apiKey] });
after(() => simulator[Symbol.asyncDispose]());
const clientWith = (key: string) => new OpenAI({ apiKey: key, baseURL: simulator.baseUrl, maxRetries: 0 });

describe("the vendor's own client", () => {
  const { jobs } = clientWith(apiKey).fineTuning;
  const start = (...started: ReturnType<typeof simulatedJob>[]) => {
    simulator.calls.length = 0;
    simulator.jobs.clear();
    for (const job of started) simulator.jobs.set(job.id, job);
  };

  test('retrieves a job, even one whose id must be escaped in a path', async () => {
    const job = simulatedJob({ status: 'running', id: 'ft:job.1' });
    start(job);
    assert.deepEqual({ ...(await jobs.retrieve(job.id)) }, job);
    assert.equal(simulator.calls[0]?.jobId, job.id);
  });

  test('pages through all jobs, newest first', async () => {
    const all = Array.from({ length: 45 }, (_, age) => simulatedJob({ status: 'succeeded', ageMinutes: age }));
    start(...all.toReversed());
    const listed = await Array.fromAsync(jobs.list());
    assert.deepEqual(
      listed.map((job) => job.id),
      all.map((job) => job.id),
    );
    assert.equal(simulator.calls.length, 3);
  });

  test('cancels a job only while it is in progress', async () => {
    const job = simulatedJob({ status: 'queued' });
    const others = ['succeeded', 'failed', 'cancelled'].map((status) => simulatedJob({ status }));
    start(job, ...others);
    assert.equal((await jobs.cancel(job.id)).status, 'cancelled');
    assert.equal((await jobs.retrieve(job.id)).status, 'cancelled');
    for (const { id } of others) await assert.rejects(jobs.cancel(id), BadRequestError);
    await assert.rejects(jobs.retrieve('ftjob-none'), NotFoundError);
  });

  test('is refused with another key, in a message that shows part of it', async () => {
    await assert.rejects(
      Array.fromAsync(clientWith('sk-another-key-1234').fineTuning.jobs.list()),
      (error) => error instanceof AuthenticationError && error.message.includes('sk-anoth'),
    );
  });
});

const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
const openai: SimulatorOptions = { provider: 'openai', apiKeys: [apiKey] };
const azure: SimulatorOptions = { provider: 'azure', apiKeys: [apiKey] };
const cases: [string, SimulatorOptions, Record<string, string>, number][] = [
  ['OpenAI takes its key as a bearer', openai, bearer(apiKey), 200],
  ['OpenAI takes no header api-key', openai, { ...bearer(apiKey), 'api-key': apiKey }, 401],
  ['Azure takes its key in api-key', azure, { 'api-key': apiKey }, 200],
  ['Azure takes no other key', azure, { 'api-key': 'another' }, 401],
  ['Azure takes no key as a bearer', azure, bearer(apiKey), 401],
  ['Azure takes no key in both places', azure, { ...bearer(apiKey), 'api-key': apiKey }, 401],
];

describe('the credential of a call', () => {
  for (const [name, options, headers, status] of cases) {
    test(name, async () => {
      await using simulator = await startFineTuningSimulator(options);
      const response = await fetch(`${simulator.baseUrl}/fine_tuning/jobs`, { headers });
      assert.equal(response.status, status, await response.text());
      for (const [key, value] of Object.entries(headers)) assert.equal(simulator.calls[0]?.headers[key], value);
    });
  }
});

describe('no endpoint is', () => {
  for (const [method, path] of [
    ['GET', '/openai/v1/fine_tuning/jobs/ftjob-1/cancel'],
    ['POST', '/openai/v1/fine_tuning/jobs'],
    ['POST', '/openai/v1/fine_tuning/jobs/ftjob-1'],
    ['GET', '/openai/v1/fine_tuning/jobs/ftjob-1/events'],
    ['GET', '/v1/fine_tuning/jobs'],
  ] as const) {
    test(`${method} ${path}`, async () => {
      await using simulator = await startFineTuningSimulator(azure);
      const response = await fetch(new URL(path, simulator.baseUrl), { method, headers: { 'api-key': apiKey } });
      assert.deepEqual([response.status, simulator.calls[0]?.endpoint], [404, 'unknown']);
    });
  }
});

test("Azure answers under its own path, with Azure's statuses and nulls", async () => {
  const job = simulatedAzureJob({ status: 'pending' });
  await using simulator = await startFineTuningSimulator({ ...azure, jobs: [job] });
  assert.match(simulator.baseUrl, /\/openai\/v1$/);
  const headers = { 'api-key': apiKey };
  const answer = await fetch(`${simulator.baseUrl}/fine_tuning/jobs/${job.id}`, { headers });
  const { status, organization_id, result_files, hyperparameters } = await answer.json();
  assert.deepEqual([status, organization_id, result_files, hyperparameters], ['pending', null, null, null]);
});
