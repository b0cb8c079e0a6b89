import assert from 'node:assert/strict';
import { after, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type CustomizationCall,
  customizationError,
  startCustomizationSimulator,
} from '../../../infra/local/providers/customization-simulator.ts';
import type { Answer } from '../../../infra/local/providers/endpoints.ts';
import {
  type CustomizationJobOptions,
  simulatedCustomizationJob,
} from '../../../infra/local/providers/simulated-customization-job.ts';
import type { Fault } from '../../../infra/local/providers/simulator.ts';
import { createCustomization } from '../../../lambda/bedrock/customization.ts';
import { cancelJob, toCancelAnswer } from '../../../lambda/curfew/cancel.ts';
import { toIso } from '../../../lambda/curfew/deadline.ts';
import { extend } from '../../../lambda/curfew/extend.ts';
import type { CancelReply, Job } from '../../../lambda/curfew/job.ts';
import { stopAll, sweep } from '../../../lambda/curfew/sweep.ts';
import { findJob } from '../../../lambda/projects.ts';
import { type FakeContextOptions, fakeContext, sixHours } from '../../support/fake-ports.ts';
import { startVirtualTime } from '../../support/virtual-time.ts';
import {
  answerLost,
  drips,
  late,
  noAnswer,
  noBody,
  reset,
  resetInBody,
  switchesProtocol,
} from '../../support/wire-faults.ts';

const credentials = { accessKeyId: 'ASIATEST', secretAccessKey: 'a-secret', sessionToken: 'a session/+=' };
startVirtualTime();
const simulator = await startCustomizationSimulator({ bedrockSigner: credentials });
after(() => simulator[Symbol.asyncDispose]());
beforeEach(() => {
  simulator.jobs.clear();
  simulator.calls.length = 0;
  simulator.faultFor = () => undefined;
});

type Operation = 'List' | 'Get' | 'Stop' | 'Tags';
const operationOf = ({ operation }: CustomizationCall) =>
  operation === 'ListTagsForResource' ? 'Tags' : operation.replace(/Model.*/, '');
const operations = () => simulator.calls.map(operationOf).join(' ');
const count = (operation: Operation) => simulator.calls.filter((call) => operationOf(call) === operation).length;
const isoIn = (minutes: number) => toIso(Date.now() / 1000 + minutes * 60);

function add(options: CustomizationJobOptions = {}) {
  const job = simulatedCustomizationJob(options);
  simulator.jobs.set(job.jobArn, job);
  return job;
}

/** The next calls of this operation have these faults, one each; later calls succeed. */
function fail(operation: Operation, ...faults: Fault[]) {
  simulator.faultFor = (call) => (operationOf(call) === operation ? faults.shift() : undefined);
}
const refuses =
  (...error: Parameters<typeof customizationError>): Fault =>
  () =>
    customizationError(...error);
const throttled = refuses('ThrottlingException', 'Slow down.');
const denied = refuses('AccessDeniedException', 'No.');
const forever = (fault: Fault) => Array<Fault>(50).fill(fault);

interface StartOptions extends FakeContextOptions {
  remainingMs?: number;
  maxConcurrency?: number;
}

/** Starts an invocation: the provider under test, and what the rules need. */
function start({ remainingMs = 120_000, maxConcurrency = 10, ...options }: StartOptions = {}) {
  const end = new AbortController();
  setTimeout(() => end.abort(new DOMException('Time is up.', 'TimeoutError')), remainingMs);
  const time = { signal: end.signal, listingSignal: end.signal, endsAt: performance.now() + remainingMs };
  const access = { endpoint: simulator.url, credentials };
  const provider = createCustomization({ region: 'us-east-1', access, maxConcurrency, time });
  const project = { name: undefined, rules: sixHours, provider, maxConcurrency };
  const context = { ...fakeContext({ now: Date.now() / 1000, ...options }), time };
  const pages = (withMetadata: boolean) => Array.fromAsync(provider.list({ signal: time.signal, withMetadata }));
  return {
    ...provider,
    context,
    project,
    sweep: async () => (await sweep({ sweep: {} }, [project], context)).answer,
    get: (jobArn: string, withMetadata = false) => provider.retrieve(jobArn, { signal: time.signal, withMetadata }),
    pages,
    listed: async (withMetadata = false) => (await pages(withMetadata)).flatMap(({ jobs }) => jobs),
  };
}

const elapsed = async (act: () => Promise<unknown>) => {
  const startedAt = performance.now();
  await act().catch(() => {});
  return performance.now() - startedAt;
};

