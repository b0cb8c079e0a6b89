import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulatedJob } from '../../../infra/local/providers/simulated-job.ts';
import type { Fault } from '../../../infra/local/providers/simulator.ts';
import { endpoints, startCurfew } from '../../support/curfew.ts';
import { answerLost, answers, refuses, reset, says } from '../../support/wire-faults.ts';

const jobId = 'ftjob-abc123';
const final = { 'x-should-retry': 'false' };

/** A rate limit that no waiting of ours outlasts. */
const tooLong = { 'retry-after': '3600' };

/** Every way in which a cancel can fail, and the error that it is if the job goes on. */
const failures: Record<string, { fault: Fault; error: string; message: RegExp }> = {
  '400': { fault: answers(400), error: 'OpenAIError', message: /answered 400/ },
  '401': { fault: answers(401), error: 'AuthenticationError', message: /answered 401/ },
  '403': { fault: answers(403), error: 'AuthenticationError', message: /answered 403/ },
  '404': { fault: answers(404), error: 'OpenAIError', message: /answered 404/ },
  '409': { fault: answers(409, final), error: 'OpenAIError', message: /answered 409/ },
  '429': {
    fault: answers(429, { ...final, 'retry-after-ms': '20' }),
    error: 'RateLimitError',
    message: /answered 429/,
  },
  '429 for a spent quota': {
    fault: refuses(429, { code: 'insufficient_quota' }),
    error: 'QuotaError',
    message: /429/,
  },
  '500': { fault: answers(500, final), error: 'OpenAIError', message: /answered 500/ },
  '429 with a wait that is too long': {
    fault: answers(429, tooLong),
    error: 'RateLimitError',
    message: /answered 429/,
  },
  'a redirect': { fault: answers(302), error: 'OpenAIError', message: /answered 302/ },
  'a lost connection': { fault: reset, error: 'OpenAIError', message: /connection failed/ },
  'an unreadable answer': { fault: says('<html>'), error: 'OpenAIError', message: /not JSON/ },
  'an answer about another job': {
    fault: says(simulatedJob({ id: 'ftjob-other', status: 'cancelled' })),
    error: 'OpenAIError',
    message: /about another job/,
  },
};

/** What the job may be by then. */
const endings = [
  ['cancelled', 'cancelled'],
  ['canceled', 'cancelled'],
  ['succeeded', 'already_finished'],
  ['failed', 'already_finished'],
] as const;
const goingOn = ['running', 'queued', 'pausing', 'paused', 'frozen'];

/** A curfew whose cancels fail, after which the job has this status. */
async function startFailing(fault: Fault, statusThen: string) {
  const job = simulatedJob({ id: jobId, status: 'running', ageMinutes: 400 });
  const curfew = await startCurfew({ jobs: [job] });
  curfew.openai.faultFor = ({ endpoint }) => {
    if (endpoint !== 'cancel') return undefined;
    return (answer, response) => {
      job.status = statusThen;
      return fault(answer, response);
    };
  };
  return curfew;
}

