import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulatedJob } from '../../../infra/local/providers/simulated-job.ts';
import type { Fault } from '../../../infra/local/providers/simulator.ts';
import { endpoints, startCurfew } from '../../support/curfew.ts';

const jobId = 'ftjob-abc123';
const inProgress = ['validating_files', 'queued', 'running'];
const terminal = ['succeeded', 'failed', 'cancelled'];

describe('by the status first read', () => {
  for (const initialStatus of inProgress) {
    test(`${initialStatus}: the job is cancelled`, async () => {
      await using curfew = await startCurfew({ jobs: [simulatedJob({ id: jobId, status: initialStatus })] });
      assert.deepEqual(await curfew.cancel(jobId), {
        jobId,
        outcome: 'cancelled',
        initialStatus,
        finalStatus: 'cancelled',
      });
      assert.deepEqual(endpoints(curfew.openai), ['retrieve', 'cancel']);
      assert.equal(curfew.openai.jobs.get(jobId)?.status, 'cancelled');
    });

    test(`${initialStatus} in a dry run: nothing is sent`, async () => {
      await using curfew = await startCurfew({ jobs: [simulatedJob({ id: jobId, status: initialStatus })] });
      assert.deepEqual(await curfew.cancel(jobId, { dryRun: true }), {
        jobId,
        outcome: 'would_cancel',
        initialStatus,
        finalStatus: null,
      });
      assert.deepEqual(endpoints(curfew.openai), ['retrieve']);
    });
  }

  for (const initialStatus of terminal) {
    for (const dryRun of [false, true]) {
      test(`${initialStatus}${dryRun ? ' in a dry run' : ''}: nothing is sent`, async () => {
        await using curfew = await startCurfew({
          jobs: [simulatedJob({ id: jobId, status: initialStatus })],
        });
        assert.deepEqual(await curfew.cancel(jobId, { dryRun }), {
          jobId,
          outcome: 'already_finished',
          initialStatus,
          finalStatus: null,
        });
        assert.deepEqual(endpoints(curfew.openai), ['retrieve']);
      });
    }
  }

  for (const initialStatus of ['paused', 'constructor', 'RUNNING']) {
    test(`${initialStatus}, which is unknown: nothing is sent, and a warning logged`, async () => {
      await using curfew = await startCurfew({ jobs: [simulatedJob({ id: jobId, status: initialStatus })] });
      assert.deepEqual(await curfew.cancel(jobId), {
        jobId,
        outcome: 'not_cancellable',
        initialStatus,
        finalStatus: null,
      });
      assert.deepEqual(endpoints(curfew.openai), ['retrieve']);
      const warning = curfew.logLines.find((line) => line['level'] === 'WARN');
      assert.equal(warning?.['jobId'], jobId);
      assert.equal(warning['initialStatus'], initialStatus);
    });
  }
});

describe('by the status that an accepted cancel answers', () => {
  const cases: [finalStatus: string, outcome: string][] = [
    ['cancelled', 'cancelled'],
    ['running', 'cancelling'],
    ['queued', 'cancelling'],
    ['cancelling', 'cancelling'],
    ['succeeded', 'already_finished'],
    ['failed', 'already_finished'],
  ];
  for (const [finalStatus, outcome] of cases) {
    test(`${finalStatus}: ${outcome}`, async () => {
      const job = simulatedJob({ id: jobId, status: 'running' });
      await using curfew = await startCurfew({ jobs: [job] });
      curfew.openai.faultFor = ({ endpoint }) =>
        endpoint === 'cancel' ? () => ({ status: 200, body: { ...job, status: finalStatus } }) : undefined;
      assert.deepEqual(await curfew.cancel(jobId), { jobId, outcome, initialStatus: 'running', finalStatus });
    });
  }
});

describe('when the cancel is refused, the job is read again', () => {
  const cases: [statusNow: string, outcome: string][] = [
    ['cancelled', 'cancelled'],
    ['succeeded', 'already_finished'],
    ['failed', 'already_finished'],
  ];
  for (const [statusNow, outcome] of cases) {
    test(`and is now ${statusNow}: ${outcome}`, async () => {
      const job = simulatedJob({ id: jobId, status: 'running' });
      await using curfew = await startCurfew({ jobs: [job] });
      const finishesFirst: Fault = (answer) => {
        job.status = statusNow;
        return answer();
      };
      curfew.openai.faultFor = ({ endpoint }) => (endpoint === 'cancel' ? finishesFirst : undefined);
      assert.deepEqual(await curfew.cancel(jobId), {
        jobId,
        outcome,
        initialStatus: 'running',
        finalStatus: statusNow,
      });
      assert.deepEqual(endpoints(curfew.openai), ['retrieve', 'cancel', 'retrieve']);
    });
  }

  for (const statusNow of ['running', 'paused']) {
    test(`and is now ${statusNow}: an error, never a silent success`, async () => {
      const job = simulatedJob({ id: jobId, status: 'running' });
      await using curfew = await startCurfew({ jobs: [job] });
      curfew.openai.faultFor = ({ endpoint }) => {
        if (endpoint !== 'cancel') return undefined;
        return () => {
          job.status = statusNow;
          return { status: 400, body: { error: { message: 'No.', type: 'invalid_request_error' } } };
        };
      };
      await assert.rejects(curfew.cancel(jobId), {
        name: 'OpenAIError',
        message: new RegExp(`cancel the job "${jobId}".* 400 .*invalid_request_error.*is now "${statusNow}"`),
      });
      assert.deepEqual(endpoints(curfew.openai), ['retrieve', 'cancel', 'retrieve']);
    });
  }
});

test('a job that OpenAI does not know is JobNotFoundError', async () => {
  await using curfew = await startCurfew();
  await assert.rejects(curfew.cancel('ftjob-unknown'), {
    name: 'JobNotFoundError',
    message: /retrieve the job "ftjob-unknown".*Check the job id/,
  });
});
