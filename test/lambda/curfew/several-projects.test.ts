import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulatedJob } from '../../../infra/local/providers/simulated-job.ts';
import { startFineTuningSimulator } from '../../../infra/local/providers/simulator.ts';
import { apiKey, startCurfew } from '../../support/curfew.ts';
import { answers, noAnswer } from '../../support/wire-faults.ts';

const overdue = (id = 'ftjob-1') => simulatedJob({ id, status: 'running', ageMinutes: 400 });
const revoked = { revoked: { SecretString: 'sk-revoked' } };

describe('what fails in one project costs the others nothing', () => {
  test('a bad key, a provider that hangs, and a rate limit', async () => {
    await using hanging = await startFineTuningSimulator({ apiKeys: [apiKey] });
    await using limited = await startFineTuningSimulator({ apiKeys: [apiKey] });
    hanging.faultFor = () => noAnswer;
    limited.faultFor = () => answers(429, { 'retry-after': '600' });
    const secretName = 'openai/api-key';
    await using curfew = await startCurfew({
      jobs: [overdue()],
      secrets: revoked,
      projects: {
        hangs: { openaiBaseUrl: hanging.baseUrl, secretName },
        good: {},
        refused: { secretName: 'revoked' },
        limited: { openaiBaseUrl: limited.baseUrl, secretName },
      },
    });
    const answer = await curfew.sweep({}, { remainingMilliseconds: 8_000 });
    const { complete, projects, failedProjects = [], failedProjectsOmitted, cancelled, jobs } = answer;
    assert.deepEqual([complete, projects, cancelled], [false, 1, 1]);
    assert.equal(jobs[0]?.project, 'good');
    assert.deepEqual(
      failedProjects.map(({ project, error }) => [project, error.name]),
      [
        ['hangs', 'OpenAIError'],
        ['refused', 'AuthenticationError'],
        ['limited', 'RateLimitError'],
      ],
    );
    assert.equal(failedProjectsOmitted, 0);
    const errors = curfew.logLines.filter(({ level }) => level === 'ERROR').map(({ project }) => project);
    assert.deepEqual(errors, ['hangs', 'refused', 'limited'], 'one line each');
    const metrics = curfew.metricDocuments.find((document) => 'FailedProjects' in document);
    assert.equal(metrics?.['FailedProjects'], 3);
  });

  test('100 of those that failed are named, and the rest is counted', async () => {
    const names = Array.from({ length: 102 }, (_, index) => [`bad-${index}`, { secretName: 'revoked' }]);
    await using curfew = await startCurfew({
      secrets: revoked,
      projects: { good: {}, ...Object.fromEntries(names) },
    });
    const { failedProjects = [], failedProjectsOmitted } = await curfew.sweep();
    assert.deepEqual([failedProjects.length, failedProjectsOmitted], [100, 2]);
    assert.equal(failedProjects[99]?.project, 'bad-99');
  });

  test('an error in the answer is cut, in the log it is whole', async () => {
    const secretName = 'a'.repeat(200);
    await using curfew = await startCurfew({
      secrets: { [secretName]: { SecretString: '' } },
      projects: { good: {}, bad: { secretName } },
    });
    const { failedProjects } = await curfew.sweep();
    assert.equal(failedProjects?.[0]?.error.message.length, 160);
    const line = curfew.logLines.find(({ project }) => project === 'bad');
    assert.ok(String(line?.['message']).length > 300);
  });
});

describe('if every project failed', () => {
  const projects = { first: { secretName: 'revoked' }, second: { secretName: 'revoked' } };

  test('a sweep throws the first error, with the name of the project', async () => {
    await using curfew = await startCurfew({ projects, secrets: revoked });
    await assert.rejects(curfew.sweep(), { name: 'AuthenticationError', message: /^Project "first": / });
  });

  test('because none answers, too', async () => {
    await using curfew = await startCurfew({ projects: { first: {}, second: {} } });
    curfew.openai.faultFor = () => noAnswer;
    await assert.rejects(curfew.sweep({}, { remainingMilliseconds: 1_000 }), {
      name: 'OpenAIError',
      message: /^Project "first": /,
    });
  });

  test('without projects there is no name', async () => {
    await using curfew = await startCurfew({ secret: { SecretString: 'sk-revoked' } });
    await assert.rejects(curfew.sweep(), { name: 'AuthenticationError', message: /^Could not list/ });
  });
});

test('a stop-all that is done in part tells those that failed from those that time ended', async () => {
  await using hanging = await startFineTuningSimulator();
  hanging.faultFor = () => noAnswer;
  const hangs = { openaiBaseUrl: hanging.baseUrl, secretName: 'openai/api-key' };
  await using curfew = await startCurfew({
    projects: { 'hangs-1': hangs, bad: { secretName: 'revoked' }, 'hangs-2': hangs, good: {} },
    secrets: revoked,
    jobs: [overdue()],
  });
  await assert.rejects(curfew.stopAll({}, { remainingMilliseconds: 10_000 }), {
    name: 'IncompleteError',
    message:
      /^Stopping everything cancelled 1 of 1 jobs in progress: listing failed in 1 project \(Project "bad": .* 401.*\); time ran out in 2 projects \(Project "hangs-1": Time ran out before .*\)\. Send/,
  });
});

