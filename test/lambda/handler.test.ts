import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { eventually } from '../../infra/local/aws/eventually.ts';
import { startAwsStub } from '../../infra/local/aws/stub/server.ts';
import { simulatedJob } from '../../infra/local/providers/simulated-job.ts';
import { type Fault, startFineTuningSimulator } from '../../infra/local/providers/simulator.ts';
import type { CancelAnswer, QueueAnswer } from '../../lambda/contract.ts';
import { apiKey, type Curfew, endpoints, environmentWith, startCurfew } from '../support/curfew.ts';
import { alarmMessage, busEvent, queueEvent, topicEvent } from '../support/envelopes.ts';
import { lambdaContext } from '../support/lambda-context.ts';
import { answers, late, noAnswer, says } from '../support/wire-faults.ts';

const running = (id: string, ageMinutes: number) => simulatedJob({ id, status: 'running', ageMinutes });
/** The status in the answer to a cancel. */
const cancelAnswers =
  (status: string): Curfew['openai']['faultFor'] =>
  ({ endpoint, jobId }) =>
    endpoint === 'cancel' ? says({ ...running(jobId ?? '', 400), status }) : undefined;
const failingCancelOf =
  (id: string): Curfew['openai']['faultFor'] =>
  ({ endpoint, jobId }) =>
    endpoint === 'cancel' && jobId === id ? answers(400) : undefined;
const statusOf = ({ openai }: Curfew, id: string) => openai.jobs.get(id)?.status;
const rowOf = ({ aws }: Curfew, id: string) => aws.table.rows.get(id);
const publishedIds = ({ aws }: Curfew) => aws.events.map(({ detail }) => detail['jobId']).toSorted();
const metricsOf = ({ metricDocuments }: Curfew, name: string) => metricDocuments.flatMap((one) => one[name] ?? []);
const iso = (seconds: number) => new Date(seconds * 1000).toISOString();

