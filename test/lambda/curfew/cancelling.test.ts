import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import waitFor from 'p-wait-for';
import { simulatedJob } from '../../../infra/local/providers/simulated-job.ts';
import { type Curfew, type CurfewOptions, startCurfew } from '../../support/curfew.ts';

const nowSeconds = () => Math.floor(Date.now() / 1000);
const events = ({ aws }: Curfew) => aws.events.map(({ detail }) => detail['outcome']);
const stuck = ({ metricDocuments }: Curfew) => metricDocuments.at(-1)?.['StuckCancelling'];

/** A curfew over one overdue job, whose cancels are accepted and take effect only once `finishes` says so. */
async function startSlowToCancel(options: CurfewOptions = {}) {
  const job = simulatedJob({ id: 'ftjob-1', status: 'running', ageMinutes: 400 });
  const curfew = await startCurfew({ jobs: [job], ...options });
  const provider = { finishes: false };
  curfew.openai.faultFor = ({ endpoint }) => {
    if (endpoint !== 'cancel' || provider.finishes) return undefined;
    return () => ({ status: 200, body: job });
  };
  return { curfew, provider };
}

/** From the first cancel on, the table fares like this. */
function failsToNote(curfew: Curfew, health: Curfew['aws']['table']['health']): void {
  const { faultFor } = curfew.openai;
  curfew.openai.faultFor = (call) => {
    if (call.endpoint === 'cancel') curfew.aws.table.health = health;
    return faultFor(call);
  };
}

