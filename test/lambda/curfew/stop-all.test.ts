import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulatedJob } from '../../../infra/local/providers/simulated-job.ts';
import { endpoints, startCurfew } from '../../support/curfew.ts';
import { answers, late, noAnswer } from '../../support/wire-faults.ts';

const running = (id: string, fields: Parameters<typeof simulatedJob>[0] | object = {}) =>
  simulatedJob({ id, status: 'running', ...fields });
/** All that a sweep would spare. */
const everything = () => [
  running('ftjob-new'),
  running('ftjob-exempt', { metadata: { time_budget_minutes: 'none' } }),
  running('ftjob-long', { metadata: { time_budget_minutes: '100000' } }),
  running('ftjob-future', { ageMinutes: -60 }),
  running('ftjob-old', { ageMinutes: 400 * 1440 }),
  running('ftjob-extended', { ageMinutes: 400 }),
];

describe('stop all cancels every job in progress', () => {
  const cases: [where: string, options: Parameters<typeof startCurfew>[0]][] = [
    ['', {}],
    [', in a deployment that is set to dry run', { settings: { dryRun: true } }],
    [', in a project that is set to dry run', { projects: { careful: { dryRun: true } } }],
    [', however low the cancel limit', { settings: { cancelLimit: 1 } }],
  ];
  for (const [where, options] of cases) {
    test(`whatever its age, budget, exemption or extension${where}`, async () => {
      await using curfew = await startCurfew({ jobs: everything(), ...options });
      curfew.aws.table.rows.set('ftjob-extended', {
        jobId: 'ftjob-extended',
        extendedUntil: Math.floor(Date.now() / 1000) + 86_400,
      });
      const { complete, dryRun, inspected, inProgress, cancelled, failed } = await curfew.stopAll();
      assert.deepEqual(
        { complete, dryRun, inspected, inProgress, cancelled, failed },
        {
          complete: true,
          dryRun: false,
          inspected: 6,
          inProgress: 6,
          cancelled: 6,
          failed: 0,
        },
      );
      assert.ok([...curfew.openai.jobs.values()].every(({ status }) => status === 'cancelled'));
      assert.equal(curfew.aws.table.reads + curfew.aws.table.writes, 0, 'the table is not needed');
    });
  }

  test('and leaves, counts and logs those that are neither in progress nor finished', async () => {
    const jobs = ['paused', 'frozen', 'succeeded'].map((status) => simulatedJob({ status }));
    await using curfew = await startCurfew({ jobs });
    const { complete, notCancellable, inProgress } = await curfew.stopAll();
    assert.deepEqual([complete, notCancellable, inProgress], [true, 2, 0]);
    assert.deepEqual(endpoints(curfew.openai), ['list']);
    assert.equal(curfew.logLines.filter(({ outcome }) => outcome === 'not_cancellable').length, 2);
  });

  test('and one that is cancelling has been stopped', async () => {
    const job = running('ftjob-1');
    await using curfew = await startCurfew({ jobs: [job] });
    curfew.openai.faultFor = ({ endpoint }) =>
      endpoint === 'cancel' ? () => ({ status: 200, body: job }) : undefined;
    const { cancelled, complete, jobs } = await curfew.stopAll();
    assert.deepEqual([cancelled, complete, jobs[0]?.outcome], [1, true, 'cancelling']);
  });

  test('and lists 500 of them', async () => {
    await using curfew = await startCurfew({
      jobs: Array.from({ length: 501 }, (_, index) => running(`ftjob-${index}`)),
    });
    const { cancelled, jobs, jobsOmitted } = await curfew.stopAll();
    assert.deepEqual([cancelled, jobs.length, jobsOmitted], [501, 500, 1]);
  });

  test('of the project that it names, if it names one', async () => {
    await using curfew = await startCurfew({
      jobs: [running('ftjob-1')],
      projects: { first: {}, second: { openaiProject: 'proj_2' } },
    });
    const { projects, jobs } = await curfew.stopAll({ project: 'second' });
    assert.equal(projects, 1);
    assert.equal(jobs[0]?.project, 'second');
    assert.ok(curfew.openai.calls.every(({ headers }) => headers['openai-project'] === 'proj_2'));
  });
});

test('its events and log lines say that everything had to stop, and who asked', async () => {
  await using curfew = await startCurfew({ jobs: [running('ftjob-1')] });
  await curfew.stopAll({}, { requestedBy: 'alice, INC-1234' });
  const [event] = curfew.aws.events;
  assert.equal(event?.detailType, 'Fine-Tuning Job Cancelled');
  assert.deepEqual([event.detail['reason'], event.detail['requestedBy']], ['stop_all', 'alice, INC-1234']);
  const line = curfew.logLines.find(({ jobId }) => jobId === 'ftjob-1');
  assert.equal(line?.['reason'], 'stop_all');
});

test('a dry run says what would be cancelled, and cancels nothing', async () => {
  await using curfew = await startCurfew({ jobs: everything() });
  const { complete, dryRun, wouldCancel, cancelled } = await curfew.stopAll({ dryRun: true });
  assert.deepEqual([complete, dryRun, wouldCancel, cancelled], [true, true, 6, 0]);
  assert.deepEqual(endpoints(curfew.openai), ['list']);
});

