import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type SimulatedJob, simulatedJob } from '../../../infra/local/providers/simulated-job.ts';
import { type Curfew, startCurfew } from '../../support/curfew.ts';

const nearType = 'Fine-Tuning Job Near Its Time Budget';
const warnings = ({ aws }: Curfew) => aws.events.filter(({ detailType }) => detailType === nearType);
/** Twenty minutes before the end of the usual budget. */
const nearJob = (fields: Partial<SimulatedJob> = {}) =>
  simulatedJob({ id: 'ftjob-1', status: 'running', ageMinutes: 340, ...fields });
const inSeconds = (seconds: number) => Math.floor(Date.now() / 1000) + seconds;

test('the event says what a rule needs to reach the owner, or to extend the job', async () => {
  const metadata = { owner: 'alice', time_budget_minutes: '345' };
  const job = nearJob({ metadata, estimated_finish: inSeconds(3600) });
  await using curfew = await startCurfew({ jobs: [job], settings: { name: 'eu', dryRun: true } });
  await curfew.sweep({}, { requestedBy: 'rule' });
  const deadline = new Date((job.created_at + 345 * 60) * 1000).toISOString();
  assert.deepEqual(
    warnings(curfew).map(({ source, detail }) => ({ source, ...detail })),
    [
      {
        source: 'fine-tuning-curfew',
        curfew: 'eu',
        jobId: 'ftjob-1',
        requestedBy: 'rule',
        status: 'running',
        ageMinutes: 340,
        timeBudgetMinutes: 345,
        budgetFrom: 'metadata',
        deadline,
        minutesLeft: 4,
        estimatedFinish: new Date((job.estimated_finish ?? 0) * 1000).toISOString(),
        willNotFinish: true,
        dryRun: true,
        model: 'gpt-4o-mini-2024-07-18',
        metadata,
        summary:
          `Fine-tuning job ftjob-1 would be cancelled in 4 minutes, at ${deadline}, ` +
          'unless it is extended, but this is a dry run. The provider expects it to finish only after that.',
      },
    ],
  );
});

describe('a job is warned about once for each deadline', () => {
  test('however many sweeps find it', async () => {
    await using curfew = await startCurfew({ jobs: [nearJob()] });
    for (let sweep = 1; sweep <= 3; sweep += 1) await curfew.sweep();
    assert.equal(warnings(curfew).length, 1);
    assert.equal(curfew.aws.table.writes, 1, 'what the table says already is not written again');
  });

  test('by two sweeps at once', async () => {
    await using curfew = await startCurfew({ jobs: [nearJob()] });
    await Promise.all([curfew.sweep(), curfew.sweep()]);
    assert.equal(warnings(curfew).length, 1);
  });

  test('again after an extension, when that deadline is near', async () => {
    await using curfew = await startCurfew({ jobs: [nearJob()] });
    await curfew.sweep();
    await curfew.extend('ftjob-1', 120);
    await curfew.sweep();
    assert.equal(warnings(curfew).length, 1, 'two hours are not near');
    await curfew.extend('ftjob-1', 25);
    curfew.aws.table.rows.set('ftjob-1', {
      ...curfew.aws.table.rows.get('ftjob-1'),
      jobId: 'ftjob-1',
      extendedUntil: inSeconds(25 * 60),
    });
    await curfew.sweep();
    await curfew.sweep();
    assert.deepEqual(
      warnings(curfew).map(({ detail }) => detail['budgetFrom']),
      ['default', 'extension'],
    );
  });

  test('not again near the deadline, if it was warned that the job will not finish', async () => {
    const job = simulatedJob({ id: 'ftjob-1', status: 'running', estimated_finish: inSeconds(86_400) });
    await using curfew = await startCurfew({ jobs: [job] });
    await curfew.sweep();
    assert.equal(warnings(curfew)[0]?.detail['willNotFinish'], true);
    job.created_at -= 340 * 60;
    curfew.aws.table.rows.set('ftjob-1', { jobId: 'ftjob-1', warnedFor: job.created_at + 360 * 60 });
    await curfew.sweep();
    assert.equal(warnings(curfew).length, 1);
  });

  test('with its project', async () => {
    await using curfew = await startCurfew({ jobs: [nearJob()], projects: { research: {} } });
    await curfew.sweep();
    assert.equal(warnings(curfew)[0]?.detail['project'], 'research');
  });
});

