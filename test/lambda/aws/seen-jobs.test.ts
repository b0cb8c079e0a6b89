import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulatedJob } from '../../../infra/local/providers/simulated-job.ts';
import { SeenJobs } from '../../../lambda/aws/log.ts';
import { type Curfew, startCurfew } from '../../support/curfew.ts';
import { jobOf } from '../../support/fake-ports.ts';
import { linesOf, running } from '../../support/log-lines.ts';
import { answers, says } from '../../support/wire-faults.ts';

const levelsOf = (curfew: Curfew, jobId: string) => linesOf(curfew, jobId).map(({ level }) => level);

describe('a job that goes on takes a line at INFO only if that is news', () => {
  test('when a warm function first sees it; after that at DEBUG', async () => {
    await using curfew = await startCurfew({ jobs: [running('ftjob-1', 10)] });
    for (const _sweep of [1, 2, 3]) await curfew.sweep();
    assert.deepEqual(levelsOf(curfew, 'ftjob-1'), ['INFO', 'DEBUG', 'DEBUG']);
  });

  for (const [name, job] of [
    ['exempt', running('ftjob-1', 10, 'none')],
    ['paused', simulatedJob({ id: 'ftjob-1', status: 'paused' })],
  ] as const) {
    test(`as one that is ${name}`, async () => {
      await using curfew = await startCurfew({ jobs: [job] });
      for (const _sweep of [1, 2]) await curfew.sweep();
      assert.deepEqual(levelsOf(curfew, 'ftjob-1'), [name === 'exempt' ? 'INFO' : 'WARN', 'DEBUG']);
    });
  }

  test('when what becomes of it changes', async () => {
    await using curfew = await startCurfew({ jobs: [running('ftjob-1', 10), running('ftjob-2', 10)] });
    const held = { timeBudgetMinutes: 5, cancelLimit: 1 };
    for (const request of [{}, {}, held, held, {}]) await curfew.sweep(request);
    assert.deepEqual(levelsOf(curfew, 'ftjob-1'), ['INFO', 'DEBUG', 'WARN', 'DEBUG', 'INFO']);
  });

  test('when it is left alone still, but for another status', async () => {
    const job = simulatedJob({ id: 'ftjob-1', status: 'paused' });
    await using curfew = await startCurfew({ jobs: [job] });
    await curfew.sweep();
    job.status = 'frozen';
    for (const _sweep of [1, 2]) await curfew.sweep();
    assert.deepEqual(levelsOf(curfew, 'ftjob-1'), ['WARN', 'WARN', 'DEBUG']);
  });

  test('but not when it only moves on, within its budget', async () => {
    const job = simulatedJob({ id: 'ftjob-1', status: 'queued', ageMinutes: 10 });
    await using curfew = await startCurfew({ jobs: [job] });
    await curfew.sweep();
    job.status = 'running';
    await curfew.sweep();
    assert.deepEqual(levelsOf(curfew, 'ftjob-1'), ['INFO', 'DEBUG']);
  });

  test('when its cancel failed, at every sweep', async () => {
    await using curfew = await startCurfew({ jobs: [running('ftjob-1', 400)] });
    curfew.openai.faultFor = ({ endpoint }) => (endpoint === 'cancel' ? answers(400) : undefined);
    for (const _sweep of [1, 2]) await curfew.sweep();
    assert.deepEqual(levelsOf(curfew, 'ftjob-1'), ['ERROR', 'ERROR']);
  });

  test('when somebody asks, every time, though sweeps have seen it', async () => {
    await using curfew = await startCurfew({ jobs: [simulatedJob({ id: 'ftjob-1', status: 'paused' })] });
    await curfew.sweep();
    for (const _time of [1, 2]) await curfew.cancel('ftjob-1');
    assert.deepEqual(levelsOf(curfew, 'ftjob-1'), ['WARN', 'WARN', 'WARN']);
  });

  const isNewsIn = (seen: SeenJobs) => (id: string) =>
    seen.isNews({ job: jobOf({ id }), outcome: 'within_budget' });

  test('but not for as long as it is seen again and again', () => {
    const isNews = isNewsIn(new SeenJobs());
    isNews('ftjob-1');
    for (let index = 0; index < 19_999; index += 1) isNews(`other-${index}`);
    assert.equal(isNews('ftjob-1'), false);
    isNews('one-more');
    assert.equal(isNews('ftjob-1'), false, 'the oldest is another one by now');
  });

  test('and again when it was forgotten, because very many others were seen since', () => {
    const isNews = isNewsIn(new SeenJobs());
    assert.deepEqual([isNews('ftjob-1'), isNews('ftjob-1')], [true, false]);
    for (let index = 0; index < 20_000; index += 1) isNews(`other-${index}`);
    assert.equal(isNews('ftjob-1'), true);
  });
});

describe('what is odd about a job is a warning, once', () => {
  const cases: [name: string, metadata: unknown, message: string][] = [
    [
      'a budget that cannot be read',
      { time_budget_minutes: 'soon' },
      'The metadata time_budget_minutes of ftjob-1 is neither a number of minutes nor "none": the budget of the project or deployment holds.',
    ],
    [
      'metadata that is not made of texts',
      { seed: 7 },
      'The metadata of ftjob-1 has entries that are not texts or exceed the limits of the API: they are ignored.',
    ],
  ];
  for (const [name, metadata, message] of cases) {
    test(name, async () => {
      await using curfew = await startCurfew();
      curfew.openai.faultFor = () =>
        says({ data: [{ ...running('ftjob-1', 10), metadata }], has_more: false });
      for (const _sweep of [1, 2]) await curfew.sweep();
      const warnings = curfew.logLines.filter(({ level }) => level === 'WARN');
      assert.deepEqual(
        warnings.map((line) => line['message']),
        [message],
      );
    });
  }

  test('a job that cannot be judged, at every sweep', async () => {
    await using curfew = await startCurfew();
    curfew.openai.faultFor = () =>
      says({ data: [{ id: 'ftjob-1', status: 'running' }, {}], has_more: false });
    await curfew.sweep();
    const warnings = curfew.logLines.filter(({ message }) => String(message).includes('cannot be judged'));
    assert.deepEqual(
      warnings.map(({ level, jobId, message }) => [level, jobId, message]),
      [
        ['WARN', 'ftjob-1', 'Job ftjob-1 cannot be judged: unreadable created_at. It was left alone.'],
        [
          'WARN',
          undefined,
          'A job without a readable id cannot be judged: unreadable id, status, created_at. It was left alone.',
        ],
      ],
    );
  });
});
