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

/** A client of a provider with one running job, and with these faults. */
function start(faults: { retrieve?: Fault[]; list?: Fault[]; cancel?: Fault[] } = {}, options?: ClientOptions) {
  openai.reset(jobOf());
  for (const endpoint of ['retrieve', 'list', 'cancel'] as const) openai.fail(endpoint, faults[endpoint] ?? []);
  return createClient(openai, options);
}

/** Reads a job of which the provider says this. */
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

describe('of a job only id and status are needed: what is of another shape counts as absent', () => {
  const time = 1_795_000_000;
  const noTimes = [0, -1, 86_400, 1_420_070_399, time * 1_000, '2026-11-23T12:00:00Z', null, undefined];
  const cases: [field: object, expected: object][] = [
    ...[time, 1_420_070_400].map((at): [object, object] => [{ created_at: at }, { createdAt: at }]),
    ...noTimes.map((none): [object, object] => [{ created_at: none }, { createdAt: null }]),
    [{ estimated_finish: time }, { estimatedFinish: time }],
    ...noTimes.map((none): [object, object] => [{ estimated_finish: none }, { estimatedFinish: null }]),
    ...[7, 'm'.repeat(257), undefined].map((model): [object, object] => [{ model }, { model: null }]),
    [{ metadata: null }, { metadata: {}, hasInvalidMetadata: false }],
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

test('a look that failed is made again after the wait that was asked for', async () => {
  const waits: [headers: Record<string, string>, leastMs: number, mostMs: number][] = [
    [{ 'retry-after': 'soon' }, 300, 320],
    // Rounded up to the seconds that ky knows.
    [{ 'retry-after-ms': '800', 'retry-after': '7' }, 800, 1_020],
    [{ 'retry-after': '2' }, 2_000, 2_020],
  ];
  for (const [headers, leastMs, mostMs] of waits) {
    await start({ retrieve: [answers(503, headers)] }).retrieve(jobId);
    const [, waitMs = 0] = openai.times('retrieve');
    assert.ok(waitMs >= leastMs && waitMs <= mostMs, `${waitMs} ms`);
  }
});

describe('a 404 for a job', () => {
  const gateway = says('<html>Not found</html>', {}, 404);
  const notFound = { name: 'JobNotFoundError', message: /no fine-tuning job "ftjob-abc123".*Check the job id/ };

  test('is the word of the API if it says fine_tune_not_found, as its code or type', async () => {
    for (const error of [{ code: 'fine_tune_not_found' }, { code: null, type: 'fine_tune_not_found' }]) {
      await assert.rejects(start({ retrieve: [refuses(404, error)] }).retrieve(jobId), notFound);
      assert.deepEqual(openai.endpoints(), ['retrieve']);
    }
  });

  test('is believed if the same key can list jobs, which is asked once', async () => {
    const { retrieve } = start({ retrieve: [gateway, gateway] });
    for (const _ of [1, 2]) await assert.rejects(retrieve(jobId), notFound);
    assert.deepEqual(openai.endpoints(), ['retrieve', 'list', 'retrieve']);
  });

  const lists: [name: string, fault: Fault, error: string, message: RegExp][] = [
    ['is 404 as well', gateway, 'OpenAIError', /no fine-tuning API at this address \(404\)\. Check openaiBaseUrl/],
    ['is refused', answers(401), 'AuthenticationError', /list the jobs.*answered 401/],
    ['fails', answers(500, { 'x-should-retry': 'false' }), 'OpenAIError', /list the jobs.*answered 500/],
    ['is no list', says('<html>'), 'OpenAIError', /not JSON/],
    ['is over the limit', answers(429, anHour), 'RateLimitError', /answered 429/],
  ];
  for (const [name, fault, error, message] of lists) {
    test(`is ${error} if the list ${name}`, async () => {
      await assert.rejects(start({ retrieve: [gateway], list: [fault] }).retrieve(jobId), { name: error, message });
    });
  }
});

describe('a cancel', () => {
  test('that is refused is sent again with a key that was rotated meanwhile, after another look', async () => {
    const { cancelJob } = start({ cancel: [answers(401)] }, { credential: rotatingKey('sk-old', apiKey) });
    openai.apiKeys.add('sk-old');
    assert.equal((await cancelJob(jobId)).outcome, 'cancelled');
    assert.deepEqual(openai.endpoints(), ['retrieve', 'cancel', 'retrieve', 'cancel']);
  });

  test('that is answered with nothing is accepted, and the job is read', async () => {
    for (const nothing of [says(''), says('{}'), says('null'), says('', {}, 204)]) {
      assert.deepEqual(await start({ cancel: [nothing] }).cancel(jobId), { kind: 'accepted', job: null });
      assert.equal((await start({ cancel: [nothing] }).cancelJob(jobId)).finalStatus, 'running');
    }
  });

  test('is followed by no look in a silence that was asked for, and the error says so', async () => {
    const message = /answered 429.*It is unknown whether the cancel had an effect/;
    const { cancelJob } = start({ cancel: [answers(429, anHour)] });
    await assert.rejects(cancelJob(jobId), { name: 'RateLimitError', message });
    assert.deepEqual(openai.endpoints(), ['retrieve', 'cancel']);
  });
});

test('an answer about another job is OpenAIError, and no evidence of anything', async () => {
  const other = aboutAnotherJob('ftjob-other');
  const { cancelJob } = start({ retrieve: [other] });
  await assert.rejects(cancelJob(jobId), { name: 'OpenAIError', message: /about another job/ });
  assert.deepEqual(openai.endpoints(), ['retrieve']);
  await assert.rejects(start({ cancel: [answers(400)], retrieve: [right, other] }).cancelJob(jobId), {
    name: 'OpenAIError',
    message: /answered 400.*could not be read again/,
  });
  // The cancel was carried out, as a look at the right job shows.
  assert.equal((await start({ cancel: [other] }).cancelJob(jobId)).outcome, 'cancelled');
  assert.deepEqual(openai.endpoints(), ['retrieve', 'cancel', 'retrieve']);
});

describe('a list', () => {
  const jobs = (first: number, count: number) =>
    Array.from({ length: count }, (_, index) => jobOf({ id: `ftjob-${first + index}` }));
  /** Lists what the provider says page by page, whatever is asked for; the last page comes again and again. */
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

  test('goes on behind the last id that can be read, as it is, even if no job may have it', async () => {
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

  test('ends when whoever wants it gives it up', async () => {
    const { list: read } = start({ list: [noAnswer] });
    await assert.rejects(Array.fromAsync(read({ signal: AbortSignal.abort(), withMetadata: false })), {
      name: 'OpenAIError',
      message: /time ran out/,
    });
  });
});