describe('a job that a sweep leaves cancelling', () => {
  test('counts as cancelled, with the status that it still has', async () => {
    const { curfew } = await startSlowToCancel();
    await using _ = curfew;
    const { cancelled, jobs } = await curfew.sweep();
    assert.equal(cancelled, 1);
    assert.deepEqual([jobs[0]?.outcome, jobs[0]?.finalStatus], ['cancelling', 'running']);
  });

  test('is published once, however many sweeps find it, and not again when it is cancelled at last', async () => {
    const { curfew, provider } = await startSlowToCancel();
    await using _ = curfew;
    await curfew.sweep();
    assert.deepEqual(events(curfew), ['cancelling']);
    const since = curfew.aws.table.rows.get('ftjob-1')?.['cancellingSince'];
    assert.ok(Number(since) <= nowSeconds() && Number(since) > nowSeconds() - 60);
    const second = await curfew.sweep();
    assert.equal(second.cancelled, 1, 'and is asked to cancel again');
    provider.finishes = true;
    assert.equal((await curfew.sweep()).jobs[0]?.outcome, 'cancelled');
    assert.deepEqual(events(curfew), ['cancelling']);
  });

  test('is published once by two sweeps at once', async () => {
    const { curfew } = await startSlowToCancel();
    await using _ = curfew;
    await Promise.all([curfew.sweep(), curfew.sweep()]);
    assert.deepEqual(events(curfew), ['cancelling']);
  });

  test('is published by the next sweep if the event bus was down', async () => {
    const { curfew } = await startSlowToCancel();
    await using _ = curfew;
    curfew.aws.eventBus = 'down';
    await curfew.sweep();
    assert.equal(curfew.aws.table.rows.get('ftjob-1')?.['cancellingSince'], undefined);
    curfew.aws.eventBus = 'up';
    await curfew.sweep();
    assert.deepEqual(events(curfew), ['cancelling']);
  });

  test('is answered in time even if the bus is down and then the table is silent', async () => {
    const { curfew } = await startSlowToCancel();
    await using _ = curfew;
    curfew.aws.eventBus = 'silent';
    const sweeping = curfew.sweep({}, { remainingMilliseconds: 8_000 });
    await waitFor(() => curfew.aws.table.rows.get('ftjob-1')?.['cancellingSince'] !== undefined);
    curfew.aws.table.health = 'silent';
    assert.equal((await sweeping).cancelled, 1);
    const errors = curfew.logLines.filter(({ level }) => level === 'ERROR').map(({ message }) => message);
    assert.deepEqual(errors, [
      'No event could be published for ftjob-1 (AbortError). What was decided holds.',
      "ftjob-1: The table of extensions could not be written (AbortError). Try again; if it persists, check the table and the function's role.",
    ]);
  });

  test('is published in time even if the table is silent when that is to be noted', async () => {
    const { curfew } = await startSlowToCancel();
    await using _ = curfew;
    failsToNote(curfew, 'silent');
    assert.equal((await curfew.sweep({}, { remainingMilliseconds: 8_000 })).cancelled, 1);
    assert.deepEqual(events(curfew), ['cancelling']);
  });

  test('is published as what a dry run would cancel', async () => {
    const { curfew } = await startSlowToCancel();
    await using _ = curfew;
    await curfew.sweep();
    await curfew.sweep({ dryRun: true });
    assert.deepEqual(events(curfew), ['cancelling', 'would_cancel']);
  });

  test('is published even if the answer of the table is lost', async () => {
    const { curfew } = await startSlowToCancel();
    await using _ = curfew;
    curfew.aws.table.answersToLose = 1;
    await curfew.sweep();
    await curfew.sweep();
    assert.deepEqual(events(curfew), ['cancelling']);
  });

  test('adds to the metric of cancellations once', async () => {
    const { curfew } = await startSlowToCancel();
    await using _ = curfew;
    await curfew.sweep();
    await curfew.sweep();
    assert.deepEqual(
      curfew.metricDocuments.map((document) => document['Cancelled']),
      [1, 0],
    );
  });

  test('is forgotten once it is extended', async () => {
    const { curfew } = await startSlowToCancel();
    await using _ = curfew;
    await curfew.sweep();
    await curfew.extend('ftjob-1', 60);
    assert.equal(curfew.aws.table.rows.get('ftjob-1')?.['cancellingSince'], undefined);
  });

  test('is published even if that cannot be noted, with a warning', async () => {
    const { curfew } = await startSlowToCancel();
    await using _ = curfew;
    failsToNote(curfew, 'denied');
    const { cancelled, failed } = await curfew.sweep();
    assert.deepEqual([cancelled, failed], [1, 0]);
    assert.deepEqual(events(curfew), ['cancelling']);
    const warnings = curfew.logLines.filter(({ level }) => level === 'WARN');
    assert.match(
      String(warnings[0]?.['message']),
      /^ftjob-1: The table of extensions could not be written \(AccessDeniedException\)/,
    );
  });

  for (const [seconds, count] of [
    [3_540, 0],
    [3_600, 1],
  ] as const) {
    test(`is ${count ? '' : 'not yet '}stuck after ${seconds} seconds`, async () => {
      const { curfew } = await startSlowToCancel();
      await using _ = curfew;
      const cancellingSince = nowSeconds() - seconds;
      curfew.aws.table.rows.set('ftjob-1', { jobId: 'ftjob-1', cancellingSince });
      await curfew.sweep();
      assert.equal(stuck(curfew), count);
    });
  }

  test('is stuck after an hour even if the provider refuses another cancel', async () => {
    const { curfew } = await startSlowToCancel();
    await using _ = curfew;
    curfew.aws.table.rows.set('ftjob-1', { jobId: 'ftjob-1', cancellingSince: nowSeconds() - 4_000 });
    curfew.openai.faultFor = ({ endpoint }) =>
      endpoint === 'cancel' ? () => ({ status: 400, body: {} }) : undefined;
    assert.equal((await curfew.sweep()).failed, 1);
    assert.equal(stuck(curfew), 1);
  });

  test('is not held back by the limit with others that are new', async () => {
    const { curfew } = await startSlowToCancel({ settings: { cancelLimit: 1 } });
    await using _ = curfew;
    await curfew.sweep();
    for (const id of ['ftjob-2', 'ftjob-3']) {
      curfew.openai.jobs.set(id, simulatedJob({ id, status: 'running', ageMinutes: 400 }));
    }
    const { cancelled, heldBack } = await curfew.sweep();
    assert.deepEqual([cancelled, heldBack], [1, 2]);
  });
});

test('a job that is cancelled at once leaves nothing in the table', async () => {
  await using curfew = await startCurfew({ jobs: [simulatedJob({ status: 'running', ageMinutes: 400 })] });
  await curfew.sweep();
  assert.equal(curfew.aws.table.writes, 0);
});
