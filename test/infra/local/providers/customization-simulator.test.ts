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
import { startCustomizationSimulator } from '../../../../infra/local/providers/customization-simulator.ts';
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
/** A job as it is on the wire. */
const wired = (job: object) => JSON.parse(JSON.stringify({ ...job, $metadata: undefined }));

describe('the SDK', () => {
  test('gets and lists a job with every field, and with times as dates', async () => {
    const { tags: _, ...fields } = addJob({ status: 'Stopping', ageMinutes: 90, trainingStartedMinutesAgo: 30 });
    const got = await get(fields.jobArn);
    const [listed = assert.fail()] = await list({ statusEquals: 'Stopping' });
    for (const job of [got, listed]) {
      assert.deepEqual(wired(job), fields);
      assert.ok(job.statusDetails?.trainingDetails?.creationTime instanceof Date);
    }
    assert.deepEqual(
      simulator.calls.map(({ operation, jobIdentifier, region }) => [operation, jobIdentifier, region]),
      [
        ['GetModelCustomizationJob', fields.jobArn, 'us-east-1'],
        ['ListModelCustomizationJobs', undefined, 'us-east-1'],
      ],
    );
  });

  test('stops a job, which answers nothing', async () => {
    const job = addJob();
    assert.deepEqual(wired(await stop(job.jobArn)), {});
    assert.equal((await get(job.jobArn)).status, 'Stopping');
  });

  test('reads tags, which may change while the job runs', async () => {
    const job = addJob({ tags: { team: 'ours' } });
    assert.deepEqual(await tagsOf(job.jobArn), [{ key: 'team', value: 'ours' }]);
    job.tags['time_budget_minutes'] = '90';
    assert.deepEqual((await tagsOf(job.jobArn))?.at(-1), { key: 'time_budget_minutes', value: '90' });
  });

  test('sees the jobs of its own region only', async () => {
    const [here, there] = [addJob(), addJob({ region: 'eu-west-1' })];
    const elsewhere = clientWith({ region: 'eu-west-1' });
    for (const [from, expected] of [
      [client, here],
      [elsewhere, there],
    ] as const) {
      assert.deepEqual(
        (await list({}, from)).map(({ jobArn }) => jobArn),
        [expected.jobArn],
      );
    }
    await assert.rejects(get(here.jobArn, elsewhere), { name: 'ResourceNotFoundException' });
  });

  test('pages through the newest first, also past a job that left the list between two pages', async () => {
    const jobs = Array.from({ length: 5 }, (_, ageMinutes) => addJob({ ageMinutes }));
    addJob({ status: 'Completed' });
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

const stranger = () => clientWith({ credentials: { ...credentials, secretAccessKey: 'another' } });
const unknownArn = simulatedCustomizationJob().jobArn;
const refused: [string, () => Promise<unknown>, string, number][] = [
  ['other credentials', () => list({}, stranger()), 'InvalidSignatureException', 403],
  ['a status that is not looked for', () => list({ statusEquals: 'Completed' }), 'ValidationException', 400],
  ['the oldest first', () => list({ sortOrder: 'Ascending' }), 'ValidationException', 400],
  ['a page that is too long', () => list({ maxResults: 1_001 }), 'ValidationException', 400],
  ['a token that is none', () => list({ nextToken: 'x' }), 'ValidationException', 400],
  ['a job that is not there', () => get(unknownArn), 'ResourceNotFoundException', 404],
  ['the stop of a job that is not there', () => stop(unknownArn), 'ResourceNotFoundException', 404],
  ['tags of a job that is not there', () => tagsOf(unknownArn), 'ResourceNotFoundException', 404],
  ...['Stopping', 'Stopped', 'Completed', 'Failed'].map((status): (typeof refused)[number] => [
    `the stop of a job that is ${status}`,
    () => stop(addJob({ status }).jobArn),
    'ConflictException',
    400,
  ]),
];

describe('refused:', () => {
  for (const [name, ask, type, status] of refused) {
    test(name, async () => {
      await assert.rejects(ask(), (error: BedrockServiceException) => {
        assert.deepEqual([error.name, error.$metadata.httpStatusCode], [type, status], error.message);
        return true;
      });
    });
  }
});

test('an ARN whose slash is not encoded names no operation', async () => {
  await fetch(`${simulator.url}/model-customization-jobs/${unknownArn}`);
  assert.equal(simulator.calls[0]?.operation, 'unknown');
});
