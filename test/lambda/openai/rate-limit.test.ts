import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulatedJob } from '../../../infra/local/providers/simulated-job.ts';
import { type Curfew, startCurfew } from '../../support/curfew.ts';
import { rateLimit } from '../../support/rate-limiter.ts';
import { answers, quotaCodes, refuses } from '../../support/wire-faults.ts';

const noLimit = { cancelLimit: 'none' } as const;
const overdueJobs = (count: number) =>
  Array.from({ length: count }, (_, index) =>
    simulatedJob({ id: `ftjob-${index}`, status: 'running', ageMinutes: 400 + index }),
  );
const callsTo = (curfew: Curfew, endpoint: string) =>
  curfew.openai.calls.filter((call) => call.endpoint === endpoint);

describe('a sweep under a rate limit', { concurrency: true }, () => {
  test('loses no job, however often calls are refused', async () => {
    await using curfew = await startCurfew({ jobs: overdueJobs(150) });
    const limit = rateLimit(30);
    curfew.openai.faultFor = () => (answer) => limit() ?? answer();
    const result = await curfew.sweep(noLimit);
    assert.equal(result.cancelled, 150);
    assert.equal(result.failed, 0);
    assert.equal(result.complete, true);
  });

  test('keeps all calls away from the server until the time that it named', async () => {
    await using curfew = await startCurfew({ jobs: overdueJobs(20) });
    let isFirst = true;
    curfew.openai.faultFor = ({ endpoint }) => {
      if (endpoint !== 'cancel' || !isFirst) return undefined;
      isFirst = false;
      return answers(429, { 'retry-after-ms': '300' });
    };
    await curfew.sweep();
    const refusedAt = curfew.openai.calls.find(({ endpoint }) => endpoint === 'cancel')?.at ?? 0;
    // The 20 that went out together were in flight already.
    const later = curfew.openai.calls.slice(21);
    assert.equal(later.length, 1);
    for (const { at } of later) assert.ok(at - refusedAt >= 299);
  });

  test('names the rate limit for jobs that were never tried, even if calls in flight pass after the refusal', async () => {
    await using curfew = await startCurfew({ jobs: overdueJobs(150) });
    let cancels = 0;
    curfew.openai.faultFor = ({ endpoint }) => {
      if (endpoint !== 'cancel') return undefined;
      cancels += 1;
      return cancels === 1 ? answers(429, { 'retry-after': '3600' }) : undefined;
    };
    const { failed, cancelled, jobs } = await curfew.sweep({ cancelLimit: 150 });
    assert.equal(failed + cancelled, 150);
    assert.ok(failed > 0);
    for (const { error } of jobs.filter(({ outcome }) => outcome === 'failed')) {
      assert.equal(error?.name, 'RateLimitError');
    }
  });

  test('ends as soon as no wait fits into the time that is left, and ends the listing too', async () => {
    await using curfew = await startCurfew({ jobs: overdueJobs(150) });
    curfew.openai.faultFor = ({ endpoint }) =>
      endpoint === 'cancel' ? answers(429, { 'retry-after': '90' }) : undefined;
    const startedAt = performance.now();
    await assert.rejects(curfew.stopAll({}, { remainingMilliseconds: 60_000 }), { name: 'IncompleteError' });
    assert.ok(performance.now() - startedAt < 30_000);
  });
});

// By itself, because it computes a lot: what else is in this process would wait for longer than a call may take.
test('a sweep whose every cancel is asked to wait for longer than there is time sends only what was in flight before the refusal', async () => {
  await using curfew = await startCurfew({ jobs: overdueJobs(1_000) });
  curfew.openai.faultFor = ({ endpoint }) =>
    endpoint === 'cancel' ? answers(429, { 'retry-after': '60' }) : undefined;
  const { failed, jobs } = await curfew.sweep({ cancelLimit: 1_000 }, { remainingMilliseconds: 50_000 });
  assert.equal(failed, 1_000);
  for (const { error } of jobs) assert.equal(error?.name, 'RateLimitError');
  const cancels = callsTo(curfew, 'cancel').length;
  assert.ok(cancels <= 100);
  // One look for each cancel that was sent: only the job knows what became of it.
  assert.equal(callsTo(curfew, 'retrieve').length, cancels);
});

