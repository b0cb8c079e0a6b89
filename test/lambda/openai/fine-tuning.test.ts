import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulatedJob } from '../../../infra/local/providers/simulated-job.ts';
import type { Fault } from '../../../infra/local/providers/simulator.ts';
import { apiKey } from '../../support/curfew.ts';
import { type ClientOptions, createClient, rotatingKey, startProvider } from '../../support/openai-client.ts';
import { startVirtualTime } from '../../support/virtual-time.ts';
import { aboutAnotherJob, answers, noAnswer, refuses, says } from '../../support/wire-faults.ts';

startVirtualTime();
const openai = await startProvider();

const jobId = 'ftjob-abc123';
const jobOf = (more: object = {}) => ({ ...simulatedJob({ id: jobId, status: 'running' }), ...more });
const right: Fault = (answer) => answer();
const anHour = { 'retry-after': '3600' };

/** Creates a client of a provider that has one running job and these faults. */
function start(faults: { retrieve?: Fault[]; list?: Fault[]; cancel?: Fault[] } = {}, options?: ClientOptions) {
  openai.reset(jobOf());
  for (const endpoint of ['retrieve', 'list', 'cancel'] as const) openai.fail(endpoint, faults[endpoint] ?? []);
  return createClient(openai, options);
}

/** Reads a job that the provider describes like this. */
const read = (more: object) => start({ retrieve: [says(jobOf(more))] }).retrieve(jobId);

describe('a status is one of five phases', () => {
  const unknown = ['frozen', 'Running', 'constructor'];
  for (const [phase, statuses] of Object.entries({
    waiting: ['validating_files', 'pending', 'queued'],
    running: ['running', 'resuming'],
    cancelling: ['cancelling', 'canceling', 'cancel_requested', 'stopping'],
    finished: ['succeeded', 'failed', 'cancelled', 'canceled'],
    other: ['pausing', 'paused', ...unknown],
  })) {
    test(`${phase}: ${statuses.join(', ')}`, async () => {
      for (const status of statuses) {
        const wasCancelled = status === 'cancelled' || status === 'canceled';
        const expected = { status, phase, wasCancelled, isKnownStatus: !unknown.includes(status) };
        assert.partialDeepStrictEqual(await read({ status }), expected);
      }
    });
  }
});

describe('a job needs only id and status: a malformed field counts as absent', () => {
  const time = 1_795_000_000;
  const longest = { ['k'.repeat(64)]: 'v'.repeat(512) };
  const noTimes = [0, -1, 86_400, 1_420_070_399, time * 1_000, '2026-11-23T12:00:00Z', null, undefined];
  const cases: [field: object, expected: object][] = [
    ...[time, 1_420_070_400].map((at): [object, object] => [{ created_at: at }, { createdAt: at }]),
    ...noTimes.map((none): [object, object] => [{ created_at: none }, { createdAt: null }]),
    [{ estimated_finish: time }, { estimatedFinish: time }],
    ...noTimes.map((none): [object, object] => [{ estimated_finish: none }, { estimatedFinish: null }]),
    ...[7, 'm'.repeat(257), undefined].map((model): [object, object] => [{ model }, { model: null }]),
    ...[null, undefined].map((none): [object, object] => [
      { metadata: none },
      { metadata: {}, hasInvalidMetadata: false },
    ]),
    [{ metadata: longest }, { metadata: longest, hasInvalidMetadata: false }],
    [{ metadata: { budget: 90, team: 'a' } }, { metadata: { budget: '90', team: 'a' }, hasInvalidMetadata: false }],
    ...['a', ['a']].map((metadata): [object, object] => [{ metadata }, { metadata: {}, hasInvalidMetadata: true }]),
    ...[{ deep: { er: [] } }, { long: 'a'.repeat(513) }, { ['k'.repeat(65)]: 'a' }].map((odd): [object, object] => [
      { metadata: { ...odd, team: 'a' } },
      { metadata: { team: 'a' }, hasInvalidMetadata: true },
    ]),
  ];
  for (const [field, expected] of cases) {
    test(`${JSON.stringify(field).slice(0, 80)}`, async () => {
      assert.partialDeepStrictEqual(await read(field), expected);
    });
  }

  test('metadata of 17 pairs, or nested a hundred thousand times', async () => {
    const { metadata } = await read({ metadata: Object.fromEntries([...'seventeen letters'].entries()) });
    assert.equal(Object.keys(metadata).length, 16);
    const nested = JSON.stringify(jobOf({ metadata: 0 })).replace(':0', `:{"a":${'['.repeat(1e5)}${']'.repeat(1e5)}}`);
    assert.deepEqual((await start({ retrieve: [says(nested)] }).retrieve(jobId)).metadata, {});
  });
});

