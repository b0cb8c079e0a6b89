import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startFineTuningSimulator } from '../../../infra/local/fine-tuning-simulator.ts';
import { simulatedJob } from '../../../infra/local/simulated-job.ts';
import { SeenJobs } from '../../../lambda/aws/log.ts';
import { type Curfew, startCurfew } from '../../support/curfew.ts';
import { jobOf } from '../../support/fake-ports.ts';
import type { LogLine } from '../../support/recorders.ts';
import { answers, noAnswer, says } from '../../support/wire-faults.ts';

const running = (id: string, ageMinutes: number, budget?: string) =>
  simulatedJob({
    id,
    status: 'running',
    ageMinutes,
    metadata: budget === undefined ? null : { time_budget_minutes: budget },
  });
const linesOf = ({ logLines }: Curfew, jobId: string) => logLines.filter((line) => line['jobId'] === jobId);
const levelsOf = (curfew: Curfew, jobId: string) => linesOf(curfew, jobId).map(({ level }) => level);
/** The part of a line that we write, without the time and what Lambda adds. */
const ours = (line: LogLine = {}) => {
  const theirs = [
    'timestamp',
    'service',
    'function_arn',
    'function_memory_size',
    'cold_start',
    'sampling_rate',
  ];
  return Object.fromEntries(Object.entries(line).filter(([key]) => !theirs.includes(key)));
};
const errorIn = (line: LogLine | undefined) => line?.['error'] as LogLine | undefined;
const fromLambda = { function_name: 'fine-tuning-curfew', function_request_id: 'request-1' };

describe('a decision is one line', () => {
  test('of a cancel on request', async () => {
    await using curfew = await startCurfew({ jobs: [running('ftjob-1', 100)] });
    await curfew.cancel('ftjob-1', { requestedBy: 'alice, INC-1234' });
    assert.deepEqual(curfew.logLines.map(ours), [
      {
        level: 'INFO',
        message:
          'Fine-tuning job ftjob-1 was cancelled as asked (alice, INC-1234); it was running, 100 minutes old, with a time budget of 360 minutes.',
        jobId: 'ftjob-1',
        outcome: 'cancelled',
        reason: 'requested',
        requestedBy: 'alice, INC-1234',
        initialStatus: 'running',
        finalStatus: 'cancelled',
        ageMinutes: 100,
        timeBudgetMinutes: 360,
        model: 'gpt-4o-mini-2024-07-18',
        ...fromLambda,
      },
    ]);
  });

  const decisions: [name: string, job: ReturnType<typeof running>, expected: LogLine, message: RegExp][] = [
    [
      'an overdue job',
      running('ftjob-1', 400),
      { level: 'INFO', outcome: 'cancelled', reason: 'time_budget', ageMinutes: 400, timeBudgetMinutes: 360 },
      /was cancelled because its time budget was over/,
    ],
    [
      'a job within its budget',
      running('ftjob-1', 40, '90.5'),
      { level: 'INFO', outcome: 'within_budget', finalStatus: null, timeBudgetMinutes: 90.5 },
      /goes on: it is 40 minutes old, with a time budget of 90.5 minutes/,
    ],
    [
      'an exempt job',
      running('ftjob-1', 4000, 'none'),
      { level: 'INFO', outcome: 'exempt', timeBudgetMinutes: null },
      /goes on: it is exempt/,
    ],
    [
      'a job that is neither in progress nor finished',
      simulatedJob({ id: 'ftjob-1', status: 'paused' }),
      { level: 'WARN', outcome: 'not_cancellable' },
      /has the status paused; it was left alone/,
    ],
    [
      'a job of an unknown status',
      simulatedJob({ id: 'ftjob-1', status: 'frozen' }),
      { level: 'WARN', outcome: 'not_cancellable' },
      /has the unknown status frozen; it was left alone/,
    ],
  ];
  for (const [name, job, expected, message] of decisions) {
    test(`of a sweep: ${name}`, async () => {
      await using curfew = await startCurfew({ jobs: [job] });
      await curfew.sweep({}, { requestedBy: 'rule' });
      const [line, ...others] = linesOf(curfew, 'ftjob-1');
      assert.deepEqual(others, []);
      assert.ok(line);
      assert.match(String(line['message']), message);
      assert.deepEqual(line, { ...line, ...expected, requestedBy: 'rule' });
    });
  }

  test('of a sweep: a job that is held back, at level WARN', async () => {
    const jobs = [running('ftjob-1', 400), running('ftjob-2', 400)];
    await using curfew = await startCurfew({ jobs, settings: { cancelLimit: 1 } });
    await curfew.sweep();
    const [line] = linesOf(curfew, 'ftjob-1');
    assert.deepEqual([line?.['level'], line?.['outcome']], ['WARN', 'held_back']);
  });

  test('of a sweep: a job whose cancel failed, at level ERROR', async () => {
    await using curfew = await startCurfew({ jobs: [running('ftjob-1', 400)] });
    curfew.openai.faultFor = ({ endpoint }) => (endpoint === 'cancel' ? answers(400) : undefined);
    await curfew.sweep();
    const [line] = linesOf(curfew, 'ftjob-1');
    assert.deepEqual([line?.['level'], line?.['outcome']], ['ERROR', 'failed']);
    assert.match(String(line?.['message']), /could not be cancelled; it is 400 minutes old.*answered 400/);
  });

  test('with its project, if there are several', async () => {
    await using curfew = await startCurfew({ jobs: [running('ftjob-1', 400)], projects: { research: {} } });
    await curfew.sweep();
    const [line] = linesOf(curfew, 'ftjob-1');
    assert.equal(line?.['project'], 'research');
    assert.match(String(line['message']), /^Fine-tuning job ftjob-1 of project research was cancelled/);
  });

  test('without the metadata, which may hold anything', async () => {
    const job = { ...running('ftjob-1', 400), metadata: { owner: 'alice@example.com' } };
    await using curfew = await startCurfew({ jobs: [job] });
    await curfew.sweep();
    assert.ok(!JSON.stringify(curfew.logLines).includes('alice@example.com'));
  });
});