describe('nobody is warned', () => {
  const cases: [why: string, job: SimulatedJob, request: object, warnBeforeMinutes?: number][] = [
    ['by a sweep with a budget of its own', nearJob(), { timeBudgetMinutes: 345 }],
    ['by a sweep whose request says dryRun', nearJob(), { dryRun: true }],
    ['if warnBeforeMinutes is 0', nearJob({ estimated_finish: inSeconds(86_400) }), {}, 0],
    ['about a job that is overdue', nearJob({ created_at: inSeconds(-360 * 60) }), {}],
    ['about an exempt job', nearJob({ metadata: { time_budget_minutes: 'none' } }), {}],
    ['about a job that is paused', nearJob({ status: 'paused' }), {}],
    ['about a job that has finished', nearJob({ status: 'succeeded' }), {}],
  ];
  for (const [why, job, request, warnBeforeMinutes = 30] of cases) {
    test(why, async () => {
      await using curfew = await startCurfew({ jobs: [job], settings: { warnBeforeMinutes } });
      await curfew.sweep(request);
      assert.deepEqual(warnings(curfew), []);
    });
  }

  test('about jobs far from any deadline, for which the table is not even read', async () => {
    await using curfew = await startCurfew({ jobs: [simulatedJob({ status: 'running', ageMinutes: 100 })] });
    await curfew.sweep();
    assert.equal(curfew.aws.table.reads, 0);
  });
});

test('dryRun false in the request keeps nobody from a warning', async () => {
  await using curfew = await startCurfew({ jobs: [nearJob()] });
  await curfew.sweep({ dryRun: false });
  assert.equal(warnings(curfew)[0]?.detail['dryRun'], false);
});

test('a warning that could not be published is left to the next sweep', async () => {
  await using curfew = await startCurfew({ jobs: [nearJob()] });
  curfew.aws.refuses = ({ detailType }) => detailType === nearType;
  await curfew.sweep();
  assert.deepEqual(warnings(curfew), []);
  assert.equal(curfew.aws.table.rows.get('ftjob-1')?.['warnedFor'], undefined);
  curfew.aws.refuses = () => false;
  await curfew.sweep();
  assert.equal(warnings(curfew).length, 1);
});

describe('if the table is down, a warning is left to the next sweep', () => {
  const table = async (breaks: (curfew: Curfew) => void, message: RegExp) => {
    await using curfew = await startCurfew({ jobs: [nearJob()] });
    breaks(curfew);
    const { complete, overdue, failed } = await curfew.sweep();
    assert.deepEqual([complete, overdue, failed], [true, 0, 0]);
    assert.deepEqual(warnings(curfew), []);
    const lines = curfew.logLines.filter(({ level }) => level === 'WARN');
    assert.match(String(lines[0]?.['message']), message);
    curfew.aws.table.health = 'up';
    curfew.aws.table.leaves = () => false;
    await curfew.sweep();
    assert.equal(warnings(curfew).length, 1);
  };

  test('because its row cannot be read', () =>
    table(({ aws }) => {
      aws.table.health = 'denied';
    }, /^ftjob-1: The table of extensions could not be read/));

  test('because it cannot be noted', () =>
    table(({ aws }) => {
      const { table: stub } = aws;
      // Asked for each row that is read, so what comes after the first read fails.
      stub.leaves = () => {
        queueMicrotask(() => {
          stub.health = 'denied';
        });
        return false;
      };
    }, /^ftjob-1: The table of extensions could not be written/));
});
