import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { toCancelAnswer } from '../../../lambda/curfew/cancel.ts';
import type { Job, Phase } from '../../../lambda/curfew/job.ts';
import {
  ApiKeyError,
  AuthenticationError,
  JobNotFoundError,
  OpenAIError,
  QuotaError,
  RateLimitError,
} from '../../../lambda/errors.ts';
import { accepted, failedCancel, fakeProject, now } from '../../support/fake-ports.ts';
import { type CancelScript, cancelled, cancelWith, jobIn, outcomeOf, running } from '../../support/run-rules.ts';

const id = 'ftjob-1';
const refused = failedCancel({ isRefusal: true });

describe('the first look decides whether a cancel is sent', () => {
  const cases: [Phase, outcome: string, dryOutcome?: string][] = [
    ['waiting', 'cancelled', 'would_cancel'],
    ['running', 'cancelled', 'would_cancel'],
    ['cancelling', 'cancelling'],
    ['finished', 'already_finished'],
    ['other', 'not_cancellable'],
  ];
  for (const [phase, outcome, dryOutcome] of cases) {
    test(`${phase}: ${outcome}`, async () => {
      const { decided, steps } = cancelWith({ looks: [jobIn(phase)], replies: [accepted(cancelled)] });
      const isSent = dryOutcome !== undefined;
      const decision = await decided;
      assert.deepEqual([decision.outcome, decision.finalStatus], [outcome, isSent ? 'cancelled' : null]);
      assert.deepEqual(steps(), isSent ? 'retrieve cancel' : 'retrieve');
    });

    test(`${phase} in a dry run: ${dryOutcome ?? outcome}`, async () => {
      const script = { looks: [jobIn(phase)], dryRun: true };
      assert.deepEqual(await outcomeOf(script), { outcome: dryOutcome ?? outcome, finalStatus: null });
    });
  }

  test('a job that was cancelled before had already finished', async () => {
    assert.equal((await outcomeOf({ looks: [cancelled] })).outcome, 'already_finished');
  });

  test('a job that was just read is not read again', async () => {
    const { decided, steps } = cancelWith({ firstLook: running, looks: [], replies: [accepted(cancelled)] });
    await decided;
    assert.deepEqual(steps(), 'cancel');
  });

  test('a failure to read the job is thrown', async () => {
    const looks = [new JobNotFoundError('There is no job.')];
    await assert.rejects(cancelWith({ looks }).decided, { name: 'JobNotFoundError', message: 'There is no job.' });
  });
});

describe('the answer to an accepted cancel decides the outcome', () => {
  const cases: [answer: Job, outcome: string][] = [
    [cancelled, 'cancelled'],
    [jobIn('finished'), 'already_finished'],
    [jobIn('cancelling'), 'cancelling'],
    [running, 'cancelling'],
    [jobIn('waiting'), 'cancelling'],
    [jobIn('other'), 'cancelling'],
  ];
  for (const [answer, outcome] of cases) {
    test(`${answer.status}: ${outcome}`, async () => {
      const script = { replies: [accepted(answer)] };
      assert.deepEqual(await outcomeOf(script), { outcome, finalStatus: answer.status });
    });

    test(`an empty answer, then ${answer.status}: ${outcome}`, async () => {
      const script = { looks: [running, answer], replies: [accepted(null)] };
      assert.deepEqual(await outcomeOf(script), { outcome, finalStatus: answer.status });
    });
  }

  test('an empty answer, then no answer: cancelling, because the cancel was accepted', async () => {
    const script = { looks: [running, new OpenAIError('Gone.')], replies: [accepted(null)] };
    assert.deepEqual(await outcomeOf(script), { outcome: 'cancelling', finalStatus: null });
  });
});

