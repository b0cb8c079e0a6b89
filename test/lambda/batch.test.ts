import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulatedJob } from '../../infra/local/providers/simulated-job.ts';
import type { Fault } from '../../infra/local/providers/simulator.ts';
import type { CancelAnswer, QueueAnswer } from '../../lambda/contract.ts';
import { apiKey, type Curfew, endpoints, startCurfew } from '../support/curfew.ts';
import { queueEvent } from '../support/envelopes.ts';
import { answers, late } from '../support/wire-faults.ts';

const ids = Array.from({ length: 10 }, (_, index) => `ftjob-${index}`);
const jobs = () => ids.map((id) => simulatedJob({ id, status: 'running', ageMinutes: 5 }));
const tenCancels = () => queueEvent(...ids.map((jobId) => ({ jobId })));
const send = async (curfew: Curfew, event: object, remainingMilliseconds?: number) =>
  (await curfew.invoke(event, remainingMilliseconds)) as QueueAnswer<CancelAnswer>;
const errorNames = ({ results }: QueueAnswer<CancelAnswer>) =>
  new Set(results.map((one) => ('error' in one ? one.error.name : one.result.outcome)));

describe('messages of a FIFO queue', () => {
  const fifoEvent = (...requests: object[]) => {
    const { Records } = queueEvent(...requests);
    return {
      Records: Records.map((record) => ({ ...record, eventSourceARN: `${record.eventSourceARN}.fifo` })),
    };
  };

  test('are carried out one after the other: a sweep heeds the extension before it', async () => {
    await using curfew = await startCurfew({
      jobs: [simulatedJob({ id: 'ftjob-1', status: 'running', ageMinutes: 400 })],
    });
    const extend = { jobId: 'ftjob-1', minutes: 60 };
    const { batchItemFailures } = await send(curfew, fifoEvent({ extend }, { sweep: {} }));
    assert.deepEqual(batchItemFailures, []);
    assert.equal(curfew.openai.jobs.get('ftjob-1')?.status, 'running');
  });

  test('that follow one that failed come back with it, and are not carried out', async () => {
    await using curfew = await startCurfew({ jobs: jobs() });
    const answer = await send(curfew, fifoEvent({ list: {} }, { jobId: 'ftjob-none' }, { jobId: 'ftjob-1' }));
    assert.deepEqual(answer.batchItemFailures, [
      { itemIdentifier: 'message-1' },
      { itemIdentifier: 'message-2' },
    ]);
    assert.deepEqual(endpoints(curfew.openai), ['list', 'retrieve']);
  });
});

test('a message that does not say which queue it comes from is carried out', async () => {
  await using curfew = await startCurfew({ jobs: jobs() });
  const { Records } = queueEvent({ jobId: 'ftjob-1' });
  const event = { Records: Records.map(({ eventSourceARN: _, ...record }) => record) };
  assert.deepEqual((await send(curfew, event)).batchItemFailures, []);
  assert.equal(curfew.openai.jobs.get('ftjob-1')?.status, 'cancelled');
});

describe('records of a batch with equal requests', () => {
  test('share one cancel: one call, one event, one line, one count', async () => {
    await using curfew = await startCurfew({ jobs: jobs() });
    const request = { jobId: 'ftjob-1', requestedBy: 'alice' };
    const reordered = { requestedBy: 'alice', jobId: 'ftjob-1' };
    const spelledOut = { ...request, dryRun: false };
    const { batchItemFailures, results } = await send(curfew, queueEvent(request, reordered, spelledOut));
    assert.deepEqual(batchItemFailures, []);
    assert.equal(results.length, 3);
    for (const one of results) assert.equal('result' in one && one.result.outcome, 'cancelled');
    assert.deepEqual(endpoints(curfew.openai), ['retrieve', 'cancel']);
    assert.equal(curfew.aws.events.length, 1);
    assert.equal(curfew.logLines.length, 1);
    assert.deepEqual(
      curfew.metricDocuments.map(({ Cancelled }) => Cancelled),
      [1],
    );
  });

  test('share one sweep', async () => {
    await using curfew = await startCurfew({ jobs: jobs() });
    await send(curfew, queueEvent({ sweep: { timeBudgetMinutes: 0 } }, { sweep: { timeBudgetMinutes: 0 } }));
    assert.equal(endpoints(curfew.openai).filter((endpoint) => endpoint === 'list').length, 1);
    assert.equal(curfew.aws.events.length, 10);
  });

  test('share a failure, and all come back', async () => {
    await using curfew = await startCurfew({ jobs: jobs() });
    const answer = await send(curfew, queueEvent({ jobId: 'ftjob-none' }, { jobId: 'ftjob-none' }));
    assert.equal(answer.batchItemFailures.length, 2);
    assert.deepEqual(endpoints(curfew.openai), ['retrieve']);
  });

  test('share nothing with requests that differ in anything', async () => {
    await using curfew = await startCurfew({ jobs: jobs() });
    const requests = [
      { jobId: 'ftjob-1', dryRun: true },
      { jobId: 'ftjob-1', dryRun: true, requestedBy: 'alice' },
      { jobId: 'ftjob-2', dryRun: true },
    ];
    await send(curfew, queueEvent(...requests));
    assert.equal(endpoints(curfew.openai).filter((endpoint) => endpoint === 'retrieve').length, 3);
    assert.equal(curfew.aws.events.length, 3);
  });

  test('share nothing with the next batch', async () => {
    await using curfew = await startCurfew({ jobs: jobs() });
    await send(curfew, queueEvent({ jobId: 'ftjob-1' }));
    await send(curfew, queueEvent({ jobId: 'ftjob-1' }));
    assert.deepEqual(endpoints(curfew.openai), ['retrieve', 'cancel', 'retrieve']);
  });
});

