import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as v from 'valibot';
import { simulatedJob } from '../../../infra/local/providers/simulated-job.ts';
import { type Fault, startFineTuningSimulator } from '../../../infra/local/providers/simulator.ts';
import { timeLeftOf } from '../../../lambda/curfew/time-left.ts';
import type { OpenAICall } from '../../../lambda/openai/client.ts';
import { clientKey, openAIClientOf } from '../../support/openai-client.ts';
import { answers, noAnswer, quotaCodes, refuses, says } from '../../support/wire-faults.ts';

/** The server asks for a retry, and for next to no wait. */
const soon = { 'retry-after-ms': '1' };
const wanted: OpenAICall<v.GenericSchema> = {
  method: 'GET',
  path: 'fine_tuning/jobs/ftjob-1',
  schema: v.object({ id: v.string(), status: v.string() }),
  purpose: 'retrieve the job',
  jobId: 'ftjob-1',
  mostBytes: 1_000_000,
};

/** A client, and a provider that has each of these faults once, then none. */
async function startClient(
  faults: Fault[] = [],
  { remainingMilliseconds = 30_000, freshKey = clientKey } = {},
) {
  const openai = await startFineTuningSimulator({
    jobs: [simulatedJob({ id: 'ftjob-1', status: 'running' })],
    apiKeys: [clientKey],
  });
  openai.faultFor = () => faults.shift();
  const client = openAIClientOf(openai, {
    credentials: { current: async () => clientKey, refreshed: async () => freshKey },
    time: timeLeftOf(remainingMilliseconds),
  });
  return {
    ask: (more: Partial<typeof wanted> = {}) => client({ ...wanted, ...more }),
    calls: () => openai.calls.length,
    callTimes: () => openai.calls.map(({ at }) => at),
    keys: () => openai.calls.map(({ headers }) => headers.authorization),
    [Symbol.asyncDispose]: openai[Symbol.asyncDispose],
  };
}

/** The same fault, and when the client has surely read its answer: both are in this process. */
function watched(fault: Fault) {
  const { promise: isRead, resolve } = Promise.withResolvers<void>();
  const watchedFault: Fault = (answer, response) => {
    response.once('finish', () => setTimeout(resolve, 500));
    return fault(answer, response);
  };
  return { fault: watchedFault, isRead };
}

/** No answer, and a signal that fires as soon as the call is there. */
function givenUp() {
  const controller = new AbortController();
  const fault: Fault = (answer, response) => {
    controller.abort();
    return noAnswer(answer, response);
  };
  return { fault, signal: controller.signal };
}

describe('a call that may fare better is made again', () => {
  test('three times', async () => {
    await using client = await startClient([500, 409, 503].map((status) => answers(status, soon)));
    assert.partialDeepStrictEqual(await client.ask(), { id: 'ftjob-1' });
    assert.equal(client.calls(), 4);
  });

  test('but no fourth time', async () => {
    await using client = await startClient([500, 500, 500, 503].map((status) => answers(status, soon)));
    await assert.rejects(client.ask(), { name: 'OpenAIError', message: /answered 503/ });
    assert.equal(client.calls(), 4);
  });

  test('unless the wait would reach beyond the time that is left', async () => {
    await using client = await startClient([answers(503, { 'retry-after': '20' })], {
      remainingMilliseconds: 10_000,
    });
    const startedAt = performance.now();
    await assert.rejects(client.ask(), { message: /answered 503/ });
    assert.ok(performance.now() - startedAt < 4_000);
    assert.equal(client.calls(), 1);
  });

  test('until it is given up, with the error of the last answer', async () => {
    const { fault, isRead } = watched(answers(503, { 'retry-after-ms': '20000' }));
    await using client = await startClient([fault]);
    const controller = new AbortController();
    isRead.then(() => controller.abort());
    const startedAt = performance.now();
    await assert.rejects(client.ask({ signal: controller.signal }), { message: /answered 503/ });
    assert.ok(performance.now() - startedAt < 10_000);
    assert.equal(client.calls(), 1);
  });

  test('and says what the last answer was if there is none the next time', async () => {
    const { fault, signal } = givenUp();
    await using client = await startClient([answers(503, soon), fault]);
    await assert.rejects(client.ask({ signal }), { message: /answered 503/ });
    assert.equal(client.calls(), 2);
  });

  test('after a wait that doubles', async () => {
    await using client = await startClient([answers(500), answers(500)]);
    await client.ask();
    const [first = 0, second = 0, third = 0] = client.callTimes();
    assert.ok(second - first >= 224);
    assert.ok(third - second >= 449);
  });

  test('if an attempt takes too long', async () => {
    await using client = await startClient([noAnswer], { remainingMilliseconds: 10_000 });
    assert.partialDeepStrictEqual(await client.ask(), { id: 'ftjob-1' });
    assert.equal(client.calls(), 2);
  });
});

