import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import pMap from 'p-map';
import { simulatedJob } from '../../infra/local/providers/simulated-job.ts';
import { askedWaitMs } from '../../lambda/openai/failure.ts';
import { RateLimit, ThrottledError } from '../../lambda/rate-limit.ts';
import { createClient, startProvider } from '../support/openai-client.ts';
import { rateLimit } from '../support/rate-limiter.ts';
import { startVirtualTime } from '../support/virtual-time.ts';
import { answers } from '../support/wire-faults.ts';

startVirtualTime();
const openai = await startProvider();

/** Starts over with this many running jobs, and returns their ids. */
function resetJobs(count: number): string[] {
  openai.reset(
    ...Array.from({ length: count }, (_, index) => simulatedJob({ id: `ftjob-${index}`, status: 'running' })),
  );
  return [...openai.jobs.keys()];
}

/** Cancels a hundred jobs at a provider with this rate limit and response time. */
async function cancelHundred(limit: ReturnType<typeof rateLimit>, answerMs: number) {
  const jobIds = resetJobs(100);
  let refusals = 0;
  let refusedAt = 0;
  let silentUntil = 0;
  let callsInSilence = 0;
  openai.faultFor = (call) => async (answer) => {
    // What was sent before the refusal arrived could not know of it.
    if (call.at > refusedAt && call.at < silentUntil) callsInSilence += 1;
    const refusal = limit();
    await sleep(answerMs);
    if (!refusal) return answer();
    refusals += 1;
    refusedAt = performance.now();
    silentUntil = Math.max(silentUntil, refusedAt + (askedWaitMs(new Headers(refusal.headers)) ?? 0));
    return refusal;
  };
  const client = createClient(openai, { remainingMs: 900_000 });
  const startedAt = performance.now();
  const cancelled = await pMap(jobIds, client.cancelJob, { concurrency: 100 });
  assert.ok(cancelled.every(({ outcome }) => outcome === 'cancelled'));
  assert.equal(callsInSilence, 0, 'nothing is sent in a silence that was asked for');
  return { seconds: (performance.now() - startedAt) / 1_000, accepted: openai.calls.length - refusals };
}

describe('a hundred cancels use at least 80 % of the rate limit', () => {
  for (const rate of [5, 10, 20]) {
    for (const header of ['retry-after-ms', 'retry-after', 'none'] as const) {
      for (const answerMs of [5, 200]) {
        test(`${rate} a second, ${header}, answers of ${answerMs} ms`, async () => {
          const { seconds, accepted } = await cancelHundred(rateLimit(rate, header), answerMs);
          // The bucket starts full, which does not count as throughput.
          const used = (accepted - rate) / (rate * seconds);
          assert.ok(used >= 0.8, `${used} with ${openai.calls.length - accepted} refusals`);
        });
      }
    }
  }

  test('after one pause of 5 seconds, calls go at full speed again', async () => {
    let count = 0;
    const refuseOnce = () => {
      count += 1;
      return count === 30 ? { status: 429, headers: { 'retry-after': '5' }, body: {} } : undefined;
    };
    const { seconds } = await cancelHundred(refuseOnce, 50);
    assert.ok(seconds > 5 && seconds < 8, `${seconds} s`);
  });
});

describe('under a limit of one call a second, looks do not starve their cancels', () => {
  for (const header of ['retry-after-ms', 'retry-after', 'none'] as const) {
    test(header, async () => {
      const limit = rateLimit(1, header);
      for (const count of [1, 6]) {
        const jobIds = resetJobs(count);
        openai.faultFor = () => (answer) => limit() ?? answer();
        const { cancelJob } = createClient(openai, { remainingMs: 900_000 });
        const startedAt = performance.now();
        const cancelled = await pMap(jobIds, cancelJob, { concurrency: 100 });
        assert.ok(cancelled.every(({ outcome }) => outcome === 'cancelled'));
        const seconds = (performance.now() - startedAt) / 1_000;
        assert.ok(seconds < 15 + count * 5, `${seconds} s`);
      }
    });
  }
});

test('rate-limited calls are repeated until accepted, which uses up no retries', async () => {
  resetJobs(1);
  const refusals = Array.from({ length: 6 }, () => answers(429, { 'retry-after-ms': '5' }));
  openai.fail('retrieve', [...refusals, answers(503), answers(429), answers(503), answers(500)]);
  assert.equal((await createClient(openai).retrieve('ftjob-0')).status, 'running');
  assert.equal(openai.calls.length, 11);
});

test('one refusal makes every other call wait too', async () => {
  resetJobs(3);
  openai.fail('retrieve', [answers(429, { 'retry-after-ms': '700' })]);
  const { retrieve, cancel } = createClient(openai);
  const first = retrieve('ftjob-0');
  await sleep(20);
  await Promise.all([first, retrieve('ftjob-1'), cancel('ftjob-2')]);
  const [refused = 0, ...others] = openai.calls.map(({ at }) => at);
  assert.equal(others.length, 3);
  for (const at of others) assert.ok(at - refused >= 700);
});

