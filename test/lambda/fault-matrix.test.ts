import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Call, Fault } from '../../infra/local/fine-tuning-simulator.ts';
import { simulatedJob } from '../../infra/local/simulated-job.ts';
import { type Curfew, startCurfew } from '../support/curfew.ts';
import { expectedFailures } from '../support/expected-failures.ts';
import { answerLost, answers, noAnswer, noBody } from '../support/wire-faults.ts';

type Endpoint = Call['endpoint'];

const jobId = 'ftjob-abc123';
const endpoints: Endpoint[] = ['retrieve', 'list', 'cancel'];
/** The job, asked for in a way that meets the endpoint; and a curfew whose endpoint is faulty `times` times. */
async function startFaulty(endpoint: Endpoint, fault: Fault, times: number) {
  const job = simulatedJob({ id: jobId, status: 'running', ageMinutes: 400 });
  const curfew = await startCurfew({ jobs: [job] });
  let left = times;
  curfew.openai.faultFor = (call) => (call.endpoint === endpoint && left-- > 0 ? fault : undefined);
  const run = () => (endpoint === 'list' ? curfew.sweep() : curfew.cancel(jobId));
  return { curfew, job, run, [Symbol.asyncDispose]: () => curfew[Symbol.asyncDispose]() };
}

const callsTo = (curfew: Curfew, endpoint: Endpoint) =>
  curfew.openai.calls.filter((call) => call.endpoint === endpoint);

describe('a fault that stays', { concurrency: 64 }, () => {
  for (const endpoint of endpoints) {
    for (const [name, { fault, error, message, attempts }] of Object.entries(expectedFailures)) {
      test(`${endpoint}: ${name}: ${error} after ${attempts} attempts`, async () => {
        await using faulty = await startFaulty(endpoint, fault, Number.POSITIVE_INFINITY);
        await assert.rejects(faulty.run(), { name: error, message });
        assert.equal(callsTo(faulty.curfew, endpoint).length, attempts);
        assert.equal(faulty.job.status, 'running');
      });
    }
  }
});

describe('a fault that passes', { concurrency: 64 }, () => {
  for (const endpoint of endpoints) {
    for (const [name, { fault, attempts }] of Object.entries(expectedFailures)) {
      if (attempts === 1) continue;
      test(`${endpoint}: ${name}: the job is cancelled after one retry`, async () => {
        await using faulty = await startFaulty(endpoint, fault, 1);
        await faulty.run();
        assert.equal(callsTo(faulty.curfew, endpoint).length, 2);
        assert.equal(faulty.job.status, 'cancelled');
      });
    }
  }
});

describe('no answer', { concurrency: 64 }, () => {
  const silences = { 'no answer at all': noAnswer, 'a head without a body': noBody };
  const remainingMilliseconds = 2_000;
  for (const endpoint of endpoints) {
    for (const [name, fault] of Object.entries(silences)) {
      test(`${endpoint}: ${name}: the attempt is given up, and made again`, async () => {
        await using faulty = await startFaulty(endpoint, fault, 1);
        await (endpoint === 'list'
          ? faulty.curfew.sweep({}, { remainingMilliseconds })
          : faulty.curfew.cancel(jobId, { remainingMilliseconds }));
        assert.equal(faulty.job.status, 'cancelled');
      });

      if (endpoint === 'list') continue;
      test(`${endpoint}: ${name}, ever: OpenAIError while there is time to say so`, async () => {
        await using faulty = await startFaulty(endpoint, fault, Number.POSITIVE_INFINITY);
        const startedAt = performance.now();
        await assert.rejects(faulty.curfew.cancel(jobId, { remainingMilliseconds }), { name: 'OpenAIError' });
        assert.ok(performance.now() - startedAt < remainingMilliseconds);
        assert.ok(callsTo(faulty.curfew, endpoint).length > 1);
      });
    }
  }
});