describe('a job is', () => {
  const cases: [options: CustomizationJobOptions, phase: Job['phase'], startedMinutesAgo: number | null][] = [
    [{ trainingStatus: 'NotStarted' }, 'waiting', null],
    // Whatever the sub-task says about a start that has not happened.
    [{ trainingStatus: 'NotStarted', trainingStartedMinutesAgo: 5 }, 'waiting', null],
    [{ trainingStartedMinutesAgo: 20 }, 'running', 20],
    [{ trainingStatus: 'Completed', trainingStartedMinutesAgo: 20 }, 'running', 20],
    [{ trainingStatus: null }, 'running', null],
    [{ status: 'Stopping' }, 'cancelling', 60],
    [{ status: 'Completed' }, 'finished', 60],
    [{ status: 'Failed' }, 'finished', 60],
    [{ status: 'Stopped' }, 'finished', 60],
    [{ status: 'Paused' }, 'other', 60],
  ];
  for (const [options, phase, startedMinutesAgo] of cases) {
    test(`${phase} if it is ${JSON.stringify(options)}`, async () => {
      const { jobArn, creationTime } = add({ ageMinutes: 60, ...options });
      const job = await start().get(jobArn);
      const { status = 'InProgress' } = options;
      assert.deepEqual([job.id, job.status, job.phase], [jobArn, status, phase]);
      assert.equal(job.createdAt, Date.parse(creationTime) / 1000);
      const started = job.startedAt === null ? null : Math.round((Date.now() / 1000 - job.startedAt) / 60);
      assert.equal(started, startedMinutesAgo);
      assert.deepEqual([job.wasCancelled, job.isKnownStatus], [status === 'Stopped', status !== 'Paused']);
      assert.equal(job.hasInvalidMetadata, false);
      assert.deepEqual([job.model, job.metadata, job.metadataError], ['amazon.nova-lite-v1:0:300k', {}, undefined]);
    });
  }
});

