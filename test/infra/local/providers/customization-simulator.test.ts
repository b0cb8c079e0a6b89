import assert from 'node:assert/strict';
import { after, beforeEach, describe, test } from 'node:test';
import {
  BedrockClient,
  type BedrockClientConfig,
  type BedrockServiceException,
  GetModelCustomizationJobCommand,
  ListModelCustomizationJobsCommand,
  type ListModelCustomizationJobsCommandInput,
  ListTagsForResourceCommand,
  paginateListModelCustomizationJobs,
  StopModelCustomizationJobCommand,
} from '@aws-sdk/client-bedrock';
import {
  customizationError,
  startCustomizationSimulator,
} from '../../../../infra/local/providers/customization-simulator.ts';
import {
  type CustomizationJobOptions,
  simulatedCustomizationJob,
} from '../../../../infra/local/providers/simulated-customization-job.ts';

const credentials = { accessKeyId: 'ASIASIMULATOR', secretAccessKey: 'a-secret', sessionToken: 'a session/+=' };
const simulator = await startCustomizationSimulator({ bedrockSigner: credentials });
const clients: BedrockClient[] = [];
after(async () => {
  for (const client of clients) client.destroy();
  await simulator[Symbol.asyncDispose]();
});
beforeEach(() => {
  simulator.jobs.clear();
  simulator.calls.length = 0;
  simulator.stopsAtOnce = false;
  simulator.faultFor = () => undefined;
});

/** Returns the real client; it finds the simulator by its endpoint. */
function clientWith(configuration: BedrockClientConfig = {}): BedrockClient {
  const endpoint = simulator.url;
  const client = new BedrockClient({ endpoint, region: 'us-east-1', credentials, maxAttempts: 1, ...configuration });
  clients.push(client);
  return client;
}
const client = clientWith();

function addJob(options: CustomizationJobOptions = {}) {
  const job = simulatedCustomizationJob(options);
  simulator.jobs.set(job.jobArn, job);
  return job;
}

const list = async (input: ListModelCustomizationJobsCommandInput = {}, from = client) =>
  (await from.send(new ListModelCustomizationJobsCommand(input))).modelCustomizationJobSummaries ?? [];
const get = (jobIdentifier: string, from = client) => from.send(new GetModelCustomizationJobCommand({ jobIdentifier }));
const stop = (jobIdentifier: string) => client.send(new StopModelCustomizationJobCommand({ jobIdentifier }));
const tagsOf = async (resourceARN: string) => (await client.send(new ListTagsForResourceCommand({ resourceARN }))).tags;

/** Asserts on the error that the SDK makes of an answer. */
async function assertRefused(call: Promise<unknown>, name: string, status: number): Promise<void> {
  await assert.rejects(call, (error: BedrockServiceException) => {
    assert.deepEqual([error.name, error.$metadata.httpStatusCode], [name, status], error.message);
    return true;
  });
}

describe('the SDK', () => {
  test('gets a job by its ARN or its name, with every field and with times as dates', async () => {
    const job = addJob({ ageMinutes: 90, trainingStartedMinutesAgo: 30, name: 'nova' });
    const { tags: _, ...fields } = job;
    for (const identifier of [job.jobArn, 'nova']) {
      const { $metadata: _, ...got } = await get(identifier);
      assert.deepEqual(JSON.parse(JSON.stringify(got)), fields);
      assert.ok(got.statusDetails?.trainingDetails?.creationTime instanceof Date);
    }
    assert.deepEqual(
      simulator.calls.map(({ operation, jobIdentifier, region }) => [operation, jobIdentifier, region]),
      [job.jobArn, 'nova'].map((identifier) => ['GetModelCustomizationJob', identifier, 'us-east-1']),
    );
  });

  test('lists a summary of each job', async () => {
    const { jobArn, jobName, baseModelArn, customizationType, ...job } = addJob({
      status: 'Completed',
      ageMinutes: 60,
    });
    const { status, statusDetails, creationTime, lastModifiedTime, endTime } = job;
    const [summary] = await list();
    assert.deepEqual(JSON.parse(JSON.stringify(summary)), {
      ...{ jobArn, jobName, baseModelArn, status, statusDetails, creationTime, lastModifiedTime, endTime },
      ...{ customModelArn: job.outputModelArn, customModelName: job.outputModelName, customizationType },
    });
  });

  test('stops a job, which answers nothing', async () => {
    const job = addJob();
    const { $metadata, ...answer } = await stop(job.jobArn);
    assert.deepEqual([$metadata.httpStatusCode, answer], [200, {}]);
    assert.equal((await get(job.jobArn)).status, 'Stopping');
  });

  test('stops a job at once, if it is so', async () => {
    simulator.stopsAtOnce = true;
    const job = addJob({ ageMinutes: 10 });
    await stop(job.jobArn);
    const { status, statusDetails, endTime } = await get(job.jobArn);
    assert.deepEqual([status, statusDetails?.trainingDetails?.status], ['Stopped', 'Stopped']);
    assert.ok(endTime);
  });

  for (const status of ['Stopping', 'Stopped', 'Completed', 'Failed']) {
    test(`is refused the stop of a job that is ${status}`, async () => {
      const { jobArn } = addJob({ status });
      await assertRefused(stop(jobArn), 'ConflictException', 400);
    });
  }

  test('reads tags, which may change while the job runs', async () => {
    const job = addJob({ tags: { team: 'ours' } });
    assert.deepEqual(await tagsOf(job.jobArn), [{ key: 'team', value: 'ours' }]);
    job.tags['time_budget_minutes'] = '90';
    assert.deepEqual((await tagsOf(job.jobArn))?.at(-1), { key: 'time_budget_minutes', value: '90' });
  });

  test('sees the jobs of its own region only', async () => {
    const [here, there] = ['us-east-1', 'eu-west-1'].map((region) => addJob({ region }));
    const elsewhere = clientWith({ region: 'eu-west-1' });
    assert.deepEqual(
      (await list()).map(({ jobArn }) => jobArn),
      [here?.jobArn],
    );
    assert.deepEqual(
      (await list({}, elsewhere)).map(({ jobArn }) => jobArn),
      [there?.jobArn],
    );
    await assert.rejects(get(here?.jobArn ?? '', elsewhere), { name: 'ResourceNotFoundException' });
  });

  test('finds the simulator by AWS_ENDPOINT_URL_BEDROCK', async (t) => {
    process.env['AWS_ENDPOINT_URL_BEDROCK'] = simulator.url;
    t.after(() => delete process.env['AWS_ENDPOINT_URL_BEDROCK']);
    const found = new BedrockClient({ region: 'us-east-1', credentials });
    clients.push(found);
    assert.deepEqual(await list({}, found), []);
  });

  test('is refused with other credentials', async () => {
    const other = clientWith({ credentials: { ...credentials, secretAccessKey: 'another' } });
    await assertRefused(list({}, other), 'InvalidSignatureException', 403);
  });
});

