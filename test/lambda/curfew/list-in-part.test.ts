import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulatedJob } from '../../../infra/local/providers/simulated-job.ts';
import { type Curfew, startCurfew } from '../../support/curfew.ts';
import { answers, noAnswer, pauseBeyondListing } from '../../support/wire-faults.ts';

const warningIn = ({ logLines }: Curfew) => logLines.find(({ level }) => level === 'WARN')?.['message'];

describe('a list that does not know everything is not complete', () => {
  const running = () => [simulatedJob({ id: 'ftjob-1', status: 'running', ageMinutes: 400 })];

  test('if the table cannot be read: deadlines are null', async () => {
    await using curfew = await startCurfew({ jobs: running() });
    curfew.aws.table.health = 'denied';
    const { complete, jobs } = await curfew.list();
    assert.equal(complete, false);
    assert.deepEqual([jobs[0]?.deadline, jobs[0]?.budgetFrom, jobs[0]?.overdue], [null, null, false]);
  });

  test('if time runs out, with what was found', async () => {
    const jobs = Array.from({ length: 200 }, (_, i) => simulatedJob({ status: 'running', ageMinutes: i }));
    await using curfew = await startCurfew({ jobs });
    curfew.openai.faultFor = ({ url }) => (url.searchParams.has('after') ? noAnswer : undefined);
    const { complete, jobs: listed } = await curfew.list({}, { remainingMilliseconds: 5_000 });
    assert.deepEqual([complete, listed.length], [false, 100]);
    assert.equal(warningIn(curfew), 'Listed 100 jobs, but the list is incomplete: time ran out.');
  });

  test('if time runs out before the first page, and the log says why', async () => {
    await using curfew = await startCurfew({ jobs: running() });
    const { fault, remainingMilliseconds } = pauseBeyondListing;
    curfew.openai.faultFor = () => fault;
    const { complete, jobs } = await curfew.list({}, { remainingMilliseconds });
    assert.deepEqual([complete, jobs], [false, []]);
    assert.deepEqual(
      curfew.logLines.map(({ level, message }) => [level, message]),
      [
        ['WARN', 'Listed 0 jobs, but the list is incomplete: time ran out.'],
        [
          'WARN',
          'Time ran out before the first page of jobs came. Could not list the fine-tuning jobs: the provider answered 429 (server_error). ' +
            'Wait, then try again; check the rate limits of the project.',
        ],
      ],
    );
  });

  test('if a later page cannot be read: what was read is listed, and the log says why', async () => {
    const jobs = Array.from({ length: 150 }, (_, i) => simulatedJob({ status: 'running', ageMinutes: i }));
    await using curfew = await startCurfew({ jobs });
    curfew.openai.faultFor = ({ url }) => (url.searchParams.has('after') ? answers(400) : undefined);
    const { complete, jobs: listed } = await curfew.list();
    assert.deepEqual([complete, listed.length], [false, 100]);
    const [error, ...others] = curfew.logLines.filter(({ level }) => level === 'ERROR');
    assert.deepEqual(others, []);
    assert.match(String(error?.['message']), /answered 400/);
  });

  test('if a project failed, which it names', async () => {
    await using curfew = await startCurfew({
      jobs: running(),
      projects: { good: {}, bad: { secretName: 'revoked' } },
      secrets: { revoked: { SecretString: 'sk-revoked' } },
    });
    const { complete, projects, failedProjects, jobs } = await curfew.list();
    assert.deepEqual([complete, projects, jobs.length], [false, 1, 1]);
    assert.equal(failedProjects?.[0]?.project, 'bad');
    assert.ok(curfew.logLines.some(({ level, project }) => level === 'ERROR' && project === 'bad'));
  });

  test('if a job cannot be judged', async () => {
    await using curfew = await startCurfew();
    curfew.openai.faultFor = () => () => ({
      status: 200,
      body: { data: [{ ...running()[0], created_at: null }], has_more: false },
    });
    const { complete, jobs } = await curfew.list();
    assert.deepEqual([complete, jobs], [false, []]);
    assert.equal(warningIn(curfew), 'Listed 0 jobs, but the list is incomplete: a job could not be judged.');
  });
});

test('a list of which nothing could be read is the error', async () => {
  await using curfew = await startCurfew();
  curfew.openai.faultFor = () => answers(403);
  await assert.rejects(curfew.list(), { name: 'AuthenticationError' });
});

test('a list answers within 50 seconds, however much time Lambda gives', async (t) => {
  await using curfew = await startCurfew();
  const timeout = t.mock.method(AbortSignal, 'timeout');
  await curfew.list({}, { remainingMilliseconds: 900_000 });
  const longest = Math.max(...timeout.mock.calls.map((call) => Number(call.arguments[0])));
  assert.equal(longest, 49_500);
});

test('a provider that hangs does not keep a list from answering in time', async () => {
  await using curfew = await startCurfew({ projects: { hangs: {}, also: {} } });
  curfew.openai.faultFor = () => noAnswer;
  const startedAt = performance.now();
  const { complete, projects, failedProjects } = await curfew.list({}, { remainingMilliseconds: 5_000 });
  assert.deepEqual([complete, projects], [false, 0]);
  assert.deepEqual(
    failedProjects?.map(({ project, error }) => [project, error.name]),
    [
      ['hangs', 'OpenAIError'],
      ['also', 'OpenAIError'],
    ],
  );
  assert.ok(performance.now() - startedAt < 5_000);
});

test('a list in part for two reasons says both', async () => {
  await using curfew = await startCurfew({
    jobs: [simulatedJob({ id: 'ftjob-1', status: 'running', ageMinutes: 400 })],
    projects: { good: {}, bad: { secretName: 'revoked' } },
    secrets: { revoked: { SecretString: 'sk-revoked' } },
  });
  curfew.aws.table.health = 'denied';
  await curfew.list();
  assert.match(
    String(warningIn(curfew)),
    /but the list is incomplete: listing failed\. The table of extensions could not be read/,
  );
});

test('a list without extensions says in the log why', async () => {
  const jobs = [simulatedJob({ id: 'ftjob-1', status: 'running', ageMinutes: 10 })];
  await using curfew = await startCurfew({ jobs });
  curfew.aws.table.health = 'denied';
  assert.equal((await curfew.list()).complete, false);
  const warnings = curfew.logLines.filter(({ level }) => level === 'WARN');
  assert.match(
    String(warnings[0]?.['message']),
    /but the list is incomplete: The table of extensions could not be read/,
  );
});
