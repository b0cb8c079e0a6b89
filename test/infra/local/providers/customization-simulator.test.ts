import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import {
  BedrockClient,
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
const access = { endpoint: simulator.url, region: 'us-east-1', maxAttempts: 1 };
const client = new BedrockClient({ ...access, credentials });
const stranger = new BedrockClient({ ...access, credentials: { ...credentials, secretAccessKey: 'another' } });
after(async () => {
  client.destroy();
  stranger.destroy();
  await simulator[Symbol.asyncDispose]();
});

function addJob(options: CustomizationJobOptions = {}) {
  const job = simulatedCustomizationJob(options);
  simulator.jobs.set(job.jobArn, job);
  return job;
}

const list = async (input: ListModelCustomizationJobsCommandInput = {}, from = client) =>
  (await from.send(new ListModelCustomizationJobsCommand(input))).modelCustomizationJobSummaries ?? [];
const get = (jobIdentifier: string) => client.send(new GetModelCustomizationJobCommand({ jobIdentifier }));
const stop = (jobIdentifier: string) => client.send(new StopModelCustomizationJobCommand({ jobIdentifier }));
const tagsOf = async (resourceARN: string) => (await client.send(new ListTagsForResourceCommand({ resourceARN }))).tags;

// The tests of the function show that jobs are found, stopped and tagged correctly.
test('pages through jobs newest first, even past one that left the list between two pages', async () => {
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

const unknownArn = simulatedCustomizationJob().jobArn;
const refused: [string, () => Promise<unknown>, string, number][] = [
  ['other credentials', () => list({}, stranger), 'InvalidSignatureException', 403],
  ['a status that the function never lists', () => list({ statusEquals: 'Completed' }), 'ValidationException', 400],
  ['the oldest first', () => list({ sortOrder: 'Ascending' }), 'ValidationException', 400],
  ['a page that is too long', () => list({ maxResults: 1_001 }), 'ValidationException', 400],
  ['an invalid token', () => list({ nextToken: 'x' }), 'ValidationException', 400],
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
  assert.equal(simulator.calls.at(-1)?.operation, 'unknown');
});