describe('each request gets its answer', () => {
  test('a cancel, which needs no table', async () => {
    await using curfew = await startCurfew({ jobs: [running('ftjob-1', 5)] });
    curfew.aws.table.health = 'down';
    const cancelled = { outcome: 'cancelled', initialStatus: 'running', finalStatus: 'cancelled' };
    assert.deepEqual(await curfew.cancel('ftjob-1', { requestedBy: 'alice' }), { jobId: 'ftjob-1', ...cancelled });
    assert.deepEqual(endpoints(curfew.openai), ['retrieve', 'cancel']);
    assert.equal(curfew.openai.calls[0]?.headers.authorization, `Bearer ${apiKey}`);
    assert.deepEqual(
      curfew.logLines.map((line) => [line['outcome'], line['requestedBy'], line['function_request_id']]),
      [['cancelled', 'alice', 'request-1']],
    );
    assert.partialDeepStrictEqual(curfew.aws.events, [
      { bus: 'default', detail: { curfew: 'fine-tuning-curfew', outcome: 'cancelled', requestedBy: 'alice' } },
    ]);
    assert.deepEqual(metricsOf(curfew, 'Cancelled'), [1]);
    assert.deepEqual([curfew.aws.table.reads, curfew.aws.table.writes], [0, 0]);
  });

  test('a sweep, which warns about jobs near their deadline, notes waiting ones and cancels overdue ones', async () => {
    const jobs = [running('ftjob-1', 400), running('ftjob-2', 350), simulatedJob({ id: 'ftjob-3', status: 'queued' })];
    await using curfew = await startCurfew({ jobs, settings: { name: 'my-curfew', eventBusName: 'our-bus' } });
    const { inspected, overdue, cancelled, jobs: entries } = await curfew.sweep({}, { requestedBy: 'rule' });
    assert.deepEqual([inspected, overdue, cancelled, entries[0]?.jobId], [3, 1, 1, 'ftjob-1']);
    assert.equal(rowOf(curfew, 'ftjob-2')?.['warnedFor'], (jobs[1]?.created_at ?? 0) + 360 * 60);
    const lastWaiting = Number(rowOf(curfew, 'ftjob-3')?.['lastWaiting']);
    assert.ok(Number.isInteger(lastWaiting) && Math.abs(lastWaiting - Date.now() / 1000) < 10);
    assert.deepEqual(publishedIds(curfew), ['ftjob-1', 'ftjob-2']);
    for (const { bus, detail } of curfew.aws.events) {
      assert.deepEqual([bus, detail['curfew'], detail['requestedBy']], ['our-bus', 'my-curfew', 'rule']);
    }
    assert.partialDeepStrictEqual(curfew.metricDocuments, [{ service: 'my-curfew', Overdue: 1, Cancelled: 1 }]);
  });

  test('a stop-all, which needs no table', async () => {
    await using curfew = await startCurfew({ jobs: [running('ftjob-1', 5)], settings: { dryRun: true } });
    curfew.aws.table.health = 'down';
    assert.partialDeepStrictEqual(await curfew.stopAll(), { complete: true, dryRun: false, cancelled: 1 });
    assert.deepEqual(publishedIds(curfew), ['ftjob-1']);
    assert.deepEqual([curfew.aws.table.reads, curfew.aws.table.writes], [0, 0]);
  });

  test('a list, which writes nothing', async () => {
    await using curfew = await startCurfew({ jobs: [running('ftjob-1', 5)] });
    const { complete, jobs } = await curfew.list();
    assert.deepEqual([complete, jobs.map(({ jobId }) => jobId)], [true, ['ftjob-1']]);
    assert.deepEqual([curfew.aws.table.writes, curfew.aws.batchSizes, curfew.metricDocuments], [0, [], []]);
    assert.equal(curfew.logLines.at(-1)?.['message'], 'Listed 1 job.');
  });

  test('an extension, which the next sweep respects', async () => {
    const job = running('ftjob-1', 355);
    await using curfew = await startCurfew({ jobs: [job] });
    const { deadline, ...answer } = await curfew.extend('ftjob-1', 60, { requestedBy: 'alice' });
    const previousDeadline = iso(job.created_at + 360 * 60);
    assert.deepEqual(answer, { jobId: 'ftjob-1', status: 'running', previousDeadline });
    const row = rowOf(curfew, 'ftjob-1');
    assert.deepEqual([row?.['extendedBy'], deadline], ['alice', iso(Number(row?.['extendedUntil']))]);
    assert.equal((await curfew.sweep({ timeBudgetMinutes: 1 })).overdue, 0);
  });
});

test('with `projects`, answers name them, and a request may select one', async () => {
  await using curfew = await startCurfew({
    jobs: [running('ftjob-1', 5)],
    projects: { research: {}, broken: { secretName: 'broken' } },
    secrets: { broken: { SecretString: '' } },
  });
  const { complete, projects, failedProjects, jobs } = await curfew.list();
  assert.deepEqual([complete, projects, jobs[0]?.project], [false, 1, 'research']);
  assert.deepEqual([failedProjects?.[0]?.project, failedProjects?.[0]?.error.name], ['broken', 'ApiKeyError']);

  curfew.aws.secretReads.length = 0;
  assert.equal((await curfew.sweep({ project: 'research' })).complete, true);
  await assert.rejects(curfew.list({ project: 'broken' }), { name: 'ApiKeyError' });
  await assert.rejects(curfew.list({ project: 'theirs' }), { name: 'InvalidRequestError' });
  const theirs = busEvent({ jobId: 'ftjob-1', project: 'theirs' });
  assert.equal(((await curfew.invoke(theirs)) as CancelAnswer).project, 'research');
  assert.equal(curfew.aws.parameterReads, 1);
  assert.ok(!curfew.aws.secretReads.includes('openai/api-key'), 'it is kept');
});

test('an invalid request is refused before any call is made', async () => {
  await using curfew = await startCurfew({ projects: { research: {} } });
  for (const event of [null, { jobId: 7 }]) await assert.rejects(curfew.invoke(event), { name: 'InvalidRequestError' });
  const { secretReads, parameterReads, batchSizes, table } = curfew.aws;
  assert.deepEqual([curfew.openai.calls, secretReads, batchSizes], [[], [], []]);
  assert.deepEqual([parameterReads, table.reads, table.writes], [0, 0, 0]);
});