test('a call that is given up before there is any answer says that time ran out', async () => {
  const { fault, signal } = givenUp();
  await using client = await startClient([fault]);
  await assert.rejects(client.ask({ signal }), {
    name: 'OpenAIError',
    message: 'Could not retrieve the job "ftjob-1": time ran out before the provider answered. Try again.',
  });
});

describe('a credential that is refused', () => {
  test('is refreshed, and the call made again', async () => {
    await using client = await startClient([answers(401)], { freshKey: 'sk-fresh' });
    await assert.rejects(client.ask(), { name: 'AuthenticationError' });
    assert.deepEqual(client.keys(), ['Bearer sk-key', 'Bearer sk-fresh']);
  });

  test('is AuthenticationError at once if there is no other', async () => {
    await using client = await startClient([answers(401)]);
    await assert.rejects(client.ask(), { name: 'AuthenticationError' });
    assert.equal(client.calls(), 1);
  });

  test('is not refreshed for anything else', async () => {
    await using client = await startClient([answers(404)], { freshKey: 'sk-fresh' });
    await assert.rejects(client.ask(), { name: 'JobNotFoundError' });
    assert.deepEqual(client.keys(), ['Bearer sk-key']);
  });
});

describe('after a 429', () => {
  const pause = answers(429, { 'retry-after-ms': '200' });
  const pauseBeyondTime = answers(429, { 'retry-after': '3600' });

  test('the call is made again, however often', async () => {
    await using client = await startClient(Array.from({ length: 3 }, () => answers(429, soon)));
    assert.partialDeepStrictEqual(await client.ask(), { id: 'ftjob-1' });
    assert.equal(client.calls(), 4);
  });

  for (const status of [200, 404]) {
    test(`any other answer (${status}) ends the row of refusals, so the next wait is as short as the first`, async () => {
      const inTurn: Fault = (answer) => ({ ...answer(), status });
      await using client = await startClient(
        Array.from({ length: 6 }, () => [answers(429, soon), inTurn]).flat(),
      );
      const startedAt = performance.now();
      for (let round = 0; round < 6; round += 1) await client.ask().catch(() => {});
      assert.equal(client.calls(), 12);
      // In a row they would come to 9 seconds.
      assert.ok(performance.now() - startedAt < 4_000);
    });
  }

  test('no other call goes out while the server asks for silence', async () => {
    const { fault, isRead } = watched(answers(429, { 'retry-after-ms': '3000' }));
    await using client = await startClient([fault]);
    const first = client.ask();
    await isRead;
    await assert.rejects(client.ask({ signal: AbortSignal.timeout(50) }), { name: 'RateLimitError' });
    assert.equal(client.calls(), 1);
    assert.partialDeepStrictEqual(await first, { id: 'ftjob-1' });
  });

  test('a call that is given up once the gate is open again says that time ran out', async () => {
    await using client = await startClient([answers(429, soon)]);
    await client.ask();
    await assert.rejects(client.ask({ signal: AbortSignal.abort() }), { message: /time ran out/ });
    assert.equal(client.calls(), 2);
  });

  test('that asks for more time than is left, no call is made, with the error of that answer', async () => {
    await using client = await startClient([pauseBeyondTime]);
    for (const _ of [1, 2]) await assert.rejects(client.ask(), { name: 'RateLimitError' });
    assert.equal(client.calls(), 1);
  });

  test('a call that must not wait goes through a shut gate, once', async () => {
    await using client = await startClient([pauseBeyondTime, pauseBeyondTime]);
    await assert.rejects(client.ask(), { name: 'RateLimitError' });
    await assert.rejects(client.ask({ passesShutGate: true }), { name: 'RateLimitError' });
    assert.equal(client.calls(), 2);
    assert.partialDeepStrictEqual(await client.ask({ passesShutGate: true }), { id: 'ftjob-1' });
  });

  test('and no retry of it does', async () => {
    await using client = await startClient([pauseBeyondTime, answers(503, soon)]);
    await assert.rejects(client.ask(), { name: 'RateLimitError' });
    await assert.rejects(client.ask({ passesShutGate: true }), { name: 'RateLimitError' });
    assert.equal(client.calls(), 2);
  });

  test('but not if it is given up already', async () => {
    await using client = await startClient([pauseBeyondTime]);
    await assert.rejects(client.ask());
    await assert.rejects(client.ask({ passesShutGate: true, signal: AbortSignal.abort() }), {
      name: 'RateLimitError',
    });
    assert.equal(client.calls(), 1);
  });

  test('a gate that is only closed for a while makes it wait like any other', async () => {
    await using client = await startClient([pause, pause]);
    assert.partialDeepStrictEqual(await client.ask({ passesShutGate: true }), { id: 'ftjob-1' });
    assert.equal(client.calls(), 3);
  });

  for (const code of quotaCodes) {
    test(`for ${code} it is QuotaError at once, and other calls go on`, async () => {
      await using client = await startClient([refuses(429, { code })]);
      await assert.rejects(client.ask(), { name: 'QuotaError' });
      assert.partialDeepStrictEqual(await client.ask(), { id: 'ftjob-1' });
      assert.equal(client.calls(), 2);
    });
  }
});

