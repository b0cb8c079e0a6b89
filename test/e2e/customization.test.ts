import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, describe, test } from 'node:test';
import { customizationError } from '../../infra/local/providers/customization-simulator.ts';
import {
  type CustomizationJobOptions,
  simulatedCustomizationJob,
} from '../../infra/local/providers/simulated-customization-job.ts';
import { simulatedJob } from '../../infra/local/providers/simulated-job.ts';
import type { CancelAnswer, ExtendAnswer, ListAnswer, SweepAnswer } from '../../lambda/contract.ts';
import { deployOrSkip } from '../support/deploy-or-skip.ts';
import { reset } from '../support/wire-faults.ts';

/** Jobs, named after what is special about them. */
const options: Record<string, CustomizationJobOptions> = {
  overdue: { ageMinutes: 400 },
  shortBudget: { ageMinutes: 30, tags: { time_budget_minutes: '20m' } },
  finishesFirst: { ageMinutes: 390 },
  exempt: { ageMinutes: 5000, tags: { time_budget_minutes: 'none' } },
  waiting: { ageMinutes: 300, trainingStatus: 'NotStarted', tags: { time_budget_minutes: '90m' } },
  waitedLong: { ageMinutes: 700, trainingStartedMinutesAgo: 10, tags: { time_budget_minutes: '90m' } },
  unreadable: { ageMinutes: 400, region: 'eu-central-1' },
};
const jobs = new Map(Object.entries(options).map(([name, job]) => [name, simulatedCustomizationJob({ name, ...job })]));
const jobNamed = (name: string) => jobs.get(name) ?? assert.fail(name);
const arn = (name: string) => jobNamed(name).jobArn;
const names = (ids: { jobId: string }[]) =>
  ids.map(({ jobId }) => [...jobs.values()].find(({ jobArn }) => jobArn === jobId)?.jobName ?? jobId).sort();

const running = (id: string, ageMinutes: number) => simulatedJob({ id, status: 'running', ageMinutes });
const customization = (region: string) => ({ provider: 'bedrock-customization' as const, settings: { region } });

const { system, skip } = await deployOrSkip({
  jobs: [running('ftjob-openai', 400)],
  projects: {
    openai: {},
    bedrock: { provider: 'bedrock', jobs: [running('ftjob-bedrock', 400)] },
    nova: { provider: 'bedrock-customization', customizationJobs: [...jobs.values()] },
    unreachable: customization('eu-central-1'),
    denied: customization('eu-west-1'),
  },
  context: { sweepEveryMinutes: '1440' },
});
after(() => system?.[Symbol.asyncDispose]());

