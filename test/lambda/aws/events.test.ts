import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulatedJob } from '../../../infra/local/providers/simulated-job.ts';
import { type Curfew, startCurfew } from '../../support/curfew.ts';
import { noAnswer, says } from '../../support/wire-faults.ts';

const metadata = { team: 'search', time_budget_minutes: '90' };
const jobOfAge = (ageMinutes: number, id = 'ftjob-1') =>
  simulatedJob({ id, status: 'running', ageMinutes, metadata });
const overdueJob = (id?: string) => jobOfAge(100, id);
const nearJob = (id?: string) => jobOfAge(70, id);
/** Unix seconds as ISO 8601. */
const iso = (seconds: number) => new Date(seconds * 1000).toISOString();
const idsOf = ({ aws }: Curfew) => aws.events.map(({ detail: { jobId } }) => jobId);
const typesOf = ({ aws }: Curfew) => aws.events.map(({ detailType }) => detailType);

describe('a cancelled job is published', () => {
  const detail = {
    curfew: 'fine-tuning-curfew',
    jobId: 'ftjob-1',
    initialStatus: 'running',
    ageMinutes: 100,
    timeBudgetMinutes: 90,
    model: 'gpt-4o-mini-2024-07-18',
    metadata,
  };

  test('by a sweep', async () => {
    await using curfew = await startCurfew({ jobs: [overdueJob()] });
    await curfew.sweep({}, { requestedBy: 'rule' });
    assert.deepEqual(curfew.aws.events, [
      {
        source: 'fine-tuning-curfew',
        detailType: 'Fine-Tuning Job Cancelled',
        bus: 'default',
        detail: {
          ...detail,
          outcome: 'cancelled',
          finalStatus: 'cancelled',
          reason: 'time_budget',
          requestedBy: 'rule',
          summary:
            'Fine-tuning job ftjob-1 was cancelled because its time budget had run out; it was running, 100 minutes old, with a time budget of 90 minutes.',
        },
      },
    ]);
  });

  for (const [reason, summary] of [
    ['requested', /was cancelled as asked \(alice, INC-1234\)/],
    ['stop_all', /was cancelled because everything had to stop \(alice, INC-1234\)/],
  ] as const) {
    test(`with the reason ${reason}`, async () => {
      await using curfew = await startCurfew({ jobs: [overdueJob()] });
      const requestedBy = 'alice, INC-1234';
      if (reason === 'requested') await curfew.cancel('ftjob-1', { requestedBy });
      else await curfew.stopAll({}, { requestedBy });
      const [event] = curfew.aws.events;
      assert.equal(event?.detailType, 'Fine-Tuning Job Cancelled');
      assert.equal(event.detail['reason'], reason);
      assert.equal(event.detail['requestedBy'], requestedBy);
      assert.match(String(event.detail['summary']), summary);
    });
  }

  test('even if it is still on its way there', async () => {
    const job = overdueJob();
    await using curfew = await startCurfew({ jobs: [job] });
    curfew.openai.faultFor = ({ endpoint }) => (endpoint === 'cancel' ? says(job) : undefined);
    await curfew.cancel('ftjob-1');
    assert.deepEqual(typesOf(curfew), ['Fine-Tuning Job Cancelled']);
    assert.match(
      String(curfew.aws.events[0]?.detail['summary']),
      /is being cancelled as asked .*still running/,
    );
  });

  test('once, however many sweeps leave it on its way there', async () => {
    const job = overdueJob();
    await using curfew = await startCurfew({ jobs: [job] });
    curfew.openai.faultFor = ({ endpoint }) => (endpoint === 'cancel' ? says(job) : undefined);
    await curfew.sweep();
    await curfew.sweep();
    assert.deepEqual(idsOf(curfew), ['ftjob-1']);
  });

  test('at every sweep that leaves it on its way there, if that cannot be noted', async () => {
    const job = overdueJob();
    await using curfew = await startCurfew({ jobs: [job] });
    curfew.openai.faultFor = ({ endpoint }) => {
      if (endpoint !== 'cancel') return undefined;
      curfew.aws.table.health = 'denied';
      return says(job);
    };
    await curfew.sweep();
    assert.deepEqual(idsOf(curfew), ['ftjob-1']);
  });

  for (const form of ['cancel', 'sweep', 'stopAll'] as const) {
    test(`as one that would be cancelled, in a dry ${form}`, async () => {
      await using curfew = await startCurfew({ jobs: [overdueJob()] });
      if (form === 'cancel') await curfew.cancel('ftjob-1', { dryRun: true });
      else await curfew[form]({ dryRun: true });
      assert.deepEqual(typesOf(curfew), ['Fine-Tuning Job Would Be Cancelled']);
      const [event] = curfew.aws.events;
      assert.deepEqual([event?.detail['outcome'], event?.detail['finalStatus']], ['would_cancel', null]);
    });
  }

  test('with its project, if there are several', async () => {
    await using curfew = await startCurfew({
      jobs: [overdueJob()],
      projects: { research: {} },
      settings: { name: 'my-curfew' },
    });
    await curfew.sweep();
    const [event] = curfew.aws.events;
    assert.deepEqual([event?.detail['project'], event?.detail['curfew']], ['research', 'my-curfew']);
    assert.match(String(event?.detail['summary']), /^Fine-tuning job ftjob-1 of project research was/);
  });

  test('on the bus of the settings', async () => {
    const bus = 'arn:aws:events:us-east-1:123456789012:event-bus/ours';
    await using curfew = await startCurfew({
      jobs: [overdueJob()],
      environment: { EVENT_BUS_NAME: bus },
    });
    await curfew.sweep();
    assert.equal(curfew.aws.events[0]?.bus, bus);
  });

  test('each of very many, ten at a time', async () => {
    const jobs = Array.from({ length: 25 }, (_, index) => overdueJob(`ftjob-${index}`));
    await using curfew = await startCurfew({ jobs, settings: { cancelLimit: 'none' } });
    await curfew.sweep();
    assert.equal(new Set(idsOf(curfew)).size, 25);
    assert.deepEqual(
      curfew.aws.batchSizes.toSorted((a, b) => a - b),
      [5, 10, 10],
    );
  });

  test('even if the sweep runs out of time', async () => {
    await using curfew = await startCurfew({ jobs: [overdueJob('ftjob-1'), overdueJob('ftjob-2')] });
    curfew.openai.faultFor = ({ endpoint, jobId }) =>
      endpoint !== 'list' && jobId === 'ftjob-2' ? noAnswer : undefined;
    await curfew.sweep({}, { remainingMilliseconds: 4_000 });
    assert.deepEqual(idsOf(curfew), ['ftjob-1']);
  });
});

