import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startCurfew } from '../support/curfew.ts';

describe('an invalid request names what is wrong, and nothing is sent', () => {
  const cases: [event: unknown, message: RegExp][] = [
    [null, /not a JSON object/],
    ['ftjob-1', /not a JSON object/],
    [[{ jobId: 'ftjob-1' }], /not a JSON object/],
    [{}, /neither "jobId" nor "sweep"/],
    [{ job_id: 'ftjob-1' }, /neither "jobId" nor "sweep"/],
    [{ jobId: 'ftjob-1', sweep: {} }, /both "jobId" and "sweep"/],
    [{ jobId: 7 }, /"jobId" must be a string/],
    [{ jobId: '' }, /"jobId" must be 1 to 128 letters/],
    [{ jobId: '../files' }, /"jobId" must be 1 to 128 letters/],
    [{ jobId: 'ftjob-1/pause' }, /"jobId" must be 1 to 128 letters/],
    [{ jobId: 'ftjob-1\n' }, /"jobId" must be 1 to 128 letters/],
    [{ jobId: '..' }, /"jobId" must be 1 to 128 letters/],
    [{ jobId: 'j'.repeat(129) }, /"jobId" must be 1 to 128 letters/],
    [{ jobId: 'ftjob-1', dryRun: 'yes' }, /"dryRun" must be true or false/],
    [{ jobId: 'ftjob-1', force: true }, /"force" is not a known field/],
    [{ sweep: true }, /"sweep" must be an object/],
    [{ sweep: null }, /"sweep" must be an object/],
    [{ sweep: {}, dryRun: true }, /"dryRun" is not a known field/],
    [{ sweep: { budget: 5 } }, /"sweep.budget" is not a known field/],
    [{ sweep: { timeBudgetMinutes: -1 } }, /"sweep.timeBudgetMinutes" must be 0 or more/],
    [{ sweep: { timeBudgetMinutes: '60' } }, /"sweep.timeBudgetMinutes" must be a number/],
    [{ sweep: { lookbackDays: Number.NaN } }, /"sweep.lookbackDays" must be a number/],
    [{ sweep: { lookbackDays: Number.POSITIVE_INFINITY } }, /"sweep.lookbackDays" must be a finite number/],
    [{ sweep: { dryRun: 1 } }, /"sweep.dryRun" must be true or false/],
  ];
  for (const [event, message] of cases) {
    test(`${JSON.stringify(event)?.slice(0, 60)}: ${message.source}`, async () => {
      await using curfew = await startCurfew();
      await assert.rejects(curfew.invoke(event), { name: 'InvalidRequestError', message });
      assert.equal(curfew.aws.secretReads.length, 0);
      assert.deepEqual(curfew.openai.calls, []);
    });
  }
});

test('every field that is wrong is named at once, and a request that is none learns of both forms', async () => {
  await using curfew = await startCurfew();
  await assert.rejects(curfew.invoke({ jobId: 7, force: true }), {
    message: 'The request is not valid: "jobId" must be a string; "force" is not a known field.',
  });
  await assert.rejects(curfew.invoke({}), {
    message:
      'The request has neither "jobId" nor "sweep": send {"jobId": "ftjob-…"} to cancel one job, ' +
      'or {"sweep": {}} to cancel all that are past their time budget.',
  });
});

test('a request may hold every field at once', async () => {
  await using curfew = await startCurfew();
  const sweep = { timeBudgetMinutes: 0.5, dryRun: true, lookbackDays: 7 };
  const result = await curfew.sweep(sweep);
  assert.deepEqual({ ...result, ...sweep }, result);
});

test('a job id may be 128 characters long', async () => {
  await using curfew = await startCurfew();
  await assert.rejects(curfew.cancel('j'.repeat(128)), { name: 'JobNotFoundError' });
});