const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000);
const lists: [string, ListModelCustomizationJobsCommandInput, string[]][] = [
  ['newest first', {}, ['a', 'b', 'c', 'd']],
  ['oldest first', { sortBy: 'CreationTime', sortOrder: 'Ascending' }, ['d', 'c', 'b', 'a']],
  ['of one status', { statusEquals: 'InProgress' }, ['a', 'c']],
  ['by part of a name', { nameContains: 'b' }, ['b']],
  ['by creation', { creationTimeAfter: minutesAgo(35), creationTimeBefore: minutesAgo(15) }, ['b', 'c']],
];

describe('a list', () => {
  for (const [name, input, expected] of lists) {
    test(name, async () => {
      for (const [index, jobName] of ['a', 'b', 'c', 'd'].entries()) {
        const status = index % 2 === 0 ? 'InProgress' : 'Completed';
        addJob({ name: jobName, status, ageMinutes: (index + 1) * 10 });
      }
      assert.deepEqual(
        (await list(input)).map(({ jobName }) => jobName),
        expected,
      );
    });
  }

  test('goes on after a job that left it between two pages', async () => {
    const jobs = Array.from({ length: 5 }, (_, ageMinutes) => addJob({ ageMinutes }));
    const seen: unknown[] = [];
    const input = { statusEquals: 'InProgress', maxResults: 2 } as const;
    for await (const page of paginateListModelCustomizationJobs({ client }, input)) {
      seen.push(...(page.modelCustomizationJobSummaries ?? []).map(({ jobArn }) => jobArn));
      const last = simulator.jobs.get(`${seen.at(-1)}`);
      if (last) last.status = 'Completed';
    }
    assert.deepEqual(
      seen,
      jobs.map(({ jobArn }) => jobArn),
    );
    assert.equal(simulator.calls.length, 3);
  });
});

const unknownArn = simulatedCustomizationJob().jobArn;
const invalid: [string, () => Promise<unknown>, string, number][] = [
  ['a status that there is not', () => list({ statusEquals: 'Running' as never }), 'ValidationException', 400],
  ['a page that is too long', () => list({ maxResults: 1_001 }), 'ValidationException', 400],
  ['a token that is none', () => list({ nextToken: 'x' }), 'ValidationException', 400],
  ['an identifier that is none', () => get('a job!'), 'ValidationException', 400],
  ['a job that is not there', () => get(unknownArn), 'ResourceNotFoundException', 404],
  ['the stop of a job that is not there', () => stop(unknownArn), 'ResourceNotFoundException', 404],
  ['tags of a job that is not there', () => tagsOf(unknownArn), 'ResourceNotFoundException', 404],
  ['tags by name', () => tagsOf('nova'), 'ValidationException', 400],
];

describe('refused:', () => {
  for (const [name, ask, type, status] of invalid) {
    test(name, () => assertRefused(ask(), type, status));
  }
});

const faults = [
  ['AccessDeniedException', 403],
  ['ThrottlingException', 429],
  ['InternalServerException', 500],
] as const;

for (const [type, status] of faults) {
  test(`a fault sends ${type} to one region`, async () => {
    simulator.faultFor = ({ region }) =>
      region === 'us-east-1' ? () => customizationError(type, 'Not here.') : undefined;
    await assertRefused(list(), type, status);
    assert.deepEqual(await list({}, clientWith({ region: 'eu-west-1' })), []);
  });
}

test('an ARN whose slash is not encoded names no operation', async () => {
  const { jobArn } = addJob();
  await fetch(`${simulator.url}/model-customization-jobs/${jobArn}`);
  assert.equal(simulator.calls[0]?.operation, 'unknown');
});