test('records of a batch are handled a few at a time, and their events published together', async () => {
  await using curfew = await startCurfew({ jobs: jobs() });
  let underWay = 0;
  let most = 0;
  const slowly: Fault = async (answer, response) => {
    underWay += 1;
    most = Math.max(most, underWay);
    const given = await late(50)(answer, response);
    underWay -= 1;
    return given ?? answer();
  };
  curfew.openai.faultFor = () => slowly;
  assert.deepEqual(errorNames(await send(curfew, tenCancels())), new Set(['cancelled']));
  assert.ok(most > 1 && most <= 5, `${most} at once`);
  assert.deepEqual(curfew.aws.batchSizes, [10]);
});

describe('records of a batch share what the invocation knows', () => {
  test('no call is sent in the silence that a refusal (429) asks for', async () => {
    await using curfew = await startCurfew({ jobs: jobs() });
    const silenceMilliseconds = 1_000;
    let refusedAt: number | undefined;
    curfew.openai.faultFor = ({ at }) => {
      refusedAt ??= at;
      const isSilence = at < refusedAt + silenceMilliseconds;
      return isSilence ? answers(429, { 'retry-after-ms': String(silenceMilliseconds) }) : undefined;
    };
    const answer = await send(curfew, tenCancels());
    assert.deepEqual(errorNames(answer), new Set(['cancelled']));
    const inSilence = curfew.openai.calls.filter(
      // Calls that were under way when the first refusal was sent could not know of it.
      ({ at }) => at > (refusedAt ?? 0) + 300 && at < (refusedAt ?? 0) + silenceMilliseconds,
    );
    assert.deepEqual(inSilence, []);
  });

  test('a key that is refused is read once, and once more', async () => {
    await using curfew = await startCurfew({ jobs: jobs(), secret: { SecretString: 'sk-refused' } });
    const answer = await send(curfew, tenCancels());
    assert.deepEqual(errorNames(answer), new Set(['AuthenticationError']));
    assert.equal(answer.batchItemFailures.length, 10);
    assert.equal(curfew.aws.secretReads.length, 2);
  });

  test('a key that was rotated is read once more, and all succeed', async () => {
    await using curfew = await startCurfew({ jobs: jobs() });
    await curfew.list();
    curfew.openai.apiKeys = new Set(['sk-rotated']);
    curfew.aws.secret = { SecretString: 'sk-rotated' };
    assert.deepEqual(errorNames(await send(curfew, tenCancels())), new Set(['cancelled']));
    assert.equal(curfew.aws.secretReads.length, 2);
  });

  test('the projects, which are read once', async () => {
    await using curfew = await startCurfew({ jobs: jobs(), projects: { research: {}, production: {} } });
    assert.deepEqual(errorNames(await send(curfew, tenCancels())), new Set(['cancelled']));
    assert.equal(curfew.aws.parameterReads, 1);
    assert.deepEqual(curfew.aws.secretReads, ['openai/api-key']);
  });
});

test('each record that fails is a line in the log and a count, unless the caller is at fault', async () => {
  await using curfew = await startCurfew({ jobs: jobs() });
  curfew.openai.faultFor = ({ jobId }) => (jobId === 'ftjob-1' ? answers(400) : undefined);
  const requests = [{ jobId: 'ftjob-1' }, { jobId: 'ftjob-none' }, 'no request', { jobId: 'ftjob-2' }];
  await send(curfew, queueEvent(...requests));
  const errors = curfew.logLines.filter(({ level }) => level === 'ERROR');
  assert.equal(errors.length, 3);
  assert.deepEqual(
    curfew.metricDocuments.flatMap(({ Errors }) => Errors ?? []),
    [1],
  );
});

test('a key is never in what comes of a batch', async () => {
  await using curfew = await startCurfew({ jobs: jobs() });
  curfew.openai.faultFor = ({ jobId }) => (jobId === 'ftjob-1' ? answers(401) : undefined);
  const answer = await send(curfew, tenCancels());
  const all = JSON.stringify([answer, curfew.logLines, curfew.metricDocuments, curfew.aws.events]);
  assert.ok(!all.includes(apiKey));
});
