import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulatedJob } from '../../../infra/local/providers/simulated-job.ts';
import type { CancelAnswer, ListAnswer, StopAllAnswer, SweepAnswer } from '../../../lambda/contract.ts';
import { type Curfew, type CurfewOptions, endpoints, startCurfew } from '../../support/curfew.ts';
import { busEvent } from '../../support/envelopes.ts';

const twoJobs = () =>
  ['ftjob-1', 'ftjob-2'].map((id) => simulatedJob({ id, status: 'running', ageMinutes: 5 }));
const start = (options: CurfewOptions = {}) => startCurfew({ jobs: twoJobs(), ...options });

/** What came of an event in the shape of a cancel's answer. */
const cancelled = async (curfew: Curfew, event: object) => (await curfew.invoke(event)) as CancelAnswer;

describe('an event of EventBridge with a job id asks for a cancel, whatever else is in it', () => {
  const details: object[] = [
    { jobId: 'ftjob-1' },
    { jobId: 'ftjob-1', pipeline: 'nightly', nested: { jobId: 7 } },
    { jobId: 'ftjob-1', sweep: 'lr-sweep-3' },
    { jobId: 'ftjob-1', sweep: {}, stopAll: {}, list: {}, extend: {} },
    { jobId: 'ftjob-1', dryRun: null },
    { jobId: 'ftjob-1', dryRun: false },
    { jobId: 'ftjob-1', project: 'of our own' },
    { jobId: 'ftjob-1', project: { id: 7 } },
    { jobId: 'ftjob-1', requestedBy: { id: 7 } },
    { jobId: 'ftjob-1', requestedBy: '' },
  ];
  for (const detail of details) {
    test(JSON.stringify(detail), async () => {
      await using curfew = await start();
      assert.equal((await cancelled(curfew, busEvent(detail))).outcome, 'cancelled');
      assert.deepEqual(endpoints(curfew.openai), ['retrieve', 'cancel']);
      assert.equal(curfew.aws.events[0]?.detail['requestedBy'], 'eventbridge');
    });
  }

  test('as a dry run, if it says so', async () => {
    await using curfew = await start();
    const answer = await cancelled(curfew, busEvent({ jobId: 'ftjob-1', dryRun: true, sweep: 'x' }));
    assert.equal(answer.outcome, 'would_cancel');
  });

  test('in the name of the one who asked, if it says who in a valid way', async () => {
    await using curfew = await start();
    await cancelled(curfew, busEvent({ jobId: 'ftjob-1', requestedBy: 'alice' }));
    assert.equal(curfew.aws.events[0]?.detail['requestedBy'], 'alice');
  });

  for (const dryRun of ['false', 'true', 0, 1, {}, []]) {
    test(`but is refused if dryRun is ${JSON.stringify(dryRun)}`, async () => {
      await using curfew = await start();
      await assert.rejects(curfew.invoke(busEvent({ jobId: 'ftjob-1', dryRun })), {
        name: 'InvalidRequestError',
        message: /"dryRun" must be true or false/,
      });
      assert.deepEqual(curfew.openai.calls, []);
    });
  }

  test('but is refused if that is no job id', async () => {
    await using curfew = await start();
    await assert.rejects(curfew.invoke(busEvent({ jobId: '../files' })), { name: 'InvalidRequestError' });
    assert.deepEqual(curfew.openai.calls, []);
  });

  test('about an unknown job is JobNotFoundError', async () => {
    await using curfew = await start();
    await assert.rejects(curfew.invoke(busEvent({ jobId: 'ftjob-none' })), { name: 'JobNotFoundError' });
  });
});

describe('a project in somebody else’s event', () => {
  const projects = { research: {}, production: { secretName: 'production' } };
  const secrets = { production: { SecretString: 'sk-production' } };

  test('counts if it is one of ours', async () => {
    await using curfew = await start({ projects, secrets });
    const event = busEvent({ jobId: 'ftjob-1', project: 'production' });
    // The key of that project is not accepted: nothing else was asked.
    await assert.rejects(curfew.invoke(event), { name: 'AuthenticationError' });
    assert.deepEqual(new Set(curfew.aws.secretReads), new Set(['production']));
  });

  test('is ignored if it is none of ours', async () => {
    await using curfew = await start({ projects: { research: {}, production: {} } });
    const answer = await cancelled(curfew, busEvent({ jobId: 'ftjob-1', project: 'theirs' }));
    assert.equal(answer.outcome, 'cancelled');
  });

  test('is refused in a request of our own form', async () => {
    await using curfew = await start({ projects });
    await assert.rejects(curfew.invoke(busEvent({ sweep: { project: 'theirs' } })), {
      name: 'InvalidRequestError',
    });
  });
});