describe('if not all could be stopped, it throws IncompleteError', () => {
  const failing = { name: 'IncompleteError' };

  test('with the counts and the first ids, if cancels failed', async () => {
    await using curfew = await startCurfew({
      jobs: Array.from({ length: 8 }, (_, index) => running(`ftjob-${index}`, { ageMinutes: index })),
    });
    curfew.openai.faultFor = ({ endpoint, jobId }) =>
      endpoint === 'cancel' && jobId !== 'ftjob-0' && jobId !== 'ftjob-1' ? answers(400) : undefined;
    await assert.rejects(curfew.stopAll(), ({ name, message }: Error) => {
      assert.equal(name, 'IncompleteError');
      const [, ids = ''] =
        /^Stopping everything cancelled 2 of 8 jobs in progress: 6 could not be cancelled \((.+), …\)\. Send the request again: that is safe and finishes the rest\.$/.exec(
          message,
        ) ?? [];
      assert.equal(new Set(ids.split(', ')).size, 5, message);
      assert.match(ids, /^(ftjob-[2-7](, )?)+$/);
      return true;
    });
    assert.equal(curfew.logLines.filter(({ level }) => level === 'ERROR').length, 7);
  });

  test('with all ids, if they are few', async () => {
    await using curfew = await startCurfew({ jobs: [running('ftjob-1')] });
    curfew.openai.faultFor = ({ endpoint }) => (endpoint === 'cancel' ? answers(400) : undefined);
    await assert.rejects(curfew.stopAll(), { ...failing, message: /could not be cancelled \(ftjob-1\)/ });
  });

  test('if listing failed, after what was found is cancelled', async () => {
    const jobs = Array.from({ length: 150 }, (_, i) => running(`ftjob-${i}`, { ageMinutes: i }));
    await using curfew = await startCurfew({ jobs });
    curfew.openai.faultFor = ({ url }) => (url.searchParams.has('after') ? answers(400) : undefined);
    await assert.rejects(curfew.stopAll(), {
      ...failing,
      message:
        /cancelled 100 of 100 jobs in progress: listing failed in 1 project \(Could not list .* 400.*\)\. Send the request again/,
    });
  });

  test('with the name of the first project that failed, after the others are stopped', async () => {
    await using curfew = await startCurfew({
      jobs: [running('ftjob-1')],
      projects: { good: {}, bad: { secretName: 'revoked' }, worse: { secretName: 'revoked' } },
      secrets: { revoked: { SecretString: 'sk-revoked' } },
    });
    await assert.rejects(curfew.stopAll(), {
      ...failing,
      message: /cancelled 1 of 1 jobs in progress: listing failed in 2 projects \(Project "bad": .*401/,
    });
  });

  test('if a job could not be judged', async () => {
    await using curfew = await startCurfew();
    curfew.openai.faultFor = () => () => ({
      status: 200,
      body: { data: [{ ...running('ftjob-1'), created_at: null }], has_more: false },
    });
    await assert.rejects(curfew.stopAll(), {
      ...failing,
      message: /0 jobs in progress: 1 could not be judged/,
    });
  });

  test('if time ran out', async () => {
    const jobs = Array.from({ length: 800 }, (_, i) => simulatedJob({ status: 'succeeded', ageMinutes: i }));
    await using curfew = await startCurfew({ jobs });
    curfew.openai.faultFor = () => late(400);
    await assert.rejects(curfew.invoke({ stopAll: {} }, 4_000), { ...failing, message: /time ran out/i });
  });

  test('if time ran out before anything was known', async () => {
    await using curfew = await startCurfew({ jobs: [running('ftjob-1')] });
    curfew.openai.faultFor = () => noAnswer;
    await assert.rejects(curfew.invoke({ stopAll: {} }, 1_000), failing);
  });
});

describe('a dry run throws none of that, it answers', () => {
  test('complete: false if listing failed', async () => {
    await using curfew = await startCurfew();
    curfew.openai.faultFor = () => answers(400);
    const { complete, inspected } = await curfew.stopAll({ dryRun: true });
    assert.deepEqual([complete, inspected], [false, 0]);
  });

  test('complete: false and the name of the project that failed', async () => {
    await using curfew = await startCurfew({
      jobs: [running('ftjob-1')],
      projects: { good: {}, bad: { secretName: 'revoked' } },
      secrets: { revoked: { SecretString: 'sk-revoked' } },
    });
    const { complete, wouldCancel, projects, failedProjects } = await curfew.stopAll({ dryRun: true });
    assert.deepEqual([complete, wouldCancel, projects], [false, 1, 1]);
    assert.deepEqual(
      failedProjects?.map(({ project, error }) => [project, error.name]),
      [['bad', 'AuthenticationError']],
    );
  });
});

test('a dry run of it says in the log why it saw nothing', async () => {
  await using curfew = await startCurfew({ jobs: everything() });
  curfew.openai.apiKeys.clear();
  assert.equal((await curfew.stopAll({ dryRun: true })).complete, false);
  const errors = curfew.logLines.filter(({ level }) => level === 'ERROR');
  assert.match(String(errors[0]?.['message']), /answered 401/);
});