describe('a lost or refused cancel is resolved by reading the job again', () => {
  const cases: [after: Job, outcome: string][] = [
    [cancelled, 'cancelled'],
    [jobIn('finished'), 'already_finished'],
    [jobIn('cancelling'), 'cancelling'],
    [jobIn('other'), 'not_cancellable'],
  ];
  for (const [after, outcome] of cases) {
    test(`${after.status}: ${outcome}`, async () => {
      const { decided, steps } = cancelWith({ looks: [running, after], replies: [failedCancel()] });
      const { job: first, ...decision } = await decided;
      assert.deepEqual([decision.outcome, first.status, decision.finalStatus], [outcome, 'running', after.status]);
      assert.deepEqual(steps(), 'retrieve cancel retrieve');
    });
  }

  const kept = [AuthenticationError, ApiKeyError, RateLimitError, QuotaError, OpenAIError];
  for (const Failure of [...kept, JobNotFoundError]) {
    const name = kept.some((named) => named === Failure) ? Failure.name : 'OpenAIError';
    test(`${Failure.name}, and the job still runs: ${name}`, async () => {
      const replies = [failedCancel({ error: new Failure('No.') })];
      const message = 'No. As far as we can tell, the cancel had no effect: the job is now "running".';
      await assert.rejects(cancelWith({ looks: [running, running], replies }).decided, { name, message });
    });
  }

  test('if that fails too, the error says that the effect is unknown', async () => {
    const looks = [running, new Error('Nor that.')];
    await assert.rejects(cancelWith({ looks, replies: [failedCancel()] }).decided, {
      name: 'OpenAIError',
      message: 'It failed. It is unknown whether the cancel had an effect: the job could not be read again.',
    });
  });
});

describe('a refused cancel of a job whose cancel was accepted before', () => {
  const rows = { [id]: { cancellingSince: now - 4_000 } };
  const looks = [running, running];
  const stillRuns = { name: 'OpenAIError', message: /^It failed\. .*"running"/ };

  for (const reason of ['requested', 'stop_all', 'time_budget'] as const) {
    test(`${reason}: cancelling`, async () => {
      const { decided, context } = cancelWith({ reason, rows, looks, replies: [refused] });
      const { outcome, finalStatus, isCancelledNow } = await decided;
      assert.deepEqual([outcome, finalStatus, isCancelledNow], ['cancelling', 'running', false]);
      assert.deepEqual(context.calls, [], 'it was published and noted before');
    });
  }

  const errors: [name: string, script: CancelScript][] = [
    ['if it was not refused but failed', { rows, replies: [failedCancel()] }],
    ['if no cancel was accepted before', { replies: [refused] }],
    ['if its row cannot be read', { rows, unreadable: [id], replies: [refused] }],
  ];
  for (const [name, script] of errors) {
    test(`${name}: an error`, () => assert.rejects(cancelWith({ looks, ...script }).decided, stillRuns));
  }
});

describe("a sweep's look also reads the row, so it", () => {
  const reason = 'time_budget';
  const recent = { [id]: { cancellingSince: now - 3_599 } };
  const exempt = jobIn('running', { metadata: { time_budget_minutes: 'none' } });
  const spared: [name: string, script: CancelScript, outcome: string][] = [
    ['spares a job that was extended', { rows: { [id]: { extendedUntil: now + 60 } } }, 'within_budget'],
    ['spares a job that is exempt', { looks: [exempt] }, 'exempt'],
    ['spares a job that was waiting until now', { rows: { [id]: { lastWaiting: now } } }, 'within_budget'],
    ['sends nothing within an hour of an accepted cancel', { rows: recent }, 'cancelling'],
  ];
  for (const [name, script, outcome] of spared) {
    test(name, async () => assert.deepEqual(await outcomeOf({ reason, ...script }), { outcome, finalStatus: null }));
  }

  test('sends nothing if the row or the tags cannot be read', async () => {
    await assert.rejects(cancelWith({ reason, unreadable: [id] }).decided, { name: 'StateError' });
    const looks = [jobIn('running', { metadataError: new QuotaError('No tags.') })];
    await assert.rejects(cancelWith({ reason, looks }).decided, { name: 'QuotaError' });
  });

  test('and goes on if it cannot note that the job is waiting', async () => {
    const looks = [jobIn('waiting')];
    const { decided, context } = cancelWith({ reason, looks, dryRun: true, isWritable: false });
    assert.equal((await decided).outcome, 'would_cancel');
    assert.equal(context.problems.length, 1);
  });

  test('but a cancel on request or by a stop-all reads no row', async () => {
    for (const other of ['requested', 'stop_all'] as const) {
      const { decided, context } = cancelWith({ reason: other, rows: recent, replies: [accepted(cancelled)] });
      assert.equal((await decided).outcome, 'cancelled');
      assert.deepEqual(context.table.reads, []);
    }
  });
});