test('a sweep takes a pause for no pace: held up once for 3 seconds, 150 jobs at 50 a second take no half minute', async () => {
  await using curfew = await startCurfew({ jobs: overdueJobs(150) });
  const limit = rateLimit(50);
  let heldUpUntil: number | undefined;
  curfew.openai.faultFor = ({ endpoint, at }) => {
    if (endpoint !== 'cancel') return undefined;
    heldUpUntil ??= at + 3_000;
    const waitMilliseconds = Math.ceil(heldUpUntil - at);
    return waitMilliseconds > 0
      ? answers(429, { 'retry-after-ms': `${waitMilliseconds}` })
      : (answer) => limit() ?? answer();
  };
  const startedAt = performance.now();
  assert.equal((await curfew.sweep(noLimit)).cancelled, 150);
  // At the pace of the pause it would take minutes. What a loaded machine adds is not ours.
  assert.ok(performance.now() - startedAt < 30_000);
});

test('four refusals in a row end no call while there is time', async () => {
  await using curfew = await startCurfew({ jobs: overdueJobs(1) });
  const refusals = Array.from({ length: 5 }, () => answers(429, { 'retry-after-ms': '1' }));
  curfew.openai.faultFor = ({ endpoint }) => (endpoint === 'cancel' ? refusals.shift() : undefined);
  assert.equal((await curfew.cancel('ftjob-0')).outcome, 'cancelled');
  assert.equal(callsTo(curfew, 'cancel').length, 6);
});

test('a call that has to wait for its turn when the time is up ends at once, and holds up nothing', async (t) => {
  await using curfew = await startCurfew({ jobs: overdueJobs(30) });
  t.mock.method(Math, 'random', () => 0.5);
  // A limit that lets one call through every 300 ms: the gate spaces the others beyond the end of the time.
  const limit = rateLimit(3);
  curfew.openai.faultFor = ({ endpoint }) =>
    endpoint === 'cancel' ? (answer) => limit() ?? answer() : undefined;
  const startedAt = performance.now();
  const { cancelled, failed } = await curfew.sweep(noLimit, { remainingMilliseconds: 3_000 });
  assert.ok(performance.now() - startedAt < 3_000);
  assert.ok(cancelled >= 3 && failed > 0 && cancelled + failed === 30);
});

test('a failure that is no rate limit holds up no other call', async () => {
  await using curfew = await startCurfew({ jobs: overdueJobs(150) });
  curfew.openai.faultFor = ({ endpoint, jobId }) =>
    endpoint === 'cancel' && jobId === 'ftjob-0' && attemptsAt(jobId) === 1
      ? answers(503, { 'retry-after-ms': '5000' })
      : undefined;
  const attemptsAt = (jobId: string) => curfew.openai.calls.filter((call) => call.jobId === jobId).length;
  const result = await curfew.sweep(noLimit);
  assert.equal(result.cancelled, 150);
  const last = curfew.openai.calls.at(-1);
  assert.equal(last?.jobId, 'ftjob-0');
  const others = curfew.openai.calls.slice(0, -1);
  for (const { at } of others) assert.ok(at < last.at);
});

describe('codes of a 429 that no waiting cures are QuotaError after one attempt', { concurrency: 8 }, () => {
  for (const code of quotaCodes) {
    for (const error of [
      { code, type: 'requests' },
      { code: null, type: code },
      { code: 'other', type: code },
    ]) {
      test(JSON.stringify(error), async () => {
        await using curfew = await startCurfew({ jobs: overdueJobs(1) });
        curfew.openai.faultFor = () => refuses(429, error);
        await assert.rejects(curfew.cancel('ftjob-0'), { name: 'QuotaError', message: /billing/ });
        assert.equal(curfew.openai.calls.length, 1);
      });
    }
  }
});
