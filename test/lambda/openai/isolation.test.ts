import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { simulatedJob } from '../../../infra/local/providers/simulated-job.ts';
import { type Fault, startFineTuningSimulator } from '../../../infra/local/providers/simulator.ts';
import { apiKey, type Curfew, startCurfew } from '../../support/curfew.ts';
import { answers, late, noAnswer } from '../../support/wire-faults.ts';

const overdueJobs = (count: number) =>
  Array.from({ length: count }, (_, index) =>
    simulatedJob({ id: `ftjob-${index}`, status: 'running', ageMinutes: 400 + index / 60 }),
  );
const queueOf = (requests: object[]) => ({
  Records: requests.map((request, index) => ({
    eventSource: 'aws:sqs',
    messageId: `message-${index}`,
    body: JSON.stringify(request),
  })),
});

/** Counts the calls under way, each of which takes a while. */
function countUnderWay({ openai }: Curfew): { most: number } {
  const count = { most: 0 };
  let underWay = 0;
  openai.faultFor = () => (answer, response) => {
    underWay += 1;
    count.most = Math.max(count.most, underWay);
    response.once('close', () => {
      underWay -= 1;
    });
    return late(300)(answer, response);
  };
  return count;
}

describe('at most 100 calls of one project are under way at once', () => {
  test('in a sweep that cancels while later pages are listed', async () => {
    await using curfew = await startCurfew({ jobs: overdueJobs(250) });
    const count = countUnderWay(curfew);
    assert.equal((await curfew.sweep({ cancelLimit: 'none' })).cancelled, 250);
    assert.ok(count.most > 50 && count.most <= 100, `${count.most}`);
  });

  test('in a batch of messages that each stop or sweep everything', async () => {
    await using curfew = await startCurfew({ jobs: overdueJobs(120) });
    const count = countUnderWay(curfew);
    const sweeps = [1, 2, 3].map((lookbackDays) => ({ sweep: { lookbackDays, cancelLimit: 'none' } }));
    await curfew.invoke(queueOf([...sweeps, { stopAll: {} }]));
    for (const { status } of curfew.openai.jobs.values()) assert.equal(status, 'cancelled');
    assert.ok(count.most <= 100, `${count.most}`);
  });
});

describe('ten messages of a queue in one batch', () => {
  const tenCancels = () => queueOf(overdueJobs(10).map(({ id }) => ({ jobId: id })));

  test('send no call in the silence that the first refusal asks for, and read the key once', async () => {
    await using curfew = await startCurfew({ jobs: overdueJobs(10) });
    let silentUntil: number | undefined;
    const inSilence: number[] = [];
    const refusal: Fault = async () => {
      await sleep(300);
      silentUntil = performance.now() + 590;
      return { status: 429, headers: { 'retry-after-ms': '600' }, body: {} };
    };
    const faults = [refusal];
    curfew.openai.faultFor = ({ at }) => {
      if (silentUntil !== undefined && at < silentUntil) inSilence.push(at);
      // Those that go out together are all in flight still when it comes.
      return faults.shift() ?? late(500);
    };
    const answer = await curfew.invoke(tenCancels());
    assert.deepEqual(inSilence, []);
    assert.partialDeepStrictEqual(answer, { batchItemFailures: [] });
    assert.equal(curfew.aws.secretReads.length, 1);
  });

  test('with a key that is refused read it once and refresh it once, and all fail', async () => {
    await using curfew = await startCurfew({ jobs: overdueJobs(10) });
    curfew.openai.apiKeys.clear();
    const answer = (await curfew.invoke(tenCancels())) as { batchItemFailures: unknown[] };
    assert.equal(answer.batchItemFailures.length, 10);
    assert.equal(curfew.aws.secretReads.length, 2);
    assert.equal(curfew.openai.calls.length, 10);
  });

  test('with a key that was replaced meanwhile refresh it once, and all are carried out', async () => {
    await using curfew = await startCurfew({ jobs: overdueJobs(10) });
    const newKey = 'sk-proj-another-key';
    curfew.openai.apiKeys = new Set([newKey]);
    curfew.openai.faultFor = () => {
      curfew.aws.secret = { SecretString: newKey };
      return undefined;
    };
    assert.partialDeepStrictEqual(await curfew.invoke(tenCancels()), { batchItemFailures: [] });
    assert.equal(curfew.aws.secretReads.length, 2);
    for (const { status } of curfew.openai.jobs.values()) assert.equal(status, 'cancelled');
  });
});

test('a project that hangs, one that is refused, one without access cost the others nothing', async () => {
  await using providers = new AsyncDisposableStack();
  const start = async () =>
    providers.use(await startFineTuningSimulator({ jobs: overdueJobs(30), apiKeys: [apiKey] }));
  const [hanging, limited, locked, ...sound] = [
    await start(),
    await start(),
    await start(),
    await start(),
    await start(),
  ];
  hanging.faultFor = () => noAnswer;
  limited.faultFor = () => answers(429, { 'retry-after': '3600' });
  locked.apiKeys.clear();
  const named = { hanging, limited, locked, sound: sound[0], alsoSound: sound[1] };
  await using curfew = await startCurfew({
    settings: { cancelLimit: 'none' },
    projects: Object.fromEntries(
      Object.entries(named).map(([name, simulator]) => [
        name,
        { openaiBaseUrl: simulator?.baseUrl ?? '', secretName: name },
      ]),
    ),
  });
  const startedAt = performance.now();
  const { projects, cancelled, failedProjects } = await curfew.sweep({}, { remainingMilliseconds: 9_000 });
  assert.deepEqual({ projects, cancelled }, { projects: 2, cancelled: 60 });
  assert.deepEqual(
    failedProjects?.map(({ project, error }) => [project, error.name]),
    [
      ['hanging', 'OpenAIError'],
      ['limited', 'RateLimitError'],
      ['locked', 'AuthenticationError'],
    ],
  );
  // The one that hangs takes all the time there is to list; the others were done long before.
  for (const simulator of sound) assert.ok((simulator.calls.at(-1)?.at ?? Number.NaN) - startedAt < 3_000);
  assert.equal(limited.calls.length, 1);
});