describe('a job near its deadline is published', () => {
  test('with all that its owner needs to know', async () => {
    const job = nearJob();
    await using curfew = await startCurfew({ jobs: [job] });
    await curfew.sweep({}, { requestedBy: 'rule' });
    const deadline = iso(job.created_at + 90 * 60);
    assert.deepEqual(curfew.aws.events, [
      {
        source: 'fine-tuning-curfew',
        detailType: 'Fine-Tuning Job Near Its Time Budget',
        bus: 'default',
        detail: {
          curfew: 'fine-tuning-curfew',
          jobId: 'ftjob-1',
          requestedBy: 'rule',
          status: 'running',
          ageMinutes: 70,
          timeBudgetMinutes: 90,
          budgetFrom: 'metadata',
          deadline,
          minutesLeft: 19,
          estimatedFinish: null,
          willNotFinish: false,
          dryRun: false,
          model: 'gpt-4o-mini-2024-07-18',
          metadata,
          summary: `Fine-tuning job ftjob-1 will be cancelled in 19 minutes, at ${deadline}, unless it is extended.`,
        },
      },
    ]);
  });
});

describe('nothing is published', () => {
  for (const status of ['succeeded', 'paused', 'frozen']) {
    test(`of a job that is ${status}`, async () => {
      await using curfew = await startCurfew({ jobs: [{ ...overdueJob(), status }] });
      await curfew.cancel('ftjob-1');
      await curfew.sweep();
      assert.deepEqual(curfew.aws.batchSizes, []);
    });
  }

  test('of a job that goes on', async () => {
    await using curfew = await startCurfew({ jobs: [jobOfAge(5)] });
    await curfew.sweep();
    assert.deepEqual(curfew.aws.batchSizes, []);
  });

  test('of jobs that are held back', async () => {
    const jobs = ['ftjob-1', 'ftjob-2'].map(overdueJob);
    await using curfew = await startCurfew({ jobs, settings: { cancelLimit: 1 } });
    assert.equal((await curfew.sweep()).heldBack, 2);
    assert.deepEqual(curfew.aws.batchSizes, []);
  });

  test('of a job that had finished when the cancel came', async () => {
    await using curfew = await startCurfew({ jobs: [overdueJob()] });
    curfew.openai.faultFor = ({ endpoint }) =>
      endpoint === 'cancel' ? says({ ...overdueJob(), status: 'succeeded' }) : undefined;
    assert.equal((await curfew.sweep()).alreadyFinished, 1);
    assert.deepEqual(curfew.aws.batchSizes, []);
  });
});