describe('an error message is whole in the log, and cut in the answer', () => {
  const isLong = (message: unknown) => /the job is now "running"/.test(String(message));

  test('of one job', async () => {
    await using curfew = await startCurfew({ jobs: [running('ftjob-1', 400)] });
    curfew.openai.faultFor = ({ endpoint }) => (endpoint === 'cancel' ? answers(400) : undefined);
    const [entry] = (await curfew.sweep()).jobs;
    assert.equal(entry?.error?.message.length, 160);
    const [line] = linesOf(curfew, 'ftjob-1');
    assert.ok(isLong(line?.['message']), String(line?.['message']));
    assert.ok(isLong(errorIn(line)?.['message']));
  });

  test('of a project', async () => {
    const secretName = `${'long/'.repeat(40)}name`;
    await using curfew = await startCurfew({
      projects: { research: {}, broken: { secretName } },
      secrets: { [secretName]: { SecretString: '' } },
    });
    const [failed] = (await curfew.sweep()).failedProjects ?? [];
    assert.equal(failed?.error.message.length, 160);
    const line = curfew.logLines.find(({ level }) => level === 'ERROR');
    assert.match(String(line?.['message']), /put-secret-value/);
  });
});

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

  test('when its cancel failed, at every sweep', async () => {
    await using curfew = await startCurfew({ jobs: [running('ftjob-1', 400)] });
    curfew.openai.faultFor = ({ endpoint }) => (endpoint === 'cancel' ? answers(400) : undefined);
    for (const _sweep of [1, 2]) await curfew.sweep();
    assert.deepEqual(levelsOf(curfew, 'ftjob-1'), ['ERROR', 'ERROR']);
  });

  test('when somebody asks, every time', async () => {
    await using curfew = await startCurfew({ jobs: [running('ftjob-1', 10)] });
    for (const _time of [1, 2]) await curfew.cancel('ftjob-1', { dryRun: true });
    assert.deepEqual(levelsOf(curfew, 'ftjob-1'), ['INFO', 'INFO']);
  });

  test('and again when it was forgotten, because very many others were seen since', () => {
    const seen = new SeenJobs();
    const isNews = (id: string) =>
      seen.isNews({
        job: jobOf({ id }),
        outcome: 'within_budget',
      });
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
      'The metadata time_budget_minutes of ftjob-1 is neither minutes nor "none": the default holds.',
    ],
    [
      'metadata that is not made of texts',
      { seed: 7 },
      'The metadata of ftjob-1 is not made of texts: what is not is ignored.',
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

describe('a sweep ends in one line with its counts', () => {
  test('at level INFO, that says who asked', async () => {
    await using curfew = await startCurfew({ jobs: [running('ftjob-1', 400), running('ftjob-2', 10)] });
    await curfew.sweep({}, { requestedBy: 'rule' });
    assert.deepEqual(ours(curfew.logLines.at(-1)), {
      level: 'INFO',
      message: 'Swept: 2 inspected, 2 in progress, 1 overdue, 1 cancelled, 0 held back, 0 failed.',
      requestedBy: 'rule',
      complete: true,
      dryRun: false,
      inspected: 2,
      inProgress: 2,
      overdue: 1,
      notCancellable: 0,
      cancelled: 1,
      alreadyFinished: 0,
      wouldCancel: 0,
      heldBack: 0,
      failed: 0,
      ...fromLambda,
    });
  });

  test('that says so in a dry run', async () => {
    await using curfew = await startCurfew({ jobs: [running('ftjob-1', 400)] });
    await curfew.sweep({ dryRun: true });
    assert.equal(
      curfew.logLines.at(-1)?.['message'],
      'Swept (dry run): 1 inspected, 1 in progress, 1 overdue, 0 cancelled, 0 held back, 0 failed.',
    );
  });

  test('that names once each status that is neither in progress nor finished', async () => {
    const statuses = ['paused', 'frozen', 'paused'];
    await using curfew = await startCurfew({ jobs: statuses.map((status) => simulatedJob({ status })) });
    await curfew.sweep();
    assert.match(
      String(curfew.logLines.at(-1)?.['message']),
      /, 3 left alone \((paused, unknown: frozen|unknown: frozen, paused)\)\.$/,
    );
  });

  test('that says how many projects were looked at, if there are several', async () => {
    await using curfew = await startCurfew({ projects: { research: {}, production: {} } });
    await curfew.sweep();
    assert.equal(curfew.logLines.at(-1)?.['projects'], 2);
  });

  test('at level WARN if it is not complete', async () => {
    await using curfew = await startCurfew();
    curfew.openai.faultFor = () => noAnswer;
    await curfew.sweep({}, { remainingMilliseconds: 2_000 });
    const line = curfew.logLines.at(-1);
    assert.equal(line?.['level'], 'WARN');
    assert.match(
      String(line['message']),
      /^Swept in part, because time ran out, listing failed or a job could not be judged: 0 inspected, /,
    );
  });
});

describe('other requests end in a line that says who asked', () => {
  const alice = { requestedBy: 'alice' };

  test('stopping everything', async () => {
    await using curfew = await startCurfew({ jobs: [running('ftjob-1', 10)] });
    await curfew.stopAll({}, alice);
    const line = curfew.logLines.at(-1);
    assert.equal(line?.['message'], 'Stop all: 1 inspected, 1 in progress, 1 cancelled, 0 failed.');
    assert.deepEqual([line['level'], line['requestedBy'], line['complete']], ['INFO', 'alice', true]);
  });

  test('an extension that takes effect', async () => {
    const job = running('ftjob-1', 10);
    await using curfew = await startCurfew({ jobs: [job] });
    const { deadline, previousDeadline } = await curfew.extend('ftjob-1', 600, alice);
    const line = curfew.logLines.at(-1);
    assert.equal(
      line?.['message'],
      `Fine-tuning job ftjob-1 may run until ${deadline}, as asked (alice); it was ${previousDeadline}.`,
    );
    assert.deepEqual([line['requestedBy'], line['minutes'], line['deadline']], ['alice', 600, deadline]);
  });

  test('an extension that does not', async () => {
    await using curfew = await startCurfew({ jobs: [running('ftjob-1', 10, 'none')] });
    await curfew.extend('ftjob-1', 600, alice);
    assert.equal(
      curfew.logLines.at(-1)?.['message'],
      'Fine-tuning job ftjob-1 (running) keeps its deadline, which is none; 600 minutes were asked for (alice).',
    );
  });
});

describe('a failure is a line with its name, and who asked', () => {
  test('of a request', async () => {
    await using curfew = await startCurfew();
    await assert.rejects(curfew.cancel('ftjob-none', { requestedBy: 'alice' }));
    const [line, ...others] = curfew.logLines;
    assert.deepEqual(others, []);
    assert.deepEqual([line?.['level'], line?.['requestedBy']], ['ERROR', 'alice']);
    assert.equal(errorIn(line)?.['name'], 'JobNotFoundError');
    assert.match(String(line?.['message']), /ftjob-none/);
  });

  test('of a request that is none', async () => {
    await using curfew = await startCurfew();
    await assert.rejects(curfew.invoke({ jobId: 7, requestedBy: 'alice' }));
    const [line] = curfew.logLines;
    assert.deepEqual([line?.['level'], line?.['requestedBy']], ['ERROR', 'direct']);
  });

  test('of a project: one line, with its name', async () => {
    await using broken = await startFineTuningSimulator();
    await using curfew = await startCurfew({
      projects: { research: {}, broken: { openaiBaseUrl: broken.baseUrl, secretName: 'broken' } },
      secrets: { broken: { SecretString: 'sk-broken' } },
    });
    await curfew.sweep();
    const errors = curfew.logLines.filter(({ level }) => level === 'ERROR');
    assert.equal(errors.length, 1);
    const [line] = errors;
    assert.equal(line?.['project'], 'broken');
    assert.match(String(line?.['message']), /^Project "broken" failed: .*answered 401/);
    assert.equal(errorIn(line)?.['name'], 'AuthenticationError');
  });
});
