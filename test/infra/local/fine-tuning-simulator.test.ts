import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import OpenAI, { AuthenticationError, BadRequestError, NotFoundError } from 'openai';
import { startFineTuningSimulator } from '../../../infra/local/fine-tuning-simulator.ts';
import { simulatedJob } from '../../../infra/local/simulated-job.ts';

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

  test('filters by metadata', async () => {
    const [ours, theirs] = ['ours', 'theirs'].map((team) =>
      simulatedJob({ status: 'running', metadata: { team } }),
    );
    assert.ok(ours && theirs);
    await using api = await start([ours, theirs]);
    const listed = await Array.fromAsync(api.jobs.list({ metadata: { team: 'ours' } }));
    assert.deepEqual(
      listed.map((job) => job.id),
      [ours.id],
    );
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