describe('a call fails with RateLimitError, and so does every other call, unsent', () => {
  const closings: [when: string, headers: Record<string, string>, remainingMs: number, minMs: number, maxMs: number][] =
    [
      ['at once if the wait exceeds the time left', { 'retry-after': '31' }, 30_000, 0, 100],
      ['after a minute in which nothing was accepted', {}, 900_000, 60_000, 100_000],
      ['a minute after the wait that was asked for', { 'retry-after': '120' }, 900_000, 180_000, 300_000],
      ['as soon as another wait would not fit', { 'retry-after': '1' }, 20_000, 5_000, 20_000],
    ];
  for (const [when, headers, remainingMs, minMs, maxMs] of closings) {
    test(when, async () => {
      openai.reset();
      openai.fail('retrieve', [answers(429, headers)], 'forever');
      const startedAt = performance.now();
      const { retrieve, cancel } = createClient(openai, { remainingMs });
      await assert.rejects(retrieve('ftjob-1'), { name: 'RateLimitError', message: /answered 429/ });
      const tookMs = performance.now() - startedAt;
      assert.ok(tookMs >= minMs && tookMs <= maxMs, `${tookMs} ms`);
      const sent = openai.calls.length;
      await assert.rejects(retrieve('ftjob-2'), { name: 'RateLimitError', message: /answered 429/ });
      assert.partialDeepStrictEqual(await cancel('ftjob-2'), { kind: 'failed', mayRetry: false });
      assert.equal(openai.calls.length, sent);
    });
  }

  test('also with 300 cancels, of which only those under way are sent', async () => {
    const jobIds = resetJobs(300);
    openai.fail('cancel', [answers(429, { 'retry-after': '60' })], 'forever');
    const { cancelJob } = createClient(openai);
    const errors = await pMap(jobIds, (id) => cancelJob(id).catch(({ name }) => name), { concurrency: 100 });
    assert.deepEqual(new Set(errors), new Set(['RateLimitError']));
    assert.ok(openai.times('cancel').length <= 100);
  });
});

describe('RateLimit', () => {
  const accepted = undefined;
  const refused = (askedMs = 0) => Object.assign(new ThrottledError(), { askedMs, mayRetry: false });
  const inTime = new AbortController().signal;

  /** A limit, and calls that take 20 ms each and are recorded. */
  function start(maxConcurrency = 100) {
    const startedAt = performance.now();
    const limit = new RateLimit(maxConcurrency, startedAt + 900_000);
    const times: number[] = [];
    const call = async (
      refusal: ThrottledError | undefined = accepted,
      { ms = 20, subject = 'list', isCancel = false } = {},
    ) => {
      const turn = async () => {
        times.push(Math.round(performance.now() - startedAt));
        await sleep(ms);
        if (refusal) throw refusal;
      };
      await limit.run(turn, { subject, isCancel, signal: inTime }).catch((error) => assert.equal(error, refusal));
    };
    const calls = (count: number, ...given: Parameters<typeof call>) =>
      Promise.all(Array.from({ length: count }, () => call(...given)));
    return { limit, call, calls, times };
  }
  const countOf = (times: number[], time = Number.NaN) => times.filter((at) => Math.abs(at - time) < 10).length;

  test('lets cancels go first, then refused calls', async () => {
    const { call } = start(1);
    await call(refused(), { subject: 'refused' });
    const order: string[] = [];
    const turns = [{ subject: 'new' }, { subject: 'refused' }, { subject: 'cancel', isCancel: true }];
    await Promise.all(turns.map((turn) => call(accepted, turn).then(() => order.push(turn.subject))));
    assert.deepEqual(order, ['cancel', 'refused', 'new']);
  });

  test('doubles its wait up to 30 seconds while nothing is accepted', async () => {
    const { call, times } = start();
    for (let count = 0; count < 9; count += 1) await call(refused());
    for (const [index, wanted] of [300, 600, 1_200, 2_400, 4_800, 9_600, 19_200, 30_000].entries()) {
      const waitMs = (times[index + 1] ?? 0) - (times[index] ?? 0) - 20;
      assert.ok(waitMs >= wanted && waitMs < wanted + 30, `${waitMs} ms in place of ${wanted} ms`);
    }
  });

  test('waits for the longer of two refusals that come together', async () => {
    for (const [first, second] of Object.entries({ 100: 900, 900: 100, 901: undefined })) {
      const { call, times } = start();
      await Promise.all([call(refused(Number(first))), call(refused(second), { ms: 25 })]);
      await call();
      assert.ok((times[2] ?? 0) >= 920);
    }
  });

  test('restarts with half as many at once, or as many as were accepted since the last refusal', async () => {
    for (const before of [10, 90]) {
      const { call, calls, times } = start();
      await calls(before);
      await call(refused(500));
      await calls(100);
      assert.equal(countOf(times, times[before + 1]), Math.min(before, 50));
    }
  });

  test('allows one more for every few that are accepted, up to the maximum', async () => {
    const { call, calls, times } = start(20);
    await call(refused(500));
    await calls(200);
    const counts = times.slice(1).map((at) => countOf(times, at));
    assert.deepEqual([counts[0], Math.max(...counts)], [1, 20]);
  });

  test('ignores calls that were under way when a refusal came, accepted or refused', async () => {
    const { call, calls, times } = start();
    await Promise.all([calls(20, accepted, { ms: 400 }), calls(8, refused(300)), call(refused(), { ms: 50 })]);
    await calls(3);
    const [first = 0, second = 0] = times.slice(29);
    assert.ok(first < 500, 'one refusal, no row of them');
    assert.ok(second - first >= 20, 'none was accepted since, so they go one by one');
  });

  test('survives a long row of refusals while some calls are accepted in between', async () => {
    const { limit, call } = start();
    for (let count = 0; count < 100; count += 1) {
      await call(refused(1_000));
      await call();
    }
    assert.equal(limit.isClosed, false);
  });
});
