import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulatedJob } from '../../../infra/local/providers/simulated-job.ts';
import { type Curfew, startCurfew } from '../../support/curfew.ts';
import { answers, pauseBeyondListing, says } from '../../support/wire-faults.ts';

const running = (id: string, ageMinutes: number) => simulatedJob({ id, status: 'running', ageMinutes });
/** The values in the one document that there is, without how long a sweep took and how old its oldest job is. */
const valuesOf = ({ metricDocuments }: Curfew) => {
  const [document, ...others] = metricDocuments;
  assert.deepEqual(others, []);
  const { _aws, service, SweepDuration, OldestJobInProgressAge, ...values } = document ?? {};
  return values;
};
/** Every value of one metric. */
const all = ({ metricDocuments }: Curfew, name: string) =>
  metricDocuments.flatMap((document) => document[name] ?? []);

const quiet = {
  Inspected: 0,
  InProgress: 0,
  Overdue: 0,
  Cancelled: 0,
  CancelFailures: 0,
  HeldBack: 0,
  UnknownStatus: 0,
  StuckCancelling: 0,
  FailedProjects: 0,
  IncompleteSweeps: 0,
};

describe('a sweep writes one document in the Embedded Metric Format', () => {
  test('with every metric of a sweep, its unit, and the deployment as the dimension', async () => {
    await using curfew = await startCurfew({ settings: { name: 'my-curfew' } });
    await curfew.sweep();
    const [document] = curfew.metricDocuments;
    assert.equal(document?.['service'], 'my-curfew');
    const { CloudWatchMetrics } = document['_aws'] as { CloudWatchMetrics: unknown };
    assert.deepEqual(CloudWatchMetrics, [
      {
        Namespace: 'FineTuningCurfew',
        Dimensions: [['service']],
        Metrics: [
          ...Object.keys(quiet).map((Name) => ({ Name, Unit: 'Count' })),
          { Name: 'OldestJobInProgressAge', Unit: 'Seconds' },
          { Name: 'SweepDuration', Unit: 'Milliseconds' },
        ],
      },
    ]);
    for (const name of ['OldestJobInProgressAge', 'SweepDuration']) {
      assert.equal(typeof document[name], 'number', name);
    }
  });

  test('with zeros, if there is nothing to do', async () => {
    await using curfew = await startCurfew();
    await curfew.sweep();
    assert.deepEqual(valuesOf(curfew), quiet);
    assert.equal(curfew.metricDocuments[0]?.['OldestJobInProgressAge'], 0);
  });

  test('with what it found, cancelled, and failed to cancel', async () => {
    const jobs = [running('ftjob-1', 400), running('ftjob-2', 500), running('ftjob-3', 10)];
    await using curfew = await startCurfew({ jobs });
    curfew.openai.faultFor = ({ endpoint, jobId }) =>
      endpoint === 'cancel' && jobId === 'ftjob-2' ? answers(400) : undefined;
    const startedAt = performance.now();
    await curfew.sweep();
    const tookMilliseconds = performance.now() - startedAt;
    assert.deepEqual(valuesOf(curfew), {
      ...quiet,
      Inspected: 3,
      InProgress: 3,
      Overdue: 2,
      Cancelled: 1,
      CancelFailures: 1,
    });
    const [document] = curfew.metricDocuments;
    const duration = Number(document?.['SweepDuration']);
    assert.ok(duration > 0 && duration < tookMilliseconds);
    assert.ok(Math.abs(Number(document?.['OldestJobInProgressAge']) - 500 * 60) < 10);
  });

  test('with how many jobs it held back', async () => {
    const jobs = ['ftjob-1', 'ftjob-2', 'ftjob-3'].map((id) => running(id, 400));
    await using curfew = await startCurfew({ jobs, settings: { cancelLimit: 2 } });
    await curfew.sweep();
    assert.deepEqual(valuesOf(curfew), { ...quiet, Inspected: 3, InProgress: 3, Overdue: 3, HeldBack: 3 });
  });

  test('with the jobs of a status that we have never heard of, but not of one that is known', async () => {
    const jobs = ['frozen', 'thawing', 'paused'].map((status) => simulatedJob({ status }));
    await using curfew = await startCurfew({ jobs });
    await curfew.sweep();
    assert.deepEqual(valuesOf(curfew), { ...quiet, Inspected: 3, UnknownStatus: 2 });
  });

  test('with the jobs whose cancellation takes an hour or longer', async () => {
    const jobs = [running('ftjob-1', 400), running('ftjob-2', 401)];
    await using curfew = await startCurfew({ jobs });
    const since = (minutes: number) => Math.floor(Date.now() / 1000) - minutes * 60;
    const { rows } = curfew.aws.table;
    rows.set('ftjob-1', { jobId: 'ftjob-1', cancellingSince: since(59) });
    rows.set('ftjob-2', { jobId: 'ftjob-2', cancellingSince: since(60) });
    curfew.openai.faultFor = ({ endpoint, jobId = '' }) =>
      endpoint === 'cancel' ? says(curfew.openai.jobs.get(jobId)) : undefined;
    await curfew.sweep();
    assert.equal(valuesOf(curfew)['StuckCancelling'], 1);
  });

  test('with how many projects failed', async () => {
    const broken = { secretName: 'broken' };
    await using curfew = await startCurfew({
      projects: { research: {}, one: broken, two: broken },
      secrets: { broken: { SecretString: 'sk-broken' } },
    });
    await curfew.sweep();
    assert.deepEqual(valuesOf(curfew), { ...quiet, FailedProjects: 2, IncompleteSweeps: 1 });
  });

  test('even if time ran out', async () => {
    await using curfew = await startCurfew();
    const { fault, remainingMilliseconds } = pauseBeyondListing;
    curfew.openai.faultFor = () => fault;
    await curfew.sweep({}, { remainingMilliseconds });
    assert.deepEqual(valuesOf(curfew), { ...quiet, IncompleteSweeps: 1 });
  });

  test('even if listing failed', async () => {
    await using curfew = await startCurfew();
    curfew.openai.faultFor = () => answers(400);
    await assert.rejects(curfew.sweep());
    assert.deepEqual(all(curfew, 'IncompleteSweeps'), [1]);
    assert.deepEqual(all(curfew, 'Errors'), [1]);
  });
});