test('requestedBy defaults to the service that delivered the request', async () => {
  await using curfew = await startCurfew({ jobs: [running('ftjob-1', 5)] });
  const request = { jobId: 'ftjob-1', dryRun: true };
  const byAlice = { ...request, requestedBy: 'alice' };
  const events = [request, queueEvent(request), topicEvent(request), busEvent(request), byAlice, queueEvent(byAlice)];
  for (const event of events) await curfew.invoke(event);
  const askers = ['direct', 'sqs', 'sns', 'eventbridge', 'alice', 'alice'];
  assert.deepEqual(
    curfew.aws.events.map(({ detail }) => detail['requestedBy']),
    askers,
  );
  assert.deepEqual(
    curfew.logLines.map(({ requestedBy }) => requestedBy),
    askers,
  );
});

describe('records of a batch', () => {
  const ids = Array.from({ length: 10 }, (_, index) => `ftjob-${index}`);
  const start = (options = {}) => startCurfew({ jobs: ids.map((id) => running(id, 5)), ...options });
  const send = async (curfew: Curfew, event: object) => (await curfew.invoke(event)) as QueueAnswer<CancelAnswer>;
  const tenCancels = queueEvent(...ids.map((jobId) => ({ jobId })));
  const outcomes = ({ results }: QueueAnswer<CancelAnswer>) =>
    results.map((one) => ('error' in one ? one.error.name : one.result.outcome));

  test('with equal requests share one answer: one call, one event, one log line, one count', async () => {
    await using curfew = await start();
    const request = { jobId: 'ftjob-1', requestedBy: 'alice' };
    const reordered = { requestedBy: 'alice', jobId: 'ftjob-1' };
    const answer = await send(curfew, queueEvent(request, reordered, { ...request, dryRun: false }));
    assert.deepEqual(outcomes(answer), ['cancelled', 'cancelled', 'cancelled']);
    assert.deepEqual(endpoints(curfew.openai), ['retrieve', 'cancel']);
    assert.deepEqual([curfew.aws.events.length, curfew.logLines.length], [1, 1]);
    assert.deepEqual(metricsOf(curfew, 'Cancelled'), [1]);
    const failed = await send(curfew, queueEvent({ jobId: 'ftjob-none' }, { jobId: 'ftjob-none' }));
    assert.deepEqual(outcomes(failed), ['JobNotFoundError', 'JobNotFoundError']);
    assert.equal(endpoints(curfew.openai).length, 3);
  });

  test('with different requests share nothing, and neither do two batches', async () => {
    await using curfew = await start();
    const request = { jobId: 'ftjob-1', dryRun: true };
    await send(curfew, queueEvent(request, { ...request, requestedBy: 'alice' }, { ...request, jobId: 'ftjob-2' }));
    await send(curfew, queueEvent(request));
    assert.equal(endpoints(curfew.openai).length, 4);
  });

  test('are carried out five at a time', async () => {
    await using curfew = await start();
    let underWay = 0;
    let most = 0;
    const slowly: Fault = async (answer, response) => {
      most = Math.max(most, ++underWay);
      const given = await late(50)(answer, response);
      underWay -= 1;
      return given ?? answer();
    };
    curfew.openai.faultFor = () => slowly;
    assert.deepEqual(new Set(outcomes(await send(curfew, tenCancels))), new Set(['cancelled']));
    assert.equal(most, 5);
  });

  test('share projects, each with one rate limit, and keys', async () => {
    const secret = { SecretString: 'sk-refused' };
    await using curfew = await start({ secret, projects: { research: {} } });
    assert.deepEqual(new Set(outcomes(await send(curfew, tenCancels))), new Set(['AuthenticationError']));
    assert.deepEqual([curfew.aws.secretReads.length, curfew.aws.parameterReads], [2, 1]);
  });
});