test('a hundred and more projects that hang cost a list nothing of another', async () => {
  await using hanging = await startFineTuningSimulator();
  hanging.faultFor = () => noAnswer;
  const hangs = { openaiBaseUrl: hanging.baseUrl, secretName: 'openai/api-key' };
  const names = Array.from({ length: 200 }, (_, index) => `hangs-${index}`);
  await using curfew = await startCurfew({
    projects: { ...Object.fromEntries(names.map((name) => [name, hangs])), good: {} },
    jobs: [overdue()],
  });
  const { jobs, failedProjects } = await curfew.list({}, { remainingMilliseconds: 20_000 });
  assert.deepEqual(
    jobs.map(({ project }) => project),
    ['good'],
  );
  assert.equal(failedProjects?.length, 100);
  assert.equal((await curfew.cancel('ftjob-1', { remainingMilliseconds: 20_000 })).outcome, 'cancelled');
});

describe('a sweep in an envelope fails its record with IncompleteError', () => {
  const inEvent = { source: 'somebody', 'detail-type': 'Please', detail: { sweep: {} } };

  test('if a cancel failed', async () => {
    await using curfew = await startCurfew({ jobs: [overdue()] });
    curfew.openai.faultFor = ({ endpoint }) => (endpoint === 'cancel' ? answers(400) : undefined);
    await assert.rejects(curfew.invoke(inEvent), {
      name: 'IncompleteError',
      message:
        'The sweep cancelled 0 of 1 overdue jobs: 1 could not be cancelled (ftjob-1). Send the request again: that is safe and finishes the rest.',
    });
  });

  test('if a project failed', async () => {
    await using curfew = await startCurfew({
      jobs: [overdue()],
      secrets: revoked,
      projects: { good: {}, bad: { secretName: 'revoked' } },
    });
    await assert.rejects(curfew.invoke(inEvent), {
      name: 'IncompleteError',
      message: /cancelled 1 of 1 overdue jobs: listing failed in 1 project \(Project "bad": /,
    });
  });

  test('but not if jobs are held back or cannot be cancelled', async () => {
    const jobs = [overdue('ftjob-1'), overdue('ftjob-2'), simulatedJob({ status: 'paused' })];
    await using curfew = await startCurfew({ jobs, settings: { cancelLimit: 1 } });
    const { heldBack, notCancellable } = (await curfew.invoke(inEvent)) as Record<string, number>;
    assert.deepEqual([heldBack, notCancellable], [2, 1]);
  });
});

describe('a request that names a project', () => {
  const projects = { eu: { openaiProject: 'proj_eu' }, us: { openaiProject: 'proj_us' } };

  test('is about that one only', async () => {
    await using curfew = await startCurfew({ jobs: [overdue()], projects });
    const { projects: lookedAt, jobs } = await curfew.sweep({ project: 'us' });
    assert.deepEqual([lookedAt, jobs.map(({ project }) => project)], [1, ['us']]);
    assert.ok(curfew.openai.calls.every(({ headers }) => headers['openai-project'] === 'proj_us'));
  });

  for (const request of [
    { jobId: 'ftjob-1', project: 'asia' },
    { sweep: { project: 'asia' } },
    { stopAll: { project: 'asia' } },
    { list: { project: 'asia' } },
    { extend: { jobId: 'ftjob-1', minutes: 5, project: 'asia' } },
  ]) {
    test(`${JSON.stringify(request)}, which is unknown, is InvalidRequestError naming those that exist`, async () => {
      await using curfew = await startCurfew({ projects });
      await assert.rejects(curfew.invoke(request), { name: 'InvalidRequestError', message: /eu, us/ });
      assert.deepEqual(curfew.openai.calls, []);
    });
  }
});

describe('a job id without a project', () => {
  test('is found in the one that has it, and cancelled there', async () => {
    await using other = await startFineTuningSimulator({ jobs: [overdue()], apiKeys: [apiKey] });
    await using curfew = await startCurfew({
      projects: { first: {}, second: { openaiBaseUrl: other.baseUrl, secretName: 'openai/api-key' } },
    });
    const { project, outcome } = await curfew.cancel('ftjob-1');
    assert.deepEqual([project, outcome], ['second', 'cancelled']);
    assert.equal(other.jobs.get('ftjob-1')?.status, 'cancelled');
  });

  test('that nobody has is JobNotFoundError', async () => {
    await using curfew = await startCurfew({ projects: { first: {}, second: {} } });
    await assert.rejects(curfew.cancel('ftjob-1'), { name: 'JobNotFoundError' });
  });

  test('that nobody has, but one could not be asked, is the error of that one', async () => {
    await using curfew = await startCurfew({
      secrets: revoked,
      projects: { first: {}, second: { secretName: 'revoked' } },
    });
    await assert.rejects(curfew.cancel('ftjob-1'), {
      name: 'AuthenticationError',
      message: /^Project "second": /,
    });
  });
});