describe('other requests write what they did', () => {
  for (const outcome of ['cancelled', 'cancelling']) {
    test(`a cancel on request that is ${outcome}`, async () => {
      const job = running('ftjob-1', 1);
      await using curfew = await startCurfew({ jobs: [job] });
      if (outcome === 'cancelling') {
        curfew.openai.faultFor = ({ endpoint }) => (endpoint === 'cancel' ? says(job) : undefined);
      }
      assert.equal((await curfew.cancel('ftjob-1')).outcome, outcome);
      assert.deepEqual(valuesOf(curfew), { Cancelled: 1 });
    });
  }

  test('a cancel on request of a job with an unknown status', async () => {
    await using curfew = await startCurfew({ jobs: [simulatedJob({ id: 'ftjob-1', status: 'frozen' })] });
    await curfew.cancel('ftjob-1');
    assert.deepEqual(valuesOf(curfew), { UnknownStatus: 1 });
  });

  test('stopping everything', async () => {
    const jobs = [running('ftjob-1', 1), running('ftjob-2', 1), simulatedJob({ status: 'frozen' })];
    await using curfew = await startCurfew({ jobs });
    curfew.openai.faultFor = ({ endpoint, jobId }) =>
      endpoint === 'cancel' && jobId === 'ftjob-2' ? answers(400) : undefined;
    await assert.rejects(curfew.stopAll(), { name: 'IncompleteError' });
    assert.deepEqual(
      curfew.metricDocuments.map(({ _aws, service, ...values }) => values),
      [{ Cancelled: 1, CancelFailures: 1, UnknownStatus: 1, FailedProjects: 0 }, { Errors: 1 }],
    );
  });

  test('nothing, if nothing was cancelled', async () => {
    await using curfew = await startCurfew({ jobs: [running('ftjob-1', 1)] });
    await curfew.cancel('ftjob-1', { dryRun: true });
    await curfew.list();
    await curfew.extend('ftjob-1', 600);
    assert.deepEqual(curfew.metricDocuments, []);
  });
});
