import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { cancelIfInProgress } from '../../../lambda/curfew/conditional-cancel.ts';
import {
  ApiKeyError,
  AuthenticationError,
  JobNotFoundError,
  OpenAIError,
  QuotaError,
  RateLimitError,
} from '../../../lambda/errors.ts';
import { fakeProject, jobOf } from '../../support/fake-ports.ts';

const inProgress = ['validating_files', 'pending', 'queued', 'running', 'resuming'];
const finished = ['succeeded', 'failed', 'cancelled', 'canceled'];
const neither = ['pausing', 'paused', 'frozen'];
const project = (calls: Parameters<typeof fakeProject>[0] = {}) => fakeProject({ jobs: [], ...calls });
const answering = (status: string) => async (id: string) => jobOf({ id, status });

describe('by the status first read', () => {
  for (const status of inProgress) {
    test(`${status}: a cancel is sent`, async () => {
      const { api, cancels } = project({ cancel: answering('cancelled') });
      const ending = await cancelIfInProgress(api, { id: 'ftjob-1', status }, false);
      assert.deepEqual(ending, { outcome: 'cancelled', finalStatus: 'cancelled' });
      assert.deepEqual(cancels, ['ftjob-1']);
    });

    test(`${status}, in a dry run: none is sent`, async () => {
      const { api, cancels } = project();
      const ending = await cancelIfInProgress(api, { id: 'ftjob-1', status }, true);
      assert.deepEqual(ending, { outcome: 'would_cancel', finalStatus: null });
      assert.deepEqual(cancels, []);
    });
  }

  const others = [
    ...finished.map((status) => [status, 'already_finished'] as const),
    ...neither.map((status) => [status, 'not_cancellable'] as const),
  ];
  for (const [status, outcome] of others) {
    for (const dryRun of [false, true]) {
      test(`${status}${dryRun ? ', in a dry run' : ''}: none is sent, it is ${outcome}`, async () => {
        const { api, cancels } = project();
        const ending = await cancelIfInProgress(api, { id: 'ftjob-1', status }, dryRun);
        assert.deepEqual(ending, { outcome, finalStatus: null });
        assert.deepEqual(cancels, []);
      });
    }
  }
});

describe('by the status in the answer to the cancel', () => {
  const cases: [status: string, outcome: string][] = [
    ['cancelled', 'cancelled'],
    ['canceled', 'cancelled'],
    ['succeeded', 'already_finished'],
    ['failed', 'already_finished'],
    ['running', 'cancelling'],
    ['paused', 'cancelling'],
    ['cancelling', 'cancelling'],
  ];
  for (const [status, outcome] of cases) {
    test(`${status}: ${outcome}`, async () => {
      const { api } = project({ cancel: answering(status) });
      const ending = await cancelIfInProgress(api, { id: 'ftjob-1', status: 'running' }, false);
      assert.deepEqual(ending, { outcome, finalStatus: status });
    });
  }
});

describe('if the cancel fails, the job is read again', () => {
  const afterFailure = (error: Error, retrieve: (id: string) => Promise<ReturnType<typeof jobOf>>) => {
    const { api } = project({ cancel: () => Promise.reject(error), retrieve });
    return cancelIfInProgress(api, { id: 'ftjob-1', status: 'running' }, false);
  };
  const names = [AuthenticationError, ApiKeyError, RateLimitError, QuotaError, OpenAIError, JobNotFoundError];

  for (const Failure of names) {
    const error = new Failure('It failed.');

    test(`${error.name}, and it is cancelled: it worked all the same`, async () => {
      const ending = await afterFailure(error, answering('canceled'));
      assert.deepEqual(ending, { outcome: 'cancelled', finalStatus: 'canceled' });
    });

    test(`${error.name}, and it has finished: it finished first`, async () => {
      const ending = await afterFailure(error, answering('succeeded'));
      assert.deepEqual(ending, { outcome: 'already_finished', finalStatus: 'succeeded' });
    });

    const name = error instanceof JobNotFoundError ? 'OpenAIError' : error.name;
    for (const status of ['running', 'paused']) {
      test(`${error.name}, and it is ${status}: that is ${name}`, async () => {
        await assert.rejects(afterFailure(error, answering(status)), {
          name,
          message: `It failed. As far as we can tell, the cancel had no effect: the job is now "${status}".`,
        });
      });
    }

    test(`${error.name}, and it cannot be read: that is ${name}`, async () => {
      await assert.rejects(
        afterFailure(error, () => Promise.reject(new Error('Nor that.'))),
        {
          name,
          message:
            'It failed. Whether the cancel had an effect is not known: the job could not be read again.',
        },
      );
    });
  }

  test('what has no name of ours is OpenAIError', async () => {
    await assert.rejects(afterFailure(new TypeError('Oh.'), answering('running')), { name: 'OpenAIError' });
  });
});