describe('the outcome is published first, then noted', () => {
  const marked = { [id]: { cancellingSince: now - 4_000 } };
  const cases: [name: string, script: CancelScript, calls: string[]][] = [
    ['cancelled', { replies: [accepted(cancelled)] }, ['publish']],
    ['left cancelling', { replies: [accepted(running)] }, ['publish', 'noteCancelling']],
    ['resolved by the last look', { looks: [running, cancelled], replies: [failedCancel()] }, ['publish']],
    ['found cancelling', { looks: [jobIn('cancelling')] }, ['noteCancelling']],
    ['found finished', { looks: [jobIn('finished')] }, []],
    ['finished before the cancel arrived', { replies: [accepted(jobIn('finished'))] }, []],
    ['would be cancelled', { dryRun: true }, ['publish']],
    ['would be cancelled again', { dryRun: true, reason: 'time_budget', rows: marked }, ['publish']],
    ['published by an earlier sweep', { reason: 'time_budget', rows: marked, replies: [accepted(cancelled)] }, []],
    ['cancelled on request all the same', { rows: marked, replies: [accepted(cancelled)] }, ['publish']],
  ];
  for (const [name, script, calls] of cases) {
    test(`${name}: ${calls.join(', ') || 'neither'}`, async () => {
      const { decided, context } = cancelWith(script);
      const decision = await decided;
      assert.equal(context.calls.join(', '), calls.map((call) => `${call} ${id}`).join(', '));
      assert.deepEqual(context.decisions, [decision]);
    });
  }

  test('the note says when the cancel was accepted', async () => {
    const { decided, context } = cancelWith({ replies: [accepted(running)] });
    await decided;
    assert.deepEqual(context.table.rows.get(id), { cancellingSince: now });
  });

  test('an outcome that could not be published is not noted, so the next sweep publishes it', async () => {
    const { decided, context } = cancelWith({ isBusUp: false, replies: [accepted(running)] });
    await decided;
    assert.equal(context.table.rows.get(id), undefined);
  });

  test('a table that cannot be written is a problem to report, not a failed cancel', async () => {
    const { decided, context } = cancelWith({ isWritable: false, replies: [accepted(running)] });
    assert.equal((await decided).outcome, 'cancelling');
    assert.equal(context.problems[0]?.jobId, id);
  });
});

test('the answer names job, outcome and both statuses, and the project if it has a name', async () => {
  const decision = await cancelWith({ replies: [accepted(cancelled)] }).decided;
  const answer = { jobId: id, outcome: 'cancelled', initialStatus: 'running', finalStatus: 'cancelled' };
  assert.deepEqual(toCancelAnswer(decision), answer);
  assert.deepEqual(toCancelAnswer({ ...decision, project: fakeProject({ name: 'eu' }) }), { project: 'eu', ...answer });
});

describe('a job that turns out to be cancelled after a failed cancel', () => {
  const cases: [name: string, reply: Parameters<typeof failedCancel>[0], isOurs: boolean][] = [
    ['whose answer was lost counts as ours, and is published', {}, true],
    ['that was refused is not ours', { isRefusal: true }, false],
    ['that was rate-limited is not ours', { isUncounted: true, mayRetry: true, askedWaitMs: 0 }, false],
  ];
  for (const [name, reply, isOurs] of cases)
    test(name, async () => {
      const { decided, context } = cancelWith({ looks: [running, cancelled], replies: [failedCancel(reply)] });
      const { outcome, isCancelledNow } = await decided;
      assert.deepEqual([outcome, isCancelledNow, context.cancellations.length], ['cancelled', isOurs, isOurs ? 1 : 0]);
    });
});
