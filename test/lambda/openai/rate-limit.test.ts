import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulatedJob } from '../../../infra/local/simulated-job.ts';
import { startCurfew } from '../../support/curfew.ts';
import { rateLimit } from '../../support/rate-limiter.ts';
import { answers } from '../../support/wire-faults.ts';

const overdueJobs = (count: number) =>
  Array.from({ length: count }, (_, index) =>
    simulatedJob({ id: `ftjob-${index}`, status: 'running', ageMinutes: 400 + index }),
  );

describe('a sweep under a rate limit', { concurrency: true }, () => {
  test('loses no job, however often calls are refused', async () => {
    await using curfew = await startCurfew({ jobs: overdueJobs(150) });
    const limit = rateLimit(30);
    curfew.openai.faultFor = () => (answer) => limit() ?? answer();
    const result = await curfew.sweep();
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
    // The 20 that went out together were on the way already.
    const later = curfew.openai.calls.slice(21);
    assert.equal(later.length, 1);
    for (const { at } of later) assert.ok(at - refusedAt >= 299);
  });

  test('that asks one call to wait for too long fails that call alone', async () => {
    await using curfew = await startCurfew({ jobs: overdueJobs(150) });
    curfew.openai.faultFor = ({ endpoint, jobId }) =>
      endpoint === 'cancel' && jobId === 'ftjob-0' ? answers(429, { 'retry-after': '3600' }) : undefined;
    const result = await curfew.sweep();
    assert.equal(result.failed, 1);
    assert.equal(result.cancelled, 149);
  });

  test('that lets nobody through ends: every job is told as RateLimitError', async () => {
    await using curfew = await startCurfew({ jobs: overdueJobs(120) });
    curfew.openai.faultFor = ({ endpoint }) =>
      endpoint === 'cancel' ? answers(429, { 'retry-after-ms': '20' }) : undefined;
    const result = await curfew.sweep();
    assert.equal(result.failed, 120);
    for (const { error } of result.jobs) assert.equal(error?.name, 'RateLimitError');
  });

  test('that lets nobody through, but gives way to another failure in between, is waited for again', async () => {
    await using curfew = await startCurfew({ jobs: overdueJobs(1) });
    const statuses = [429, 429, 429, 500, 429];
    curfew.openai.faultFor = () => {
      const status = statuses.shift();
      return status === undefined ? undefined : answers(status, { 'retry-after-ms': '1' });
    };
    assert.equal((await curfew.cancel('ftjob-0')).outcome, 'cancelled');
  });

  test('whose wait is longer than the time left ends at once, for the next page too, which only queued', async () => {
    await using curfew = await startCurfew({ jobs: overdueJobs(150) });
    curfew.openai.faultFor = ({ endpoint }) =>
      endpoint === 'cancel' ? answers(429, { 'retry-after': '25' }) : undefined;
    const startedAt = performance.now();
    await assert.rejects(curfew.sweep({}, { remainingMilliseconds: 20_000 }), {
      name: 'RateLimitError',
      message: /list the fine-tuning jobs.*answered 429/,
    });
    assert.ok(performance.now() - startedAt < 10_000);
    const swept = curfew.logLines.find((line) => 'inspected' in line);
    assert.equal(swept?.['failed'], 100);
  });
});

test('a failure that is no rate limit holds up no other call', async () => {
  await using curfew = await startCurfew({ jobs: overdueJobs(150) });
  curfew.openai.faultFor = ({ endpoint, jobId }) =>
    endpoint === 'cancel' && jobId === 'ftjob-0' && attemptsAt(jobId) === 1
      ? answers(503, { 'retry-after-ms': '1000' })
      : undefined;
  const attemptsAt = (jobId: string) => curfew.openai.calls.filter((call) => call.jobId === jobId).length;
  const result = await curfew.sweep();
  assert.equal(result.cancelled, 150);
  const [{ at: startedAt } = { at: Number.NaN }] = curfew.openai.calls;
  const last = curfew.openai.calls.at(-1);
  assert.equal(last?.jobId, 'ftjob-0');
  assert.ok(last.at - startedAt >= 999);
  const others = curfew.openai.calls.slice(0, -1);
  for (const { at } of others) assert.ok(at - startedAt < 999);
});