describe("Bedrock's customization jobs among those of other providers", { skip }, async () => {
  if (!system) return;
  const { openai, providers, customization: nova } = system;
  const bedrock = providers.get('bedrock') ?? assert.fail();
  const signer = emulatedRole(await system.output('FunctionArn'), await system.output('RoleArn'));
  for (const simulator of [bedrock, nova]) simulator.bedrockSigner = signer;
  const ask = async <Answer>(request: object) => {
    const { payload, error } = await system.invoke(request);
    assert.equal(error, undefined);
    return payload as Answer;
  };

  test('one sweep stops overdue jobs everywhere; bad regions, a throttle and a late stop affect no others', async () => {
    let isThrottled = true;
    nova.faultFor = ({ region, operation, jobIdentifier }) => {
      if (region === 'eu-central-1') return reset;
      if (region === 'eu-west-1') return () => customizationError('AccessDeniedException', 'Not yours.');
      if (operation === 'StopModelCustomizationJob' && jobIdentifier === arn('finishesFirst')) {
        jobNamed('finishesFirst').status = 'Completed';
      }
      if (operation !== 'GetModelCustomizationJob' || !isThrottled) return undefined;
      isThrottled = false;
      return () => customizationError('ThrottlingException', 'Slow down.');
    };
    const { complete, projects, failedProjects, ...answer } = await ask<SweepAnswer>({ sweep: {} });
    assert.deepEqual([complete, projects], [false, 3]);
    assert.deepEqual(
      failedProjects?.map(({ project, error }) => [project, error.name]),
      [
        ['unreachable', 'OpenAIError'],
        ['denied', 'AuthenticationError'],
      ],
    );
    assert.deepEqual(names(answer.jobs.filter(({ outcome }) => outcome === 'already_finished')), ['finishesFirst']);
    const stopped = answer.jobs.filter(({ outcome }) => outcome === 'cancelling' || outcome === 'cancelled');
    assert.deepEqual(names(stopped), ['ftjob-bedrock', 'ftjob-openai', 'overdue', 'shortBudget']);
    assert.equal(answer.failed, 0);
    assert.equal(openai.jobs.get('ftjob-openai')?.status, 'cancelled');
    const statuses = ['overdue', 'exempt', 'waiting', 'waitedLong', 'unreadable'].map((name) => jobNamed(name).status);
    assert.deepEqual(statuses, ['Stopping', 'InProgress', 'InProgress', 'InProgress', 'InProgress']);
    const stops = nova.calls.filter(({ operation }) => operation === 'StopModelCustomizationJob');
    assert.equal(new Set(stops.map(({ jobIdentifier }) => jobIdentifier)).size, stops.length, 'each is sent once');
  });

  test('list shows their deadlines, from tags and the start of training', async () => {
    const { jobs: listed } = await ask<ListAnswer>({ list: { project: 'nova' } });
    const [first] = listed;
    assert.deepEqual([first?.jobId, first?.model], [arn('waiting'), 'amazon.nova-lite-v1:0:300k']);
    const waitedLong = listed.find(({ jobId }) => jobId === arn('waitedLong'));
    assert.deepEqual([waitedLong?.budgetFrom, waitedLong?.timeBudgetMinutes], ['metadata', 90]);
    const started = jobNamed('waitedLong').statusDetails?.trainingDetails?.creationTime ?? '';
    assert.equal(waitedLong?.countsFrom?.slice(0, 19), started.slice(0, 19));
  });

  test('a tag that changes while the job runs applies at the next sweep', async () => {
    jobNamed('exempt').tags['time_budget_minutes'] = '24h';
    const { jobs: swept } = await ask<SweepAnswer>({ sweep: { project: 'nova' } });
    assert.deepEqual(names(swept), ['exempt']);
    assert.equal(jobNamed('exempt').status, 'Stopping');
  });

  test('an ARN works as a job id, for the project of its region', async () => {
    const jobId = arn('waiting');
    const { deadline } = await ask<ExtendAnswer>({ extend: { jobId, minutes: 600 } });
    assert.ok(Date.parse(deadline ?? '') > Date.now() + 590 * 60_000);
    const { project, outcome, finalStatus } = await ask<CancelAnswer>({ jobId });
    assert.deepEqual([project, outcome, finalStatus], ['nova', 'cancelling', 'Stopping']);
    const { error } = await system.invoke({ jobId: jobId.replace('us-east-1', 'us-west-2') });
    assert.match(error?.message ?? '', /needs a project with provider bedrock-customization in its region/);
  });

  test('every call is signed by the role, and any other signature is refused', async () => {
    for (const simulator of [bedrock, nova]) {
      assert.ok(simulator.calls.length > 0);
      simulator.bedrockSigner = { ...signer, secretAccessKey: 'another' };
    }
    const { failedProjects } = await ask<ListAnswer>({ list: {} });
    assert.deepEqual(
      failedProjects?.map(({ project, error }) => [project, error.name]),
      [
        ['bedrock', 'AuthenticationError'],
        ['nova', 'AuthenticationError'],
        ['unreachable', 'OpenAIError'],
        ['denied', 'AuthenticationError'],
      ],
    );
  });
});

/** Returns the credentials that the emulator (ministack 1.5.33) makes up for the role of a function. */
function emulatedRole(functionArn: string, roleArn: string) {
  const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
  const digest = sha256(`${functionArn}:${roleArn}`);
  return {
    accessKeyId: `ASIA${digest.slice(0, 16).toUpperCase()}`,
    secretAccessKey: sha256(`secret:${digest}`),
    sessionToken: sha256(`token:${digest}`),
  };
}