describe('an event of EventBridge without a job id has to be exactly one valid request', () => {
  test('a sweep', async () => {
    await using curfew = await start();
    const detail = { sweep: { timeBudgetMinutes: 0 }, requestedBy: 'alice', pipeline: 'nightly' };
    assert.equal(((await curfew.invoke(busEvent(detail))) as SweepAnswer).cancelled, 2);
    assert.equal(curfew.aws.events[0]?.detail['requestedBy'], 'alice');
  });

  test('stopping everything', async () => {
    await using curfew = await start();
    assert.equal(((await curfew.invoke(busEvent({ stopAll: {} }))) as StopAllAnswer).cancelled, 2);
  });

  for (const beside of [{ dryRun: false }, { dryRun: null }, { project: { id: 7 } }]) {
    test(`stopping everything, beside ${JSON.stringify(beside)}`, async () => {
      await using curfew = await start();
      const answer = await curfew.invoke(busEvent({ stopAll: {}, ...beside }));
      assert.equal((answer as StopAllAnswer).cancelled, 2);
    });
  }

  test('a list', async () => {
    await using curfew = await start();
    assert.equal(((await curfew.invoke(busEvent({ list: {} }))) as ListAnswer).jobs.length, 2);
  });

  test('an extension', async () => {
    await using curfew = await start();
    await curfew.invoke(busEvent({ extend: { jobId: 'ftjob-1', minutes: 600 } }));
    assert.equal(curfew.aws.table.rows.get('ftjob-1')?.['extendedBy'], 'eventbridge');
  });

  const refused: [detail: object, message: RegExp][] = [
    [{}, /none of the keys/],
    [{ job: 'ftjob-1' }, /none of the keys/],
    [{ sweep: {}, stopAll: {} }, /both "sweep" and "stopAll"/],
    [{ sweep: 'lr-sweep-3' }, /"sweep" must be an object/],
    [{ sweep: [] }, /"sweep" must be an object/],
    [{ stopAll: {}, dryRun: true }, /"dryRun" is not a known field/],
    [{ sweep: {}, dryRun: true }, /"dryRun" is not a known field/],
    [{ stopAll: {}, dryRun: 'yes' }, /"dryRun" is not a known field/],
    [{ stopAll: {}, dryRun: 1 }, /"dryRun" is not a known field/],
    [{ stopAll: {}, project: 'research' }, /"project" is not a known field/],
    [{ sweep: {}, project: 'research' }, /"project" is not a known field/],
    [{ jobId: 7 }, /"jobId" must be a string/],
    [{ jobId: null, sweep: {} }, /both "jobId" and "sweep"/],
  ];
  for (const [detail, message] of refused) {
    test(`and ${JSON.stringify(detail)} is none`, async () => {
      await using curfew = await start();
      await assert.rejects(curfew.invoke(busEvent(detail)), { name: 'InvalidRequestError', message });
      assert.deepEqual(curfew.openai.calls, []);
    });
  }
});

test('our own events are refused, so a warning never cancels the job that it warns of', async () => {
  await using curfew = await start({
    jobs: [simulatedJob({ id: 'ftjob-1', status: 'running', ageMinutes: 350 })],
  });
  await curfew.sweep();
  const [warning] = curfew.aws.events;
  assert.equal(warning?.detailType, 'Fine-Tuning Job Near Its Time Budget');
  const callsBefore = curfew.openai.calls.length;
  await assert.rejects(curfew.invoke(busEvent(warning.detail, warning.source)), {
    name: 'InvalidRequestError',
    message: /published the event itself/,
  });
  assert.equal(curfew.openai.calls.length, callsBefore);
  assert.equal(curfew.logLines.at(-1)?.['requestedBy'], 'eventbridge');
});
