import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { aws } from '../../infra/local/aws/commands.ts';
import { queueOfEvents, receive } from '../../infra/local/aws/queues.ts';
import { simulatedAzureJob, simulatedJob } from '../../infra/local/providers/simulated-job.ts';
import type { CancelAnswer, ListAnswer, SweepAnswer } from '../../lambda/contract.ts';
import { deployOrSkip } from '../support/deploy-or-skip.ts';
import { answers, noAnswer } from '../support/wire-faults.ts';

const overdue = (id: string) => simulatedJob({ id, status: 'running', ageMinutes: 400 });

const { system, skip } = await deployOrSkip({
  jobs: [simulatedJob({ id: 'ftjob-elsewhere', status: 'running', ageMinutes: 10 })],
  projects: {
    azure: {
      provider: 'azure',
      jobs: [
        simulatedAzureJob({ id: 'ftjob-azure', status: 'running', ageMinutes: 400 }),
        simulatedAzureJob({ id: 'ftjob-pending', status: 'pending', ageMinutes: 400 }),
        simulatedAzureJob({ id: 'ftjob-paused', status: 'paused', ageMinutes: 400 }),
      ],
    },
    bedrock: {
      provider: 'bedrock',
      jobs: [overdue('ftjob-bedrock'), simulatedJob({ id: 'ftjob-young', status: 'running', ageMinutes: 1 })],
    },
    revoked: { provider: 'openai', isKeyRevoked: true, jobs: [overdue('ftjob-revoked')] },
    hanging: { provider: 'azure', jobs: [overdue('ftjob-hanging')] },
    limited: { provider: 'openai', jobs: [overdue('ftjob-limited')] },
  },
  context: { sweepEveryMinutes: '1440' },
});
after(() => system?.[Symbol.asyncDispose]());

describe('five projects over three providers in one deployment', { skip }, async () => {
  if (!system) return;
  const { emulator, openai, providers } = system;
  const provider = (name: string) => {
    const simulator = providers.get(name);
    assert.ok(simulator);
    return simulator;
  };
  provider('hanging').faultFor = () => noAnswer;
  provider('limited').faultFor = () => answers(429, { 'retry-after': '3600' });
  // Less time, so that the hanging project is given up before its retries are used up.
  const timeout = ['--function-name', system.functionName, '--timeout', '30'];
  await aws(emulator, 'lambda', 'update-function-configuration', ...timeout);

  test('a bad key, a silent endpoint and a rate limit cost the others nothing', async () => {
    const { payload } = await system.invoke({ sweep: {} });
    const answer = payload as SweepAnswer;
    assert.equal(answer.complete, false);
    assert.equal(answer.projects, 2);
    assert.deepEqual(
      answer.failedProjects?.map(({ project, error }) => [project, error.name]),
      [
        ['revoked', 'AuthenticationError'],
        ['hanging', 'OpenAIError'],
        ['limited', 'RateLimitError'],
      ],
    );
    assert.deepEqual(
      new Set(answer.jobs.map(({ project, jobId, outcome }) => [project, jobId, outcome].join(' '))),
      new Set(['azure ftjob-azure cancelled', 'azure ftjob-pending cancelled', 'bedrock ftjob-bedrock cancelled']),
    );
    assert.equal(answer.notCancellable, 1);
    for (const name of ['azure', 'bedrock']) {
      const { calls } = provider(name);
      const [first, last] = [calls[0]?.at ?? 0, calls.at(-1)?.at ?? Number.POSITIVE_INFINITY];
      assert.ok(last - first < 3_000, `${name} was swept in ${last - first} ms`);
    }
  });

  test('a job is found and cancelled in the project that has it, without naming the project', async () => {
    const { payload } = await system.invoke({ jobId: 'ftjob-young' });
    const { project, outcome } = payload as CancelAnswer;
    assert.deepEqual([project, outcome], ['bedrock', 'cancelled']);
    assert.equal(provider('bedrock').jobs.get('ftjob-young')?.status, 'cancelled');
  });

  test('an unknown project is refused, with the names of the known ones', async () => {
    const { error } = await system.invoke({ list: { project: 'azur' } });
    assert.match(error?.message ?? '', /"project" is not one of the projects: azure, bedrock, /);
  });

  test("no provider ever sees another's credential", () => {
    const seen = [...providers].map(([name, { calls, provider }]) => {
      const credentials = calls.flatMap(({ headers }) => [
        (headers.authorization ?? '').replace(/^Bearer /, ''),
        ...[headers['api-key'] ?? []].flat(),
      ]);
      return { name, provider, credentials: new Set(credentials.filter((text) => text !== '')) };
    });
    for (const { name, provider, credentials } of seen) {
      assert.ok(credentials.size > 0, `${name} was called with a credential`);
      for (const credential of credentials) {
        const expected = provider === 'bedrock' ? /^AWS4-HMAC-SHA256 Credential=/ : new RegExp(`^sk-local-${name}-`);
        assert.match(credential, expected);
      }
    }
  });

  test('a second deployment shares neither name nor resources', async () => {
    const second = await system.deploy({ name: 'second', projects: '{}' });
    const events = await queueOfEvents(emulator, 'second');
    const jobIds = async (deployment: typeof second, request: object) => {
      const { payload } = await deployment.invoke(request);
      return (payload as ListAnswer).jobs.map(({ jobId }) => jobId);
    };
    assert.deepEqual(await jobIds(second, { list: {} }), ['ftjob-elsewhere']);
    assert.deepEqual(await jobIds(system, { list: { project: 'bedrock' } }), []);
    assert.deepEqual(await second.ruleInput(), { sweep: {}, requestedBy: 'rule' });
    assert.notEqual(await second.output('DeadLetterQueueUrl'), await system.output('DeadLetterQueueUrl'));

    await second.invoke({ jobId: 'ftjob-elsewhere' });
    assert.equal(openai.jobs.get('ftjob-elsewhere')?.status, 'cancelled');
    const { detail } = JSON.parse(await receive(emulator, events));
    assert.deepEqual([detail.curfew, detail.jobId], ['second', 'ftjob-elsewhere']);

    const { MetricAlarms } = (await aws(emulator, 'cloudwatch', 'describe-alarms')) as {
      MetricAlarms: { AlarmName: string }[];
    };
    const of = (name: string) => MetricAlarms.filter(({ AlarmName }) => AlarmName.startsWith(`${name}-`)).length;
    assert.equal(of('second'), of('fine-tuning-curfew'));
    assert.ok(of('second') > 0);
  });
});