describe('a list', () => {
  test('has the stopping and in-progress jobs of all pages, and reads no others', async () => {
    const statuses = ['Stopping', 'InProgress', 'Completed', 'Failed', 'Stopped'];
    const jobs = statuses.flatMap((status) => Array.from({ length: 101 }, () => add({ status })));
    add({ region: 'eu-west-1' });
    const wanted = jobs.filter(({ status }) => ['Stopping', 'InProgress'].includes(status));
    const listed = await start().listed();
    assert.deepEqual(new Set(listed.map(({ id }) => id)), new Set(wanted.map(({ jobArn }) => jobArn)));
    const asked = simulator.calls.map(({ url: { searchParams: query } }) => [
      query.get('statusEquals'),
      query.has('nextToken'),
    ]);
    const pages = (status: string) => [false, true].map((isNext) => [status, isNext]);
    assert.deepEqual(asked.sort(), [...pages('InProgress'), ...pages('Stopping')]);
  });

  test('has tags as metadata only on request, and says which could not be read', async () => {
    add({ ageMinutes: 2, tags: { team: 'ours' } });
    add({ ageMinutes: 1 });
    assert.deepEqual(
      (await start().listed()).map(({ metadata }) => metadata),
      [{}, {}],
    );
    assert.equal(count('Tags'), 0);

    fail('Tags', denied);
    const [broken, tagged] = await start().listed(true);
    assert.deepEqual(tagged?.metadata, { team: 'ours' });
    assert.deepEqual([broken?.metadata, broken?.metadataError?.name], [{}, 'AuthenticationError']);
    assert.match(String(broken?.metadataError?.message), /^Could not list the tags of the job "arn:.*": Bedrock/);
    assert.equal(tagged?.metadataError, undefined);
    fail('Tags', denied);
    const looks = [await start().get(tagged?.id ?? '', true), await start().get(tagged?.id ?? '', true)];
    assert.deepEqual(
      looks.map(({ metadata, metadataError }) => [metadata, metadataError?.name]),
      [
        [{}, 'AuthenticationError'],
        [{ team: 'ours' }, undefined],
      ],
    );
  });

  test('reads tags only until the time for listing is over', async () => {
    add();
    fail('Tags', ...forever(noAnswer));
    const { project } = start();
    const end = new AbortController();
    setTimeout(() => end.abort(), 2_000);
    const pages = () => Array.fromAsync(project.provider.list({ withMetadata: true, signal: end.signal }));
    assert.ok((await elapsed(() => assert.rejects(pages()))) < 2_100);
  });

  test('skips an entry without a readable ARN', async () => {
    const { jobArn } = add();
    const answer = (answer: () => Answer) => {
      const body = JSON.stringify(answer().body);
      return { status: 200, body: body.replaceAll(jobArn, 'arn:aws:bedrock:elsewhere') };
    };
    fail('List', answer, answer);
    const pages = await start().pages(true);
    assert.deepEqual(pages[0], { jobs: [], unreadable: [{ jobId: undefined, unreadableFields: ['jobArn'] }] });
    assert.equal(count('Tags'), 0);
  });

  const says =
    (body: unknown): Fault =>
    () => ({ status: 200, body });
  const arn = (id: string) =>
    `arn:aws:bedrock:us-east-1:123456789012:model-customization-job/nova/${id.padEnd(12, '0')}`;
  const entry = (id: string, fields: object = {}) => ({ jobArn: arn(id), status: 'InProgress', ...fields });

  test('reports each unreadable entry, and a field of the wrong shape counts as absent', async () => {
    const mine = entry('c', { baseModelArn: 'arn:aws:bedrock:us-east-1::custom-model/nova/mine' });
    const summaries = [null, entry('a', { status: 5 }), entry('b', { baseModelArn: {}, statusDetails: 'none' }), mine];
    fail('List', says({ modelCustomizationJobSummaries: summaries }), says({ modelCustomizationJobSummaries: [] }));
    const [page] = await start().pages(false);
    assert.deepEqual(page?.unreadable, [
      { jobId: undefined, unreadableFields: ['the whole entry'] },
      { jobId: arn('a'), unreadableFields: ['status'] },
    ]);
    const absent = { id: arn('b'), phase: 'running', model: null, createdAt: null };
    assert.partialDeepStrictEqual(page?.jobs, [absent, { id: arn('c'), model: 'mine' }]);
  });

  test('is an OpenAIError if it is not a list, or never ends', async () => {
    fail('List', says({ modelCustomizationJobSummaries: {} }));
    await assert.rejects(start().pages(false), { name: 'OpenAIError', message: /not what Bedrock's API promises/ });
    fail('List', ...forever(says({ modelCustomizationJobSummaries: [entry('a')], nextToken: 'again' })));
    await assert.rejects(start().pages(false), { name: 'OpenAIError', message: /without new jobs/ });
    assert.equal(count('List'), 5);
  });

  test('may repeat some jobs, have idle pages, and leave out what is empty', async () => {
    const page = (ids: string[], nextToken?: string) =>
      says({ modelCustomizationJobSummaries: ids.map((id) => entry(id)), nextToken });
    const pages = [['a'], ['a'], ['a', 'b'], ['b'], ['b']].map((ids) => page(ids, 'more'));
    fail('List', ...pages, page(['b']), says({}));
    const listed = await start().listed();
    assert.deepEqual(new Set(listed.map(({ id }) => id)), new Set([arn('a'), arn('b')]));
    assert.equal(count('List'), 7);
    const { jobArn } = add();
    fail('Tags', says({}));
    assert.partialDeepStrictEqual(await start().get(jobArn, true), { metadata: {} });
  });

  for (const tags of [5, 'none', [null], [{ key: 'time_budget_minutes', value: 5000 }]]) {
    test(`has unreadable tags if they are ${JSON.stringify(tags)}`, async () => {
      add();
      fail('Tags', says({ tags }));
      const [job] = await start().listed(true);
      assert.equal(job?.metadataError?.name, 'OpenAIError');
    });
  }
});

describe('a call that fails', () => {
  const answered =
    (status: number, name: string): Fault =>
    () => ({ status, body: {}, headers: { 'x-amzn-errortype': name } });
  const role = "Check that the function's role may use Bedrock in this region.";
  const unreadable = "the answer is not what Bedrock's API promises. Try again.";
  const itself = 'Check the job itself.';
  const health = 'See the AWS Health Dashboard.';
  const cases: [faults: Fault[], error: string, message: string, calls: number][] = [
    [[denied], 'AuthenticationError', `Bedrock answered AccessDeniedException. ${role}`, 1],
    [[answered(401, 'Expired')], 'AuthenticationError', `Bedrock answered Expired. ${role}`, 1],
    [
      [answered(404, 'ResourceNotFoundException')],
      'JobNotFoundError',
      'Bedrock answered ResourceNotFoundException. Check the ARN of the job.',
      1,
    ],
    [
      [answered(400, 'ServiceQuotaExceededException')],
      'QuotaError',
      "Bedrock answered ServiceQuotaExceededException. Check the account's quotas.",
      1,
    ],
    [[answered(400, 'Invalid')], 'OpenAIError', `Bedrock answered Invalid. ${itself}`, 1],
    [forever(answered(408, 'Late')), 'OpenAIError', `Bedrock answered Late. ${itself}`, 4],
    [forever(answered(409, 'Busy')), 'OpenAIError', `Bedrock answered Busy. ${itself}`, 4],
    [forever(answered(500, 'Down')), 'OpenAIError', `Bedrock answered Down. ${health}`, 4],
    [
      forever(reset),
      'OpenAIError',
      "the connection failed (ECONNRESET). Check the region and the function's network.",
      4,
    ],
    [forever(noAnswer), 'OpenAIError', 'Bedrock did not answer in time. Try again.', 4],
    [forever(() => ({ status: 200, body: '<html>' })), 'OpenAIError', unreadable, 1],
    [forever(() => ({ status: 200, body: null })), 'OpenAIError', unreadable, 1],
  ];
  for (const [faults, name, message, calls] of cases) {
    test(`is ${name}: ${message}`, async () => {
      const { jobArn } = add();
      fail('Get', ...faults);
      const error = { name, message: `Could not retrieve the job "${jobArn}": ${message}` };
      await assert.rejects(start().get(jobArn), error);
      assert.equal(count('Get'), calls);
    });
  }

  test('because time is up says so', async () => {
    fail('List', ...forever(noAnswer));
    const message = 'Could not list the jobs: time ran out before Bedrock answered. Try again.';
    await assert.rejects(start({ remainingMs: 5_000 }).listed(), { name: 'OpenAIError', message });
  });

  test('once or twice is repeated', async () => {
    const { jobArn } = add();
    fail('Get', refuses('InternalServerException', ''), reset, resetInBody);
    assert.equal((await start().get(jobArn)).id, jobArn);
    const waits = simulator.calls.map(({ at }, index) => at - (simulator.calls[index - 1]?.at ?? at));
    assert.deepEqual(
      waits.map((ms) => Math.round(ms / 100) * 100),
      [0, 300, 600, 1_200],
    );
  });

  test('to be about the requested job is an OpenAIError', async () => {
    const [job, other] = [add(), add()];
    fail('Get', (answer) => ({ ...answer(), body: { ...Object(answer().body), jobArn: other.jobArn } }));
    await assert.rejects(start().get(job.jobArn), { name: 'OpenAIError', message: /about another job/ });
  });

  const silences = { noAnswer, noBody, drips: drips(), switchesProtocol };
  for (const [name, fault] of Object.entries(silences)) {
    test(`silently (${name}) ends when time is up, whatever the operation`, async () => {
      const { jobArn } = add();
      for (const operation of ['Get', 'List', 'Stop'] as const) {
        fail(operation, ...forever(fault));
        const { get, listed, cancel } = start({ remainingMs: 5_000 });
        const act = { Get: () => get(jobArn), List: listed, Stop: () => cancel(jobArn) }[operation];
        assert.ok((await elapsed(act)) < 5_100, operation);
      }
    });

    test(`silently (${name}) gets 10 s for each attempt, body included`, async () => {
      const { jobArn } = add();
      fail('Get', fault);
      const { get } = start();
      assert.ok((await elapsed(() => get(jobArn))) < 12_000);
      assert.equal(count('Get'), 2);
    });
  }
});

describe('a throttled call', () => {
  test('is repeated as long as there is time', async () => {
    const { jobArn } = add();
    fail('Get', ...Array<Fault>(5).fill(throttled));
    assert.equal((await start().get(jobArn)).id, jobArn);
    for (const [status, name] of [
      [429, 'TooManyRequests'],
      [400, 'ThrottlingException'],
    ] as const) {
      fail('Get', ...forever(() => ({ status, body: {}, headers: { 'x-amzn-errortype': name } })));
      const message = `Could not retrieve the job "${jobArn}": Bedrock answered ${name}. Wait, then try again.`;
      await assert.rejects(start({ remainingMs: 20_000 }).get(jobArn), { name: 'RateLimitError', message });
    }
  });

  test('pauses every other call', async () => {
    const { jobArn } = add();
    fail('Get', throttled);
    const { get, listed } = start();
    await Promise.all([get(jobArn), sleep(100).then(() => listed())]);
    const [first, ...others] = simulator.calls.map(({ at }) => at);
    for (const at of others) assert.ok(at - (first ?? 0) >= 300, `${at - (first ?? 0)} ms`);
  });
});

describe('a stop is sent once', () => {
  const failed = (fields: object) => ({
    kind: 'failed',
    mayRetry: false,
    isUncounted: false,
    isRefusal: false,
    ...fields,
  });
  const cases: [name: string, fault: Fault | undefined, reply: object, error?: string][] = [
    ['and its empty answer accepts it', undefined, { kind: 'accepted', job: null }],
    ['if it fails', refuses('InternalServerException', ''), failed({ mayRetry: true }), 'OpenAIError'],
    ['if its answer is lost', answerLost, failed({ mayRetry: true }), 'OpenAIError'],
    ['if its answer breaks off', resetInBody, failed({ mayRetry: true }), 'OpenAIError'],
    ['if there is no answer', noAnswer, failed({ mayRetry: true }), 'OpenAIError'],
    ['if it is throttled, uncounted', throttled, failed({ mayRetry: true, isUncounted: true }), 'RateLimitError'],
    ['if it comes too late', refuses('ConflictException', ''), failed({ isRefusal: true }), 'OpenAIError'],
    ['if the job is gone', refuses('ResourceNotFoundException', ''), failed({ isRefusal: true }), 'JobNotFoundError'],
    ['if it is denied', denied, failed({}), 'AuthenticationError'],
  ];
  for (const [name, fault, expected, errorName] of cases) {
    test(name, async () => {
      const { jobArn } = add();
      if (fault) fail('Stop', fault);
      const { error, ...reply } = (await start().cancel(jobArn)) as CancelReply & { error?: Error };
      assert.deepEqual([reply, error?.name], [expected, errorName]);
      assert.equal(operations(), 'Stop');
      if (error) assert.ok(error.message.startsWith(`Could not stop the job "${jobArn}": `), error.message);
    });
  }

  test('unless its turn comes more than 5 seconds after the look', async () => {
    const { jobArn } = add();
    fail('List', late(5_100));
    const { listed, cancel } = start({ maxConcurrency: 1 });
    const [, reply] = await Promise.all([listed(), cancel(jobArn)]);
    assert.deepEqual([reply, count('Stop')], [{ kind: 'not_sent' }, 0]);
  });
});

test('a project can only have jobs of its own region, by their ARNs', () => {
  const { mayHave } = start();
  const { jobArn, jobName } = simulatedCustomizationJob();
  assert.equal(mayHave(jobArn), true);
  const others = [jobName, 'ftjob-1', simulatedCustomizationJob({ region: 'us-east-2' }).jobArn];
  assert.deepEqual(others.map(mayHave), [false, false, false]);
});

describe('the rules', () => {
  test('stop an overdue job once and look again, and respect a tag that changes while the job runs', async () => {
    const { jobArn, tags } = add({ ageMinutes: 400, tags: { time_budget_minutes: 'none' } });
    assert.equal((await start().sweep()).overdue, 0);
    tags['time_budget_minutes'] = '90m';
    simulator.calls.length = 0;
    const { cancelled, jobs } = await start().sweep();
    assert.deepEqual([cancelled, jobs[0]?.jobId, jobs[0]?.finalStatus], [1, jobArn, 'Stopping']);
    assert.equal(operations(), 'List Tags List Get Tags Stop Get');
  });

  test('read no tags to cancel by ARN or to stop everything', async () => {
    const [one] = [add(), add({ tags: { time_budget_minutes: 'none' } })];
    const { project, context } = start();
    const { job } = await findJob([project], one.jobArn, false);
    const target = { project, jobId: one.jobArn, reason: 'requested' as const, dryRun: false, firstLook: job };
    const { outcome, finalStatus } = toCancelAnswer(await cancelJob(target, context));
    assert.deepEqual([outcome, finalStatus], ['cancelling', 'Stopping']);
    const { answer } = await stopAll({ stopAll: {} }, [project], context);
    assert.deepEqual([answer.cancelled, answer.inProgress, answer.failed], [1, 2, 0]);
    assert.equal(count('Tags'), 0);
  });

  test('extend a job by its ARN, unless its tags exempt it', async () => {
    const tags: Record<string, string> = {};
    const { jobArn } = add({ ageMinutes: 350, tags });
    const { project, context } = start();
    const extendBy = async (minutes: number) => extend(await findJob([project], jobArn, true), minutes, context);
    const { previousDeadline, deadline } = await extendBy(120);
    assert.deepEqual(
      [previousDeadline, deadline].map((time) => time?.slice(0, 16)),
      [isoIn(10)?.slice(0, 16), isoIn(120)?.slice(0, 16)],
    );
    tags['time_budget_minutes'] = 'none';
    assert.equal((await extendBy(500)).deadline, null);
  });
});
