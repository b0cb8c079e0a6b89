import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulatedJob } from '../../../infra/local/providers/simulated-job.ts';
import { type Curfew, startCurfew } from '../../support/curfew.ts';

const metadata = { team: 'search', time_budget_minutes: '90' };
const jobOfAge = (ageMinutes: number, id = 'ftjob-1') =>
  simulatedJob({ id, status: 'running', ageMinutes, metadata });
const overdueJob = (id?: string) => jobOfAge(100, id);
const nearJob = (id?: string) => jobOfAge(70, id);
const idsOf = ({ aws }: Curfew) => aws.events.map(({ detail: { jobId } }) => jobId);
const typesOf = ({ aws }: Curfew) => aws.events.map(({ detailType }) => detailType);

describe('a failure to publish neither undoes nor hides a cancel', { concurrency: true }, () => {
  test('on an event bus that is down', async () => {
    await using curfew = await startCurfew({ jobs: [overdueJob()] });
    curfew.aws.eventBus = 'down';
    assert.equal((await curfew.cancel('ftjob-1')).outcome, 'cancelled');
    assert.deepEqual(unpublished(curfew), [
      [
        'ERROR',
        'ftjob-1',
        'No event could be published for ftjob-1 (InternalException). What was decided holds.',
      ],
    ]);
  });

  test('on an event bus that is silent, which delays the answer by two seconds at most', async () => {
    await using curfew = await startCurfew({ jobs: [overdueJob()] });
    curfew.aws.eventBus = 'silent';
    // What a cold start takes is not to be measured here.
    await curfew.list();
    const startedAt = performance.now();
    assert.equal((await curfew.cancel('ftjob-1')).outcome, 'cancelled');
    const took = performance.now() - startedAt;
    assert.ok(took > 1_900 && took < 3_000, `${took} ms`);
    assert.deepEqual(unpublished(curfew), [
      ['ERROR', 'ftjob-1', 'No event could be published for ftjob-1 (AbortError). What was decided holds.'],
    ]);
  });

  test('on an event bus that is silent, with hardly any time left', async () => {
    await using curfew = await startCurfew({ jobs: [overdueJob()] });
    curfew.aws.eventBus = 'silent';
    await curfew.list();
    assert.equal((await curfew.cancel('ftjob-1', { remainingMilliseconds: 2_000 })).outcome, 'cancelled');
    assert.equal(unpublished(curfew).length, 1);
  });

  test('on an event bus that is silent, for very many events', async () => {
    const jobs = Array.from({ length: 35 }, (_, index) => overdueJob(`ftjob-${index}`));
    await using curfew = await startCurfew({ jobs, settings: { cancelLimit: 'none' } });
    curfew.aws.eventBus = 'silent';
    const startedAt = performance.now();
    assert.equal((await curfew.sweep()).cancelled, 35);
    assert.ok(performance.now() - startedAt < 4_000);
    assert.equal(unpublished(curfew).length, 35);
  });

  test('of one event among others', async () => {
    const jobs = ['ftjob-1', 'ftjob-2', 'ftjob-3'].map(overdueJob);
    await using curfew = await startCurfew({ jobs });
    curfew.aws.refuses = ({ detail: { jobId } }) => jobId === 'ftjob-2';
    assert.equal((await curfew.sweep()).cancelled, 3);
    assert.deepEqual(idsOf(curfew).toSorted(), ['ftjob-1', 'ftjob-3']);
    assert.deepEqual(curfew.aws.batchSizes, [3, 1, 1], 'three attempts');
    assert.deepEqual(unpublished(curfew), [
      [
        'ERROR',
        'ftjob-2',
        'No event could be published for ftjob-2 (ThrottlingException). What was decided holds.',
      ],
    ]);
  });
});

test('an event that the bus refuses for the moment is sent again, and no other with it', async () => {
  const jobs = ['ftjob-1', 'ftjob-2', 'ftjob-3'].map(overdueJob);
  await using curfew = await startCurfew({ jobs });
  let refusals = 2;
  curfew.aws.refuses = ({ detail: { jobId } }) => jobId === 'ftjob-2' && refusals-- > 0;
  await curfew.sweep();
  assert.deepEqual(idsOf(curfew).toSorted(), ['ftjob-1', 'ftjob-2', 'ftjob-3']);
  assert.deepEqual(curfew.aws.batchSizes, [3, 1, 1]);
  assert.deepEqual(unpublished(curfew), []);
});

describe('a warning that could not be published is taken back', () => {
  test('so the next sweep publishes it', async () => {
    await using curfew = await startCurfew({ jobs: [nearJob()] });
    curfew.aws.eventBus = 'down';
    await curfew.sweep();
    assert.equal(curfew.aws.table.rows.get('ftjob-1')?.['warnedFor'], undefined);
    curfew.aws.eventBus = 'up';
    await curfew.sweep();
    assert.deepEqual(typesOf(curfew), ['Fine-Tuning Job Near Its Time Budget']);
  });

  test('that one only, if others were published', async () => {
    const jobs = ['ftjob-1', 'ftjob-2', 'ftjob-3'].map(nearJob);
    await using curfew = await startCurfew({ jobs });
    curfew.aws.refuses = ({ detail: { jobId } }) => jobId === 'ftjob-2';
    await curfew.sweep();
    const isMarked = jobs.map(({ id }) => curfew.aws.table.rows.get(id)?.['warnedFor'] !== undefined);
    assert.deepEqual(isMarked, [true, false, true]);
  });

  test('and if that fails too, the log says so, and the sweep does not fail', async () => {
    await using curfew = await startCurfew({ jobs: [nearJob()] });
    curfew.aws.refuses = () => {
      curfew.aws.table.health = 'denied';
      return true;
    };
    await curfew.sweep();
    const errors = curfew.logLines.filter(({ level }) => level === 'ERROR');
    assert.deepEqual(
      errors.map(({ message }) => message),
      [
        'No event could be published for ftjob-1 (ThrottlingException). What was decided holds.',
        "ftjob-1: The table of extensions could not be written (AccessDeniedException). Try again; if it persists, check the table and the function's role.",
      ],
    );
  });
});

/** Level, job and message of each line about an event that was not published. */
function unpublished({ logLines }: Curfew): unknown[][] {
  return logLines
    .filter(({ message }) => String(message).startsWith('No event'))
    .map(({ level, jobId, message }) => [level, jobId, message]);
}