for (const [name, { fault, error, message }] of Object.entries(failures)) {
  describe(`a cancel that fails with ${name}`, { concurrency: 8 }, () => {
    for (const [statusThen, outcome] of endings) {
      test(`is ${outcome} if the job is ${statusThen} when read again`, async () => {
        await using curfew = await startFailing(fault, statusThen);
        assert.deepEqual(await curfew.cancel(jobId), {
          jobId,
          outcome,
          initialStatus: 'running',
          finalStatus: statusThen,
        });
        assert.equal(endpoints(curfew.openai).at(-1), 'retrieve');
        assert.equal(curfew.aws.events.length, outcome === 'cancelled' ? 1 : 0);
      });
    }

    for (const statusThen of goingOn) {
      test(`is ${error} if the job is ${statusThen} when read again`, async () => {
        await using curfew = await startFailing(fault, statusThen);
        await assert.rejects(curfew.cancel(jobId), (thrown: Error) => {
          assert.equal(thrown.name, error);
          assert.match(thrown.message, message);
          assert.match(thrown.message, new RegExp(`is now "${statusThen}"`));
          return true;
        });
        assert.deepEqual(curfew.aws.events, []);
      });
    }

    test(`is ${error} if the job cannot be read again`, async () => {
      await using curfew = await startFailing(fault, 'cancelled');
      const { faultFor } = curfew.openai;
      curfew.openai.faultFor = (call) =>
        call.endpoint === 'retrieve' && endpoints(curfew.openai).includes('cancel')
          ? answers(501, final)
          : faultFor(call);
      await assert.rejects(curfew.cancel(jobId), (thrown: Error) => {
        assert.equal(thrown.name, error);
        assert.match(thrown.message, message);
        assert.match(thrown.message, /could not be read again/);
        return true;
      });
    });
  });
}

/** The request is carried out, and nothing comes back. */
const answerKept: Fault = (answer) => {
  answer();
  return undefined;
};

describe('a lost answer to a cancel that worked', { concurrency: true }, () => {
  const ways: Record<string, Fault[]> = {
    once: [answerLost],
    'every time': [answerLost, answerLost, answerLost, answerLost],
    'in silence': [answerKept, answers(400)],
    'and then a 429': [answerLost, answers(429, { ...final, 'retry-after-ms': '20' })],
    'and then a 409': [answerLost, answers(409, final)],
    'and then a 404': [answerLost, answers(404)],
    'and then a 401': [answerLost, answers(401)],
  };
  for (const [name, faults] of Object.entries(ways)) {
    test(`${name}: the sweep says cancelled, and publishes it`, async () => {
      const jobs = [simulatedJob({ id: jobId, status: 'running', ageMinutes: 400 })];
      await using curfew = await startCurfew({ jobs });
      const left = [...faults];
      curfew.openai.faultFor = ({ endpoint }) => (endpoint === 'cancel' ? left.shift() : undefined);
      const { cancelled, failed } = await curfew.sweep({}, { remainingMilliseconds: 15_000 });
      assert.deepEqual({ cancelled, failed }, { cancelled: 1, failed: 0 });
      assert.deepEqual(
        curfew.aws.events.map(({ detailType }) => detailType),
        ['Fine-Tuning Job Cancelled'],
      );
    });
  }
});

test('a running job whose cancel is answered 404 is no JobNotFoundError, which callers take for success', async () => {
  await using curfew = await startFailing(answers(404), 'running');
  await assert.rejects(curfew.cancel(jobId), {
    name: 'OpenAIError',
    message: /answered 404.*is now "running"/,
  });
});

test('a 409 is tried again, because the lock behind it passes', async () => {
  await using curfew = await startCurfew({ jobs: [simulatedJob({ id: jobId, status: 'running' })] });
  const left = [answers(409), answers(409)];
  curfew.openai.faultFor = ({ endpoint }) => (endpoint === 'cancel' ? left.shift() : undefined);
  assert.equal((await curfew.cancel(jobId)).outcome, 'cancelled');
  assert.deepEqual(endpoints(curfew.openai), ['retrieve', 'cancel', 'cancel', 'cancel']);
});

test('an answer that is lost, and then a rate limit, do not hide that the job was cancelled', async () => {
  await using curfew = await startCurfew({
    jobs: [simulatedJob({ id: jobId, status: 'running', ageMinutes: 400 })],
  });
  const faults = [answerLost, answers(429, tooLong)];
  curfew.openai.faultFor = ({ endpoint }) => (endpoint === 'cancel' ? faults.shift() : undefined);
  assert.equal((await curfew.sweep()).jobs[0]?.outcome, 'cancelled');
  assert.equal(curfew.aws.events.length, 1);
  assert.deepEqual(endpoints(curfew.openai), ['list', 'cancel', 'cancel', 'retrieve']);
});
