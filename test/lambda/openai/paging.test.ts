import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Answer } from '../../../infra/local/providers/endpoints.ts';
import { simulatedJob } from '../../../infra/local/providers/simulated-job.ts';
import { type Curfew, startCurfew } from '../../support/curfew.ts';

const overdue = (id: string, more: object = {}) => ({
  ...simulatedJob({ id, status: 'running', ageMinutes: 400 }),
  ...more,
});

/** A curfew at a provider that lists these pages, one after the other, whatever is asked for. */
async function startWithPages(pages: unknown[][], hasMoreAtEnd = false): Promise<Curfew> {
  const jobs = pages.flat().filter((entry): entry is ReturnType<typeof simulatedJob> => {
    return typeof entry === 'object' && entry !== null && 'id' in entry && typeof entry.id === 'string';
  });
  const curfew = await startCurfew({ jobs });
  let next = 0;
  const page = (): Answer => {
    const data = pages[next] ?? pages.at(-1);
    next += 1;
    return { status: 200, body: { object: 'list', data, has_more: next < pages.length || hasMoreAtEnd } };
  };
  curfew.openai.faultFor = ({ endpoint }) => (endpoint === 'list' ? page : undefined);
  return curfew;
}

const cursors = ({ openai }: Curfew) =>
  openai.calls.filter(({ endpoint }) => endpoint === 'list').map(({ url }) => url.searchParams.get('after'));

describe('a job with something odd, which does not matter, is swept as any other', {
  concurrency: true,
}, () => {
  const oddities: Record<string, object> = {
    'model null': { model: null },
    'no model': { model: undefined },
    'a model that is a number': { model: 7 },
    'metadata that is a list': { metadata: ['a'] },
    'metadata that is a text': { metadata: 'a' },
    'metadata with numbers': { metadata: { team: 7, deep: { er: [] } } },
    'an estimated finish that is a text': { estimated_finish: 'tomorrow' },
    'an id with dots': { id: 'ftjob.a.b' },
    'an id with colons': { id: 'ftjob:a:b' },
    'no field but id, status and created_at': Object.fromEntries(
      Object.keys(overdue('ftjob-odd'))
        .filter((field) => !['id', 'status', 'created_at'].includes(field))
        .map((field) => [field, undefined]),
    ),
  };
  for (const [name, oddity] of Object.entries(oddities)) {
    test(name, async () => {
      await using curfew = await startWithPages([[overdue('ftjob-1'), overdue('ftjob-odd', oddity)]]);
      const { complete, inspected, cancelled } = await curfew.sweep();
      assert.deepEqual({ complete, inspected, cancelled }, { complete: true, inspected: 2, cancelled: 2 });
    });
  }

  test('metadata nested a hundred thousand times', async () => {
    const depth = 100_000;
    await using curfew = await startWithPages([]);
    const job = JSON.stringify(overdue('ftjob-deep')).replace(
      '"metadata":null',
      `"metadata":{"deep":${'['.repeat(depth)}${']'.repeat(depth)}}`,
    );
    curfew.openai.faultFor = ({ endpoint }) =>
      endpoint === 'list' ? () => ({ status: 200, body: `{"data":[${job}],"has_more":false}` }) : undefined;
    curfew.openai.jobs.set('ftjob-deep', overdue('ftjob-deep'));
    const { complete, cancelled } = await curfew.sweep();
    assert.deepEqual({ complete, cancelled }, { complete: true, cancelled: 1 });
  });
});

