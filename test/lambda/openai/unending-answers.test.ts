import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { describe, test } from 'node:test';
import { eventually } from '../../../infra/local/aws/eventually.ts';
import { simulatedJob } from '../../../infra/local/providers/simulated-job.ts';
import type { Fault } from '../../../infra/local/providers/simulator.ts';
import { startCurfew } from '../../support/curfew.ts';
import { answers, drips, endless } from '../../support/wire-faults.ts';

const jobId = 'ftjob-abc123';
const megabyte = 1024 * 1024;
const jobsOf = (count: number) =>
  Array.from({ length: count }, (_, index) =>
    simulatedJob({
      id: index === 0 ? jobId : `ftjob-${index}`,
      status: 'running',
      ageMinutes: 400 + index / 60,
    }),
  );

/** The same fault, and what became of each answer: how much was sent, and how long it lasted. */
function watched(fault: Fault) {
  const sent: { bytes: number; milliseconds: number }[] = [];
  const watchedFault: Fault = (answer, response: ServerResponse) => {
    const startedAt = performance.now();
    const { socket } = response;
    const before = socket?.bytesWritten ?? 0;
    response.once('close', () => {
      sent.push({ bytes: (socket?.bytesWritten ?? 0) - before, milliseconds: performance.now() - startedAt });
    });
    return fault(answer, response);
  };
  return { fault: watchedFault, sent };
}

describe('an answer without an end, as fast as it is read, is cut off: OpenAIError after one attempt', () => {
  for (const [endpoint, mostMegabytes] of [
    ['retrieve', 6],
    ['cancel', 6],
    ['list', 32],
  ] as const) {
    test(endpoint, async () => {
      await using curfew = await startCurfew({ jobs: jobsOf(1) });
      const { fault, sent } = watched(endless());
      curfew.openai.faultFor = (call) => (call.endpoint === endpoint ? fault : undefined);
      const run = endpoint === 'list' ? curfew.sweep() : curfew.cancel(jobId);
      await assert.rejects(run, { name: 'OpenAIError', message: /is longer than/ });
      assert.equal(curfew.openai.calls.filter((call) => call.endpoint === endpoint).length, 1);
      await eventually(async () => sent.length > 0);
      const [{ bytes } = { bytes: Number.POSITIVE_INFINITY }, ...others] = sent;
      assert.deepEqual(others, []);
      assert.ok(bytes > 0 && bytes < mostMegabytes * megabyte, `${bytes} bytes`);
    });
  }

  test('from a hundred cancels at once takes less memory than the function has', async () => {
    await using curfew = await startCurfew({ jobs: jobsOf(100) });
    curfew.openai.faultFor = ({ endpoint }) => (endpoint === 'cancel' ? endless() : undefined);
    const before = process.memoryUsage().rss;
    let most = 0;
    const watching = setInterval(() => {
      most = Math.max(most, process.memoryUsage().rss - before);
    }, 20);
    const { failed } = await curfew.sweep({ cancelLimit: 'none' }).finally(() => clearInterval(watching));
    assert.equal(failed, 100);
    // The provider is in this process too, with its own buffers.
    assert.ok(most < 400 * megabyte, `${Math.round(most / megabyte)} MB`);
  });
});

describe('an attempt ends when its time is over, counted from its begin, body included', {
  concurrency: true,
}, () => {
  /** A quarter of what is left to work in, which is four fifths. */
  const attemptMilliseconds = 800;
  const slackMilliseconds = 500;
  const remainingMilliseconds = 4_000;

  /** The head comes late, the body drop by drop. */
  const lateAndDripping: Fault = (answer, response) => {
    setTimeout(() => void drips()(answer, response), 600);
    return undefined;
  };
  for (const [name, slow] of Object.entries({ dripping: drips(), 'late and dripping': lateAndDripping })) {
    for (const endpoint of ['retrieve', 'cancel', 'list'] as const) {
      test(`${endpoint}: ${name} once: made again, and the job is cancelled`, async () => {
        await using curfew = await startCurfew({ jobs: jobsOf(1) });
        const { fault, sent } = watched(slow);
        const faults = [fault];
        curfew.openai.faultFor = (call) => (call.endpoint === endpoint ? faults.shift() : undefined);
        await (endpoint === 'list'
          ? curfew.sweep({}, { remainingMilliseconds })
          : curfew.cancel(jobId, { remainingMilliseconds }));
        assert.equal(curfew.openai.jobs.get(jobId)?.status, 'cancelled');
        assert.equal(sent.length, 1);
        for (const { milliseconds } of sent) {
          assert.ok(milliseconds < attemptMilliseconds + slackMilliseconds, `${milliseconds} ms`);
        }
      });
    }
  }

  test('dripping for ever is OpenAIError while there is time to say so', async () => {
    await using curfew = await startCurfew({ jobs: jobsOf(1) });
    curfew.openai.faultFor = () => drips();
    const startedAt = performance.now();
    await assert.rejects(curfew.cancel(jobId, { remainingMilliseconds: 2_000 }), {
      name: 'OpenAIError',
      message: /did not answer in time/,
    });
    assert.ok(performance.now() - startedAt < 2_000);
  });
});

describe('a refusal holds, whatever its body does', { concurrency: true }, () => {
  const cases: [status: number, error: string][] = [
    [401, 'AuthenticationError'],
    [404, 'JobNotFoundError'],
    [400, 'OpenAIError'],
    [503, 'OpenAIError'],
  ];
  for (const [status, error] of cases) {
    const bodies: Record<string, Fault> = {
      'never ends': drips(status),
      'is endless': endless(status),
      'breaks off': (_answer, response) => {
        response.writeHead(status, { 'content-length': '500', 'x-should-retry': 'false' });
        response.write('{"error', () => response.socket?.resetAndDestroy());
        return undefined;
      },
    };
    for (const [name, fault] of Object.entries(bodies)) {
      test(`${status} whose body ${name}: ${error}`, async () => {
        await using curfew = await startCurfew({ jobs: jobsOf(1) });
        curfew.openai.faultFor = () => fault;
        await assert.rejects(curfew.cancel(jobId, { remainingMilliseconds: 15_000 }), {
          name: error,
          message: new RegExp(`answered ${status}`),
        });
      });
    }
  }

  test('a 429 whose body never ends closes the gate soon, for as long as it asks', async () => {
    await using curfew = await startCurfew({ jobs: jobsOf(1) });
    const refusal: Fault = (_answer, response) => {
      response.writeHead(429, { 'retry-after': '3600' });
      response.write('{');
      return undefined;
    };
    curfew.openai.faultFor = () => refusal;
    const startedAt = performance.now();
    await assert.rejects(curfew.cancel(jobId), { name: 'RateLimitError' });
    assert.ok(performance.now() - startedAt < 5_000);
    assert.equal(curfew.openai.calls.length, 1);
  });
});

test('nothing that an answer cut off leaves behind ends the process', async () => {
  await using curfew = await startCurfew({ jobs: jobsOf(3) });
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => unhandled.push(reason);
  process.on('unhandledRejection', note);
  const faults = [endless(), endless(500), drips(), answers(503)];
  curfew.openai.faultFor = ({ endpoint }) => (endpoint === 'cancel' ? faults.shift() : undefined);
  await curfew.sweep({}, { remainingMilliseconds: 8_000 });
  await new Promise((resolve) => setTimeout(resolve, 50));
  process.off('unhandledRejection', note);
  assert.deepEqual(unhandled, []);
});