describe('a request that leaves something undone', () => {
  const topic = 'arn:aws:sns:us-east-1:123456789012:over-budget';
  const sweep = { sweep: {} };
  const start = async (settings: object) => {
    const jobs = ['ftjob-1', 'ftjob-2'].map((id) => running(id, 400));
    const curfew = await startCurfew({ jobs, stopAllTopics: [topic], settings });
    curfew.openai.faultFor = failingCancelOf('ftjob-2');
    return curfew;
  };

  const fails: [name: string, event: object, settings: object][] = [
    ['a sweep in an envelope', topicEvent(sweep), {}],
    ['a stop-all by a topic', topicEvent(alarmMessage('ALARM'), topic), { dryRun: true }],
    ['a stop-all by a direct caller', { stopAll: {} }, {}],
  ];
  for (const [name, event, settings] of fails) {
    test(`${name} fails`, async () => {
      await using curfew = await start(settings);
      const message = /cancelled 1 of 2 .*: 1 could not be cancelled \(ftjob-2\)\./;
      await assert.rejects(curfew.invoke(event), { name: 'IncompleteError', message });
      assert.deepEqual([statusOf(curfew, 'ftjob-1'), metricsOf(curfew, 'Errors')], ['cancelled', [1]]);
    });
  }

  const answers: [name: string, event: object, settings: object, answer: object][] = [
    ['a sweep by a direct caller', sweep, {}, { cancelled: 1, failed: 1 }],
    [
      'a sweep in an envelope that holds jobs back',
      topicEvent(sweep),
      { cancelLimit: 1 },
      { results: [{ result: { heldBack: 2 } }] },
    ],
  ];
  for (const [name, event, settings, answer] of answers) {
    test(`${name} answers`, async () => {
      await using curfew = await start(settings);
      assert.partialDeepStrictEqual(await curfew.invoke(event), answer);
    });
  }

  test('because an alarm is over makes no call, and is logged', async () => {
    await using curfew = await start({});
    await curfew.invoke(topicEvent(alarmMessage('OK'), topic));
    assert.deepEqual(curfew.openai.calls, []);
    const { level, message } = curfew.logLines[0] ?? {};
    assert.deepEqual([level, message], ['INFO', 'The alarm over-budget is over, so nothing is stopped.']);
  });
});

describe('an event is published without waiting for other jobs', () => {
  test('so it is out, and noted, even if another project hangs or time runs out later', async () => {
    await using hanging = await startFineTuningSimulator({ apiKeys: [apiKey] });
    hanging.faultFor = () => noAnswer;
    const elsewhere = { openaiBaseUrl: hanging.baseUrl, secretName: 'openai/api-key' };
    const projects = { research: {}, elsewhere };
    await using curfew = await startCurfew({ jobs: [running('ftjob-1', 400), running('ftjob-2', 350)], projects });
    curfew.openai.faultFor = cancelAnswers('running');
    let isDone = false;
    const sweeping = curfew.sweep({}, { remainingMilliseconds: 6_000 }).finally(() => {
      isDone = true;
    });
    await eventually(async () => rowOf(curfew, 'ftjob-1')?.['cancellingSince'] !== undefined);
    assert.deepEqual(
      [publishedIds(curfew), curfew.aws.batchSizes],
      [
        ['ftjob-1', 'ftjob-2'],
        [1, 1],
      ],
    );
    assert.ok(rowOf(curfew, 'ftjob-2')?.['warnedFor']);
    assert.equal(isDone, false, 'the other project still hangs');
    assert.partialDeepStrictEqual(await sweeping, { complete: false, cancelled: 1, projects: 1 });
  });

  test('and a silent bus neither undoes a cancel nor delays its answer by more than two seconds', async () => {
    await using curfew = await startCurfew({ jobs: [running('ftjob-1', 5)] });
    curfew.aws.eventBus = 'silent';
    const startedAt = performance.now();
    assert.equal((await curfew.cancel('ftjob-1')).outcome, 'cancelled');
    const tookMs = performance.now() - startedAt;
    assert.ok(tookMs > 1_900 && tookMs < 4_000, `${tookMs} ms`);
    assert.match(
      String(curfew.logLines.at(-1)?.['message']),
      /^No event could be published for ftjob-1 \(AbortError\)/,
    );
  });
});