describe('a job that cannot be judged is skipped, the sweep goes on and is incomplete', {
  concurrency: true,
}, () => {
  const unreadable: Record<string, unknown> = {
    'no id': overdue('x', { id: undefined }),
    'an id that is a number': overdue('x', { id: 7 }),
    'an id that would reach another path': overdue('x', { id: '../files/file-1' }),
    'no status': overdue('ftjob-odd', { status: undefined }),
    'an empty status': overdue('ftjob-odd', { status: '' }),
    'no created_at': overdue('ftjob-odd', { created_at: undefined }),
    'a created_at that is a text': overdue('ftjob-odd', { created_at: '2026-11-23T12:00:00Z' }),
    'a created_at in milliseconds': overdue('ftjob-odd', { created_at: 1_795_000_000_000 }),
    'a negative created_at': overdue('ftjob-odd', { created_at: -1 }),
    null: null,
    'a text': 'ftjob-odd',
    'a list': ['ftjob-odd'],
  };
  for (const [name, entry] of Object.entries(unreadable)) {
    for (const where of ['in the middle', 'at the end'] as const) {
      test(`${name} ${where} of a page`, async () => {
        const page = where === 'at the end' ? [overdue('ftjob-1'), entry] : [entry, overdue('ftjob-1')];
        await using curfew = await startWithPages([page, [overdue('ftjob-2')]]);
        const { complete, inspected, cancelled } = await curfew.sweep();
        assert.deepEqual({ complete, inspected, cancelled }, { complete: false, inspected: 2, cancelled: 2 });
        assert.ok(curfew.logLines.some((line) => /cannot be judged/.test(String(line['message']))));
      });
    }
  }

  for (const status of ['succeeded', 'failed', 'cancelled', 'canceled']) {
    test(`but one that is ${status} is of no more interest, and the sweep is complete`, async () => {
      const done = overdue('ftjob-odd', { status, created_at: undefined });
      await using curfew = await startWithPages([[done, overdue('ftjob-1')]]);
      const { complete, cancelled } = await curfew.sweep();
      assert.deepEqual({ complete, cancelled }, { complete: true, cancelled: 1 });
    });
  }
});

test('a created_at of 0 at the end of a page hides no later page', async () => {
  await using curfew = await startWithPages([
    [overdue('ftjob-1'), overdue('ftjob-zero', { created_at: 0 })],
    [overdue('ftjob-2')],
  ]);
  const { complete, cancelled } = await curfew.sweep();
  assert.deepEqual({ complete, cancelled }, { complete: true, cancelled: 2 });
});

test('a job on two pages, however far apart, is counted, cancelled and published once', async () => {
  const twice = overdue('ftjob-twice');
  await using curfew = await startWithPages([
    [overdue('ftjob-1'), twice],
    [twice, overdue('ftjob-2')],
    [overdue('ftjob-3')],
    [twice, overdue('ftjob-4')],
  ]);
  const { inspected, cancelled } = await curfew.sweep();
  assert.deepEqual({ inspected, cancelled }, { inspected: 5, cancelled: 5 });
  assert.equal(curfew.aws.events.filter(({ detail }) => detail['jobId'] === 'ftjob-twice').length, 1);
  assert.equal(curfew.openai.calls.filter(({ jobId }) => jobId === 'ftjob-twice').length, 1);
});

describe('the next page is asked for', () => {
  test('behind the last id that can be read, as it is, even if no job may have it', async () => {
    await using curfew = await startWithPages([
      [overdue('ftjob-1'), overdue('x', { id: 'a b&c=/../?' })],
      [overdue('ftjob-2'), null, overdue('x', { id: 7 })],
      [overdue('ftjob-3')],
    ]);
    await curfew.sweep();
    assert.deepEqual(cursors(curfew), [null, 'a b&c=/../?', 'ftjob-2']);
  });

  const endless: Record<string, unknown[][]> = {
    'a page that is empty': [[overdue('ftjob-1')], []],
    'a page without a readable id': [[overdue('ftjob-1')], [{}]],
    'the same page again': [[overdue('ftjob-1')]],
    'pages in a circle': [
      [overdue('ftjob-1')],
      [overdue('ftjob-2')],
      [overdue('ftjob-3'), overdue('ftjob-1')],
    ],
  };
  for (const [name, pages] of Object.entries(endless)) {
    test(`not for ever: ${name}, yet more are said to follow, is OpenAIError once all found is cancelled`, async () => {
      await using curfew = await startWithPages(pages, true);
      await assert.rejects(curfew.sweep(), { name: 'OpenAIError', message: /empty or repeats itself/ });
      assert.ok(cursors(curfew).length <= pages.length + 1);
      for (const { id, status } of curfew.openai.jobs.values()) assert.equal(status, 'cancelled', id);
    });
  }
});