describe('the wait before a retry', { concurrency: true }, () => {
  const inTwoSeconds = () => new Date(Date.now() + 2_000).toUTCString();
  const waits: [headers: () => Record<string, string>, leastMilliseconds: number][] = [
    [() => ({ 'retry-after-ms': '800' }), 799],
    [() => ({ 'retry-after-ms': '800', 'retry-after': '0' }), 799],
    [() => ({ 'retry-after': '1' }), 999],
    // A date has no milliseconds, so that up to one second is lost.
    [() => ({ 'retry-after': inTwoSeconds() }), 900],
    [() => ({}), 224],
    [() => ({ 'retry-after': 'soon' }), 224],
    [() => ({ 'retry-after-ms': 'soon' }), 224],
  ];
  for (const [headers, least] of waits) {
    test(`is at least ${least} ms with ${JSON.stringify(headers())}`, async () => {
      const once: Fault = (answer, response) => answers(429, headers())(answer, response);
      await using faulty = await startFaulty('retrieve', once, 1);
      await faulty.run();
      const [first, second] = callsTo(faulty.curfew, 'retrieve');
      assert.ok(first && second && second.at - first.at >= least);
    });
  }

  for (const [status, name] of [
    [429, 'RateLimitError'],
    [503, 'OpenAIError'],
  ] as const) {
    test(`is no retry where the time left forbids it, and the error is that of the answer (${status})`, async () => {
      await using faulty = await startFaulty('retrieve', answers(status, { 'retry-after': '20' }), 1);
      const run = faulty.curfew.cancel(jobId, { remainingMilliseconds: 1_500 });
      await assert.rejects(run, { name, message: new RegExp(`answered ${status}`) });
      assert.equal(faulty.curfew.openai.calls.length, 1);
    });
  }
});

test('nobody listening is OpenAIError that names the reason', async () => {
  // A port of the system's own, which nothing here can be given by chance.
  await using curfew = await startCurfew({ settings: { openaiBaseUrl: 'http://127.0.0.1:2/v1' } });
  await assert.rejects(curfew.cancel(jobId), { name: 'OpenAIError', message: /ECONNREFUSED/ });
});

test('a redirect is not followed, so that the key reaches no other host', async () => {
  await using elsewhere = await startCurfew();
  await using curfew = await startCurfew();
  const location = `${elsewhere.openai.baseUrl}/fine_tuning/jobs/${jobId}`;
  for (const status of [301, 302, 303, 307, 308]) {
    curfew.openai.faultFor = () => answers(status, { location });
    await assert.rejects(curfew.cancel(jobId), {
      name: 'OpenAIError',
      message: /Redirects are not followed/,
    });
  }
  assert.deepEqual(elsewhere.openai.calls, []);
});

describe('a lost answer to a cancel that worked', { concurrency: true }, () => {
  for (const [times, retrieves] of [
    [1, 2],
    [Number.POSITIVE_INFINITY, 2],
  ] as const) {
    test(`ends as cancelled (lost ${times} times)`, async () => {
      await using faulty = await startFaulty('cancel', answerLost, times);
      const { outcome, finalStatus } = await faulty.curfew.cancel(jobId);
      assert.deepEqual([outcome, finalStatus], ['cancelled', 'cancelled']);
      assert.equal(callsTo(faulty.curfew, 'retrieve').length, retrieves);
    });
  }

  test('ends as cancelled where the answer cannot be read', async () => {
    const unreadable: Fault = (answer) => {
      answer();
      return { status: 200, body: '<html>' };
    };
    await using faulty = await startFaulty('cancel', unreadable, 1);
    assert.equal((await faulty.curfew.cancel(jobId)).outcome, 'cancelled');
  });
});

test('where the second look fails too, the error is that of the cancel', async () => {
  const job = simulatedJob({ id: jobId, status: 'running' });
  await using curfew = await startCurfew({ jobs: [job] });
  curfew.openai.faultFor = ({ endpoint }) => {
    if (endpoint === 'cancel') return answers(400);
    return curfew.openai.calls.length > 1 ? answers(501, { 'x-should-retry': 'false' }) : undefined;
  };
  await assert.rejects(curfew.cancel(jobId), {
    name: 'OpenAIError',
    message: /answered 400.*could not be read again/,
  });
});