describe('whoever asks is told that the call is on its way', () => {
  test('at each attempt', async () => {
    await using client = await startClient([answers(500, soon)]);
    const sent: number[] = [];
    await client.ask({ sent: () => sent.push(client.calls()) });
    assert.deepEqual(sent, [0, 1]);
  });

  test('but not if it is never sent', async () => {
    await using client = await startClient();
    let isSent = false;
    const sent = () => {
      isSent = true;
    };
    await assert.rejects(client.ask({ sent, signal: AbortSignal.abort() }));
    assert.equal(isSent, false);
  });
});

describe('an answer of which nothing can be made says why', () => {
  const cases: [body: unknown, why: string][] = [
    ['', 'is empty'],
    ['<html>', 'is not JSON'],
    ['"a text"', 'lacks what the API promises (the whole body)'],
    [{ id: 7 }, 'lacks what the API promises (id, status)'],
  ];
  for (const [body, why] of cases) {
    test(`${JSON.stringify(body)}: the answer ${why}`, async () => {
      await using client = await startClient([says(body)]);
      await assert.rejects(client.ask(), {
        name: 'OpenAIError',
        message: `Could not retrieve the job "ftjob-1": the answer ${why}. Check that openaiBaseUrl is an OpenAI API.`,
      });
      assert.equal(client.calls(), 1);
    });
  }

  test('so does one of a byte too many', async () => {
    const body = '{"id":"1","status":"ok"}';
    await using client = await startClient([says(body), says(body)]);
    assert.deepEqual(await client.ask({ mostBytes: 24 }), { id: '1', status: 'ok' });
    await assert.rejects(client.ask({ mostBytes: 23 }), { message: /the answer is longer than 23 bytes/ });
  });
});

test('any status from 200 to 299 is a success', async () => {
  const withStatus =
    (status: number): Fault =>
    (answer) => ({ ...answer(), status });
  await using client = await startClient([200, 201, 299].map(withStatus));
  for (const _ of [1, 2, 3]) assert.partialDeepStrictEqual(await client.ask(), { id: 'ftjob-1' });
});
