import assert from 'node:assert/strict';
import { describe, mock, test } from 'node:test';
import { simulatedJob } from '../../../infra/local/providers/simulated-job.ts';
import { type Call, type Fault, startFineTuningSimulator } from '../../../infra/local/providers/simulator.ts';
import { timeLeftOf } from '../../../lambda/curfew/time-left.ts';
import { createFineTuningApi } from '../../../lambda/openai/fine-tuning-api.ts';
import { type Curfew, startCurfew } from '../../support/curfew.ts';
import { expectedFailures } from '../../support/expected-failures.ts';
import { openAIClientOf } from '../../support/openai-client.ts';
import { answers, noAnswer, noBody } from '../../support/wire-faults.ts';

type Endpoint = Call['endpoint'];

const jobId = 'ftjob-abc123';
const endpoints: Endpoint[] = ['retrieve', 'list', 'cancel'];
/** Long enough for a few refusals without a header. */
const shortMilliseconds = 8_000;

// So no wait is longer by chance than another.
mock.method(Math, 'random', () => 0.5);

/** The job, asked for in a way that meets the endpoint; and a curfew whose endpoint is faulty `times` times. */
async function startFaulty(endpoint: Endpoint, fault: Fault, times: number) {
  const job = simulatedJob({ id: jobId, status: 'running', ageMinutes: 400 });
  const curfew = await startCurfew({ jobs: [job] });
  let left = times;
  curfew.openai.faultFor = (call) => (call.endpoint === endpoint && left-- > 0 ? fault : undefined);
  const run = (remainingMilliseconds = 30_000) =>
    endpoint === 'list'
      ? curfew.sweep({}, { remainingMilliseconds })
      : curfew.cancel(jobId, { remainingMilliseconds });
  return { curfew, job, run, [Symbol.asyncDispose]: () => curfew[Symbol.asyncDispose]() };
}

const callsTo = (curfew: Curfew, endpoint: Endpoint) =>
  curfew.openai.calls.filter((call) => call.endpoint === endpoint);

describe('a fault that stays', { concurrency: 32 }, () => {
  for (const endpoint of endpoints) {
    for (const [name, { fault, error, message, attempts }] of Object.entries(expectedFailures)) {
      if (attempts === 'as time allows') {
        test(`${endpoint}: ${name}: ${error} while there is time to say so, after several attempts`, async () => {
          await using faulty = await startFaulty(endpoint, fault, Number.POSITIVE_INFINITY);
          const startedAt = performance.now();
          const ended = await faulty.run(shortMilliseconds).catch((thrown: unknown) => thrown);
          if (endpoint === 'list' && !(ended instanceof Error)) {
            // Listing has less time than cancelling, and what it did not reach is no error.
            assert.partialDeepStrictEqual(ended, { complete: false, inspected: 0 });
          } else {
            assert.throws(
              () => {
                throw ended;
              },
              { name: error, message },
            );
          }
          assert.ok(performance.now() - startedAt < shortMilliseconds);
          assert.ok(callsTo(faulty.curfew, endpoint).length >= 2);
          assert.equal(faulty.job.status, 'running');
        });
        continue;
      }
      test(`${endpoint}: ${name}: ${error} after ${attempts} attempts`, async () => {
        await using faulty = await startFaulty(endpoint, fault, Number.POSITIVE_INFINITY);
        await assert.rejects(faulty.run(), { name: error, message });
        assert.equal(callsTo(faulty.curfew, endpoint).length, attempts);
        assert.equal(faulty.job.status, 'running');
      });
    }
  }
});

describe('a fault that passes', { concurrency: 32 }, () => {
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

describe('no answer', { concurrency: 32 }, () => {
  const silences = { 'no answer at all': noAnswer, 'a head without a body': noBody };
  const remainingMilliseconds = 6_000;
  for (const endpoint of endpoints) {
    for (const [name, fault] of Object.entries(silences)) {
      test(`${endpoint}: ${name}: the attempt is given up, and made again`, async () => {
        await using faulty = await startFaulty(endpoint, fault, 1);
        await faulty.run(remainingMilliseconds);
        assert.equal(faulty.job.status, 'cancelled');
      });

      if (endpoint === 'list') continue;
      test(`${endpoint}: ${name}, ever: OpenAIError while there is time to say so`, async () => {
        await using faulty = await startFaulty(endpoint, fault, Number.POSITIVE_INFINITY);
        const startedAt = performance.now();
        await assert.rejects(faulty.run(remainingMilliseconds), { name: 'OpenAIError' });
        assert.ok(performance.now() - startedAt < remainingMilliseconds);
        assert.ok(callsTo(faulty.curfew, endpoint).length > 1);
      });
    }
  }
});

test('a first attempt that the end of the time cuts off is OpenAIError that says so', async () => {
  await using openai = await startFineTuningSimulator();
  openai.faultFor = () => noAnswer;
  const client = openAIClientOf(openai, {
    time: { ...timeLeftOf(1_000), attemptTimeoutMilliseconds: 10_000 },
  });
  await assert.rejects(createFineTuningApi(client).retrieve(jobId), {
    name: 'OpenAIError',
    message: /time ran out before the provider answered/,
  });
});

describe('the wait before a retry', { concurrency: true }, () => {
  const inTwoSeconds = () => new Date(Date.now() + 2_000).toUTCString();
  const waits: [headers: () => Record<string, string>, leastMilliseconds: number][] = [
    [() => ({ 'retry-after-ms': '800' }), 799],
    [() => ({ 'retry-after-ms': '800', 'retry-after': '0' }), 799],
    [() => ({ 'retry-after': '1' }), 999],
    // A date has no milliseconds, so up to one second is lost.
    [() => ({ 'retry-after': inTwoSeconds() }), 900],
    [() => ({}), 299],
    [() => ({ 'retry-after': 'soon' }), 299],
    [() => ({ 'retry-after-ms': 'soon' }), 299],
  ];
  for (const status of [429, 409, 503]) {
    for (const [headers, least] of waits) {
      test(`is at least ${least} ms after ${status} with ${JSON.stringify(headers())}`, async () => {
        const once: Fault = (answer, response) => answers(status, headers())(answer, response);
        await using faulty = await startFaulty('retrieve', once, 1);
        await faulty.run();
        const [first, second] = callsTo(faulty.curfew, 'retrieve');
        assert.ok(first && second && second.at - first.at >= least);
      });
    }
  }

  for (const [status, name] of [
    [429, 'RateLimitError'],
    [503, 'OpenAIError'],
  ] as const) {
    test(`is no retry if the time left forbids it, and the error is that of the answer (${status})`, async () => {
      await using faulty = await startFaulty('retrieve', answers(status, { 'retry-after': '20' }), 1);
      const startedAt = performance.now();
      const run = faulty.curfew.cancel(jobId, { remainingMilliseconds: 6_000 });
      await assert.rejects(run, { name, message: new RegExp(`answered ${status}`) });
      assert.ok(performance.now() - startedAt < 4_000);
      assert.equal(faulty.curfew.openai.calls.length, 1);
    });
  }
});

test('nobody listening is OpenAIError that names the reason', async () => {
  // A port of the system's own, which nothing here can be given by chance.
  await using curfew = await startCurfew({ settings: { openaiBaseUrl: 'http://127.0.0.1:2/v1' } });
  await assert.rejects(curfew.cancel(jobId), { name: 'OpenAIError', message: /ECONNREFUSED/ });
});

test('a redirect is not followed, so the key reaches no other host', async () => {
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