describe('an invocation ends in time', () => {
  const extend = { jobId: 'ftjob-1', minutes: 5 };
  const cases: [event: object, seconds: number][] = [
    [{ jobId: 'ftjob-1' }, 50],
    [{ list: {} }, 50],
    [{ extend }, 50],
    [{ sweep: {} }, 900],
    [{ stopAll: {} }, 900],
    [busEvent({ jobId: 'ftjob-1' }), 900],
  ];
  for (const [event, seconds] of cases) {
    test(`${JSON.stringify(event).slice(0, 50)}: within ${seconds} seconds`, async (t) => {
      const timeout = t.mock.method(AbortSignal, 'timeout');
      await using curfew = await startCurfew({ jobs: [running('ftjob-1', 5)] });
      await curfew.invoke(event);
      const timeoutsMs = timeout.mock.calls.map((call) => Number(call.arguments[0]));
      // Two thirds go to listing, and the last three seconds to events and the answer.
      const workSeconds = Math.max(...timeoutsMs) / 1_000;
      assert.ok(workSeconds <= seconds - 3 && workSeconds > seconds - 4, `${workSeconds}`);
      assert.ok(timeoutsMs.includes(Math.floor((workSeconds * 2_000) / 3)));
    });
  }

  test('within the time that Lambda allows, if that is less', async () => {
    await using curfew = await startCurfew();
    curfew.openai.faultFor = () => noAnswer;
    const startedAt = performance.now();
    await assert.rejects(curfew.list({}, { remainingMilliseconds: 4_000 }), { name: 'OpenAIError' });
    assert.ok(performance.now() - startedAt < 4_000);
  });

  test('with a named error, logged and counted, if no other limit ends it', async () => {
    await using curfew = await startCurfew({ projects: { research: {} } });
    // Reading the projects takes the same time, however much is left.
    curfew.aws.parameterStore = 'silent';
    const message = 'Time ran out before the answer was ready. Try again.';
    await assert.rejects(curfew.list({}, { remainingMilliseconds: 500 }), { name: 'OpenAIError', message });
    assert.partialDeepStrictEqual(curfew.logLines, [{ level: 'ERROR', message, requestedBy: 'unknown' }]);
    assert.deepEqual(metricsOf(curfew, 'Errors'), [1]);
  });
});

test('the entry point takes everything it needs from the environment', async (t) => {
  await using openai = await startFineTuningSimulator({ jobs: [running('ftjob-1', 400)], apiKeys: [apiKey] });
  await using aws = await startAwsStub({ secret: { SecretString: apiKey } });
  const written: Record<string, unknown>[] = [];
  for (const method of ['info', 'log'] as const) {
    t.mock.method(console, method, (line: string) => written.push(JSON.parse(line)));
  }
  const before = { ...process.env };
  t.after(() => {
    process.env = before;
  });
  Object.assign(process.env, environmentWith({ name: 'my-curfew', openaiBaseUrl: openai.baseUrl }), {
    AWS_ENDPOINT_URL: aws.url,
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    // Powertools also writes to the shared console.
    POWERTOOLS_DEV: 'true',
    POWERTOOLS_METRICS_DISABLED: 'false',
  });
  // A fresh copy, not the one that the tests above use.
  const { handler } = await import(`../../lambda/handler.ts?${'entry point'}`);

  assert.partialDeepStrictEqual(await handler({ sweep: {} }, lambdaContext(60_000)), { cancelled: 1 });
  const [line, , metrics] = written;
  assert.deepEqual([line?.['service'], line?.['jobId'], metrics?.['service']], ['my-curfew', 'ftjob-1', 'my-curfew']);
  assert.equal(aws.events[0]?.detail['curfew'], 'my-curfew');
  // All rows, then the job's own row again before its cancel.
  assert.equal(aws.table.reads, 2);
});