test('a failed look is repeated after the requested wait', async () => {
  const waits: [headers: Record<string, string>, leastMs: number, mostMs: number][] = [
    [{ 'retry-after': 'soon' }, 300, 320],
    // Rounded up to seconds, which is all ky supports.
    [{ 'retry-after-ms': '800', 'retry-after': '7' }, 800, 1_020],
    [{ 'retry-after': '2' }, 2_000, 2_020],
  ];
  for (const [headers, leastMs, mostMs] of waits) {
    await start({ retrieve: [answers(503, headers)] }).retrieve(jobId);
    const [, waitMs = 0] = openai.times('retrieve');
    assert.ok(waitMs >= leastMs && waitMs <= mostMs, `${waitMs} ms`);
  }
});

test('without such a wait, each wait is twice as long as the last', async () => {
  await start({ retrieve: [answers(503), answers(503), answers(503)] }).retrieve(jobId);
  const times = openai.times('retrieve').map((time) => Math.round(time / 100) * 100);
  assert.deepEqual(times, [0, 300, 900, 2_100]);
});

test('a project may have any job whose id fits into a URL', () => {
  assert.deepEqual([jobId, 'job/1'].map(start().mayHave), [true, false]);
});

describe('a 404 for a job', () => {
  const gateway = says('<html>Not found</html>', {}, 404);
  const notFound = { name: 'JobNotFoundError', message: /no fine-tuning job "ftjob-abc123".*Check the job id/ };

  test('is believed if its code or type is fine_tune_not_found', async () => {
    for (const error of [{ code: 'fine_tune_not_found' }, { code: null, type: 'fine_tune_not_found' }]) {
      await assert.rejects(start({ retrieve: [refuses(404, error)] }).retrieve(jobId), notFound);
      assert.deepEqual(openai.endpoints(), ['retrieve']);
    }
  });

  test('is believed if the same key can list jobs, which is tried once', async () => {
    const { retrieve } = start({ retrieve: [gateway, gateway] });
    for (const _ of [1, 2]) await assert.rejects(retrieve(jobId), notFound);
    assert.deepEqual(openai.endpoints(), ['retrieve', 'list', 'retrieve']);
    assert.equal(openai.calls[1]?.url.search, '?limit=1');
  });

  const lists: [name: string, fault: Fault, error: string, message: RegExp][] = [
    ['is 404 as well', gateway, 'OpenAIError', /no fine-tuning API at this address \(404\)\. Check openaiBaseUrl/],
    ['is refused', answers(401), 'AuthenticationError', /list the jobs.*answered 401/],
    ['fails', answers(500, { 'x-should-retry': 'false' }), 'OpenAIError', /list the jobs.*answered 500/],
    ['is not JSON', says('<html>'), 'OpenAIError', /not JSON/],
    ['is over the limit', answers(429, anHour), 'RateLimitError', /answered 429/],
  ];
  for (const [name, fault, error, message] of lists) {
    test(`is ${error} if the list ${name}`, async () => {
      await assert.rejects(start({ retrieve: [gateway], list: [fault] }).retrieve(jobId), { name: error, message });
    });
  }
});

describe('a cancel', () => {
  test('that is refused because the key was rotated is sent again with the new key, after another look', async () => {
    const { cancelJob } = start({ cancel: [answers(401)] }, { credential: rotatingKey('sk-old', apiKey) });
    openai.apiKeys.add('sk-old');
    assert.equal((await cancelJob(jobId)).outcome, 'cancelled');
    assert.deepEqual(openai.endpoints(), ['retrieve', 'cancel', 'retrieve', 'cancel']);
  });

  test('with an empty answer is accepted, and the job is read', async () => {
    for (const nothing of [says(''), says('{}'), says('null'), says('', {}, 204)]) {
      assert.deepEqual(await start({ cancel: [nothing] }).cancel(jobId), { kind: 'accepted', job: null });
      assert.equal((await start({ cancel: [nothing] }).cancelJob(jobId)).finalStatus, 'running');
    }
  });

  test('is not followed by a look during a requested pause, and the error says so', async () => {
    const message = /answered 429.*It is unknown whether the cancel had an effect/;
    const { cancelJob } = start({ cancel: [answers(429, anHour)] });
    await assert.rejects(cancelJob(jobId), { name: 'RateLimitError', message });
    assert.deepEqual(openai.endpoints(), ['retrieve', 'cancel']);
  });
});

