import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startAwsStub } from '../../infra/local/aws/stub/server.ts';
import { simulatedJob } from '../../infra/local/providers/simulated-job.ts';
import { startFineTuningSimulator } from '../../infra/local/providers/simulator.ts';
import { createAwsClients } from '../../lambda/aws/clients.ts';
import type { Project } from '../../lambda/curfew/context.ts';
import type { FineTuningProvider } from '../../lambda/curfew/job.ts';
import { AuthenticationError, JobNotFoundError, OpenAIError, RateLimitError } from '../../lambda/errors.ts';
import { resolveProject } from '../../lambda/project-settings.ts';
import { connectProjects, findJob, maxCallsPerProject, selectProjects } from '../../lambda/projects.ts';
import { type ProjectOverrides, parseSettings } from '../../lambda/settings.ts';
import { apiKey, awsCredentials, environmentWith } from '../support/curfew.ts';
import { fakeProject, jobOf } from '../support/fake-ports.ts';

const job = jobOf({ id: 'ftjob-1' });
const asked = (name: string | undefined, retrieve: FineTuningProvider['retrieve']): Project =>
  fakeProject({ name, retrieve });
const has = (name: string) => asked(name, async () => job);
const hasNot = (name?: string) => asked(name, () => Promise.reject(new JobNotFoundError('It is not here.')));
const refuses = (name: string, error: Error) => asked(name, () => Promise.reject(error));

describe('a request selects', () => {
  const all = ['research', 'production'].map(has);
  const inTheirs = { jobId: 'ftjob-1', project: 'theirs' };

  test('the project that it names', () => {
    assert.deepEqual(selectProjects({ sweep: { project: 'research' } }, all, false), all.slice(0, 1));
  });

  test('all projects if it names none, or is an event that uses "project" for something else', () => {
    assert.deepEqual(selectProjects({ jobId: 'ftjob-1' }, all, false), all);
    assert.deepEqual(selectProjects(inTheirs, all, true), all);
  });

  const teams = Array.from({ length: 11 }, (_, index) => `team-${index}`);
  const refused: [name: string, projects: Project[], message: string][] = [
    ['an unknown one', all, 'is not one of the projects: research, production.'],
    ['an unknown one of ten', teams.slice(1).map(has), `projects: ${teams.slice(1).join(', ')}.`],
    ['an unknown one of many', teams.map(has), `projects: ${teams.slice(0, 10).join(', ')}, ….`],
    ['one where there are none', [hasNot()], '"project" is for deployments with several projects.'],
  ];
  for (const [name, projects, message] of refused) {
    test(`${name}: refused`, () => {
      assert.throws(
        () => selectProjects(inTheirs, projects, false),
        (error: Error) => error.name === 'InvalidRequestError' && error.message.endsWith(message),
      );
    });
  }
});

describe('a job is found by its id', () => {
  test('in the project that has it, even if another one refuses', async () => {
    const found = await findJob(
      [hasNot('a'), refuses('b', new AuthenticationError('No.')), has('c')],
      'ftjob-1',
      false,
    );
    assert.deepEqual([found.project.name, found.job], ['c', job]);
  });

  test('even if another project hangs, whose call is then abandoned', async () => {
    const givenUp = Promise.withResolvers<void>();
    const hangs = asked('a', (_jobId, { signal }) => {
      signal?.addEventListener('abort', () => givenUp.resolve());
      return new Promise(() => {});
    });
    assert.equal((await findJob([hangs, has('b')], 'ftjob-1', false)).project.name, 'b');
    await givenUp.promise;
  });

  test('and then no further project is asked', async () => {
    let count = 0;
    const projects = Array.from({ length: 2_000 }, (_, index) =>
      asked(`project-${index}`, (_jobId, { signal }) => {
        count += 1;
        if (index === 0) return Promise.resolve(job);
        return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
      }),
    );
    await findJob(projects, 'ftjob-1', false);
    await new Promise(setImmediate);
    assert.ok(count < 1_000, `${count} projects were asked`);
  });

  const nowhere: [name: string, projects: Project[], error: { name: string; message: string }][] = [
    [
      'found nowhere',
      [hasNot('a'), hasNot('b')],
      { name: 'JobNotFoundError', message: 'No project has a fine-tuning job "ftjob-1". Check the job id.' },
    ],
    [
      'not found where a project could not be asked',
      [hasNot('a'), refuses('b', new RateLimitError('Slow down.')), refuses('c', new OpenAIError('No.'))],
      { name: 'RateLimitError', message: 'Project "b": Slow down.' },
    ],
    ['not found in the only project', [hasNot()], { name: 'JobNotFoundError', message: 'It is not here.' }],
  ];
  for (const [name, projects, error] of nowhere) {
    test(`${name}: ${error.name}`, () => assert.rejects(findJob(projects, 'ftjob-1', false), error));
  }
});

describe('a project is reached with the credential of its provider', () => {
  const { signal } = new AbortController();
  const time = { listingSignal: signal, signal, endsAt: performance.now() + 60_000 };
  const region = 'us-east-1';
  const cases: ['openai' | 'azure' | 'bedrock', ProjectOverrides, string[]][] = [
    ['openai', { secretName: 'a-key', secretField: 'field' }, ['a-key']],
    ['azure', { secretName: 'another-key', secretField: 'field' }, ['another-key']],
    ['bedrock', {}, []],
  ];
  for (const [provider, secret, secretsRead] of cases) {
    test(provider, async () => {
      await using simulator = await startFineTuningSimulator({
        provider,
        jobs: [simulatedJob({ id: 'ftjob-1', status: 'running' })],
        apiKeys: [apiKey],
        bedrockSigner: { ...awsCredentials, region },
      });
      await using stub = await startAwsStub({ secret: { SecretString: JSON.stringify({ field: apiKey }) } });
      const aws = createAwsClients({ endpoint: stub.url, region, credentials: awsCredentials });
      const overrides = { provider, openaiBaseUrl: simulator.baseUrl, ...secret };
      const settings = resolveProject('research', parseSettings(environmentWith({})), overrides, region);
      const [project] = connectProjects([settings], aws, time);
      assert.equal(
        (await project?.provider.retrieve('ftjob-1', { signal: time.signal, withMetadata: false }))?.status,
        'running',
      );
      assert.deepEqual([project?.name, stub.secretReads], ['research', secretsRead]);
      assert.equal(project?.rules.timeBudgetMinutes, 360);
    });
  }
});

describe('the more projects there are, the fewer calls of each run at once', () => {
  for (const [projects, calls] of [
    [1, 100],
    [8, 100],
    [10, 80],
    [200, 4],
    [1_000, 4],
  ] as const) {
    test(`${calls} of each of ${projects}`, () => assert.equal(maxCallsPerProject(projects), calls));
  }
});
