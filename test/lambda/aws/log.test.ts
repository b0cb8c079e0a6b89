import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulatedJob } from '../../../infra/local/providers/simulated-job.ts';
import { startCurfew } from '../../support/curfew.ts';
import { errorIn, fromLambda, linesOf, ours, running } from '../../support/log-lines.ts';
import type { LogLine } from '../../support/recorders.ts';
import { answers, says } from '../../support/wire-faults.ts';

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
      /was cancelled because its time budget had run out/,
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

test('every line says who asked, whatever it is about', async () => {
  const asked = { requestedBy: 'alice' };
  const jobs = [
    running('ftjob-overdue', 400),
    running('ftjob-near', 350),
    running('ftjob-unreadable', 10, 'ninety'),
  ];
  const odd = [
    { ...running('ftjob-odd-metadata', 10), metadata: { epochs: 3 } },
    { ...running('ftjob-odd', 10), created_at: null },
  ];
  await using curfew = await startCurfew({
    jobs,
    projects: { research: {}, broken: { secretName: 'broken' } },
    secrets: { broken: { SecretString: '' } },
  });
  curfew.openai.faultFor = ({ endpoint }) =>
    endpoint === 'list' ? says({ data: [...jobs, ...odd], has_more: false }) : undefined;
  curfew.aws.refuses = () => {
    curfew.aws.table.health = 'denied';
    return true;
  };
  await curfew.sweep({}, asked);
  await curfew.sweep({}, asked);
  await curfew.list({}, asked);
  await assert.rejects(curfew.stopAll({}, asked));
  await assert.rejects(curfew.extend('ftjob-near', 60, asked));
  const others = curfew.logLines.filter(({ requestedBy }) => requestedBy !== 'alice');
  assert.deepEqual(others, []);
  const log = curfew.logLines.map(({ message }) => message).join('\n');
  for (const text of [
    'No event could be published for ftjob-overdue',
    'could not be written',
    'could not be read',
    'is neither a number of minutes nor',
    'has entries that are not texts',
    'cannot be judged',
    'Project "broken" failed',
  ]) {
    assert.ok(log.includes(text), text);
  }
});