test('an answer about another job is an OpenAIError, and proves nothing', async () => {
  const other = aboutAnotherJob('ftjob-other');
  const { cancelJob } = start({ retrieve: [other] });
  await assert.rejects(cancelJob(jobId), {
    name: 'OpenAIError',
    message: /retrieve the job "ftjob-abc123": the answer is about another job/,
  });
  assert.deepEqual(openai.endpoints(), ['retrieve']);
  await assert.rejects(start({ cancel: [answers(400)], retrieve: [right, other] }).cancelJob(jobId), {
    name: 'OpenAIError',
    message: /cancel the job "ftjob-abc123": the provider answered 400.*could not be read again/,
  });
  // The cancel was carried out, as reading the right job shows.
  assert.equal((await start({ cancel: [other] }).cancelJob(jobId)).outcome, 'cancelled');
  assert.deepEqual(openai.endpoints(), ['retrieve', 'cancel', 'retrieve']);
});

describe('a list', () => {
  const jobs = (first: number, count: number) =>
    Array.from({ length: count }, (_, index) => jobOf({ id: `ftjob-${first + index}` }));
  /** Lists these pages in order, whatever is asked for; the last one repeats forever. */
  const list = (pages: object[]) => {
    const client = start();
    const faults = pages.map((page) => says(page));
    openai.fail('list', faults, 'forever');
    return client.pages();
  };
  const cursors = () => openai.calls.map(({ url }) => url.searchParams.get('after'));

  test('is read in pages of a hundred', async () => {
    openai.reset(...jobs(0, 250));
    const pages = await createClient(openai).pages();
    assert.equal(new Set(pages.flatMap((page) => page.jobs.map(({ id }) => id))).size, 250);
    const lastIds = pages.map((page) => page.jobs.at(-1)?.id);
    assert.deepEqual(cursors(), [null, ...lastIds.slice(0, 2)]);
    assert.deepEqual(
      pages.map((page) => page.jobs.length),
      [100, 100, 50],
    );
    for (const { url } of openai.calls) assert.equal(url.searchParams.get('limit'), '100');
  });

  test('goes on after a full page if has_more is missing or null', async () => {
    for (const more of [{}, { has_more: null }]) {
      const pages = [jobs(0, 100), jobs(100, 99)].map((data) => ({ data, ...more }));
      assert.equal((await list(pages)).length, 2);
      assert.equal(openai.calls.length, 2);
    }
  });

  test('continues after the last readable id, as it is, even if no job may have it', async () => {
    const odd = [...jobs(2, 1), null, jobOf({ id: 7 })];
    await list([{ data: [jobOf({ id: 'a b&c=/../?' })], has_more: true }, { data: odd, has_more: true }, { data: [] }]);
    assert.deepEqual(cursors(), [null, 'a b&c=/../?', 'ftjob-2']);
  });

  for (const [name, pages] of Object.entries({
    'is empty': [jobs(1, 1), []],
    'has no readable id': [jobs(1, 1), [{}]],
    'comes again': [jobs(1, 1)],
    'leads back to an earlier one': [jobs(1, 1), jobs(2, 1), [...jobs(3, 1), ...jobs(1, 1)]],
  })) {
    test(`ends with OpenAIError at a page that ${name}, yet claims more`, async () => {
      const message =
        'Could not list the fine-tuning jobs: a page is empty or repeats itself, yet claims that more follow. ' +
        'Check that openaiBaseUrl is an OpenAI API.';
      await assert.rejects(list(pages.map((data) => ({ data, has_more: true }))), { name: 'OpenAIError', message });
      assert.ok(openai.calls.length <= pages.length + 1);
    });
  }

  test('reports unreadable entries and reads the others; an unreadable finished job is skipped', async () => {
    const finished = ['succeeded', 'canceled'].map((status) => jobOf({ id: 7, status }));
    const noId = [undefined, 7, '../files/file-1'].map((id) => jobOf({ id }));
    const noStatus = [undefined, '', 7, 's'.repeat(65)].map((status) => jobOf({ status }));
    const [page] = await list([
      { data: [...noId, ...noStatus, null, 'a', ...finished, ...jobs(1, 1)], has_more: false },
    ]);
    assert.equal(page?.jobs.length, 1);
    assert.deepEqual(page.unreadable, [
      ...noId.map(() => ({ jobId: undefined, unreadableFields: ['id'] })),
      ...noStatus.map(() => ({ jobId, unreadableFields: ['status'] })),
      ...[null, 'a'].map(() => ({ jobId: undefined, unreadableFields: ['the whole entry'] })),
    ]);
  });

  test('ends when its caller aborts it', async () => {
    const { list: read } = start({ list: [noAnswer] });
    await assert.rejects(Array.fromAsync(read({ signal: AbortSignal.abort(), withMetadata: false })), {
      name: 'OpenAIError',
      message: /time ran out/,
    });
  });
});
