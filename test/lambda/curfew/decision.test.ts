import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  cancelAnswerOf,
  type Decision,
  failed,
  isoOf,
  jobEntryOf,
  nameOf,
  sentenceOf,
  shortened,
} from '../../../lambda/curfew/decision.ts';
import { OpenAIError } from '../../../lambda/errors.ts';
import { jobOf, nowSeconds } from '../../support/fake-ports.ts';

const judgement: Decision['judgement'] = {
  ageMinutes: 400.98,
  timeBudgetMinutes: 360,
  budgetFrom: 'default',
  deadlineSeconds: nowSeconds - 2400,
  isOverdue: true,
  hasUnreadableBudget: false,
};
const exempt: Decision['judgement'] = {
  ...judgement,
  timeBudgetMinutes: null,
  budgetFrom: 'exempt',
  deadlineSeconds: null,
  isOverdue: false,
};
const extended: Decision['judgement'] = {
  ...judgement,
  budgetFrom: 'extension',
  deadlineSeconds: nowSeconds + 60,
};
const decision: Decision = {
  job: jobOf({ id: 'ftjob-1' }),
  project: undefined,
  judgement,
  outcome: 'cancelled',
  finalStatus: 'cancelled',
  reason: 'time_budget',
  requestedBy: 'rule',
};
const error = { name: 'OpenAIError', message: 'The provider answered 400.' };
const jobIn = (status: string) => jobOf({ id: 'ftjob-1', status });

describe('a decision is a sentence', () => {
  const cases: [of: Partial<Decision>, sentence: string][] = [
    [
      {},
      'Fine-tuning job ftjob-1 was cancelled because its time budget had run out; it was running, 400 minutes old, with a time budget of 360 minutes.',
    ],
    [
      { project: 'research' },
      'Fine-tuning job ftjob-1 of project research was cancelled because its time budget had run out; it was running, 400 minutes old, with a time budget of 360 minutes.',
    ],
    [
      { reason: 'requested', requestedBy: 'sqs', judgement: exempt },
      'Fine-tuning job ftjob-1 was cancelled as asked (sqs); it was running, 400 minutes old, with no time budget.',
    ],
    [
      { reason: 'stop_all', requestedBy: 'alice', judgement: extended },
      'Fine-tuning job ftjob-1 was cancelled because everything had to stop (alice); it was running, 400 minutes old, with a time budget of 360 minutes, extended until 2026-11-25T12:01:00.000Z.',
    ],
    [
      { outcome: 'cancelling', finalStatus: 'queued' },
      'Fine-tuning job ftjob-1 is being cancelled because its time budget had run out, and is still queued; it was running, 400 minutes old, with a time budget of 360 minutes.',
    ],
    [
      { outcome: 'would_cancel', finalStatus: null },
      'Fine-tuning job ftjob-1 would be cancelled because its time budget had run out, but this is a dry run; it is running, 400 minutes old, with a time budget of 360 minutes.',
    ],
    [
      { outcome: 'already_finished', finalStatus: null, job: jobIn('failed') },
      'Fine-tuning job ftjob-1 had finished already (failed); it was left alone.',
    ],
    [
      { outcome: 'already_finished', finalStatus: 'succeeded' },
      'Fine-tuning job ftjob-1 had finished already (succeeded); it was left alone.',
    ],
    [
      { outcome: 'not_cancellable', finalStatus: null, job: jobIn('paused') },
      'Fine-tuning job ftjob-1 has the status paused; it was left alone.',
    ],
    [
      { outcome: 'not_cancellable', finalStatus: null, job: jobIn('frozen') },
      'Fine-tuning job ftjob-1 has the unknown status frozen; it was left alone.',
    ],
    [
      { outcome: 'held_back', finalStatus: null },
      'Fine-tuning job ftjob-1 was not cancelled, because more jobs are overdue than the cancel limit allows; it is 400 minutes old, with a time budget of 360 minutes.',
    ],
    [
      { outcome: 'within_budget', finalStatus: null, judgement: { ...judgement, ageMinutes: 5 } },
      'Fine-tuning job ftjob-1 goes on: it is 5 minutes old, with a time budget of 360 minutes.',
    ],
    [
      { outcome: 'exempt', finalStatus: null, judgement: exempt },
      'Fine-tuning job ftjob-1 goes on: it is exempt from any time budget, and 400 minutes old.',
    ],
    [
      { outcome: 'failed', finalStatus: null, error },
      'Fine-tuning job ftjob-1 could not be cancelled; it is 400 minutes old, with a time budget of 360 minutes. The provider answered 400.',
    ],
    [
      { outcome: 'failed', finalStatus: null },
      'Fine-tuning job ftjob-1 could not be cancelled; it is 400 minutes old, with a time budget of 360 minutes.',
    ],
  ];
  for (const [of, sentence] of cases) {
    test(sentence, () => assert.equal(sentenceOf({ ...decision, ...of }), sentence));
  }

  test('whose subject is the job, with its project if there are several', () => {
    assert.equal(nameOf(decision), 'Fine-tuning job ftjob-1');
    assert.equal(nameOf({ ...decision, project: 'eu' }), 'Fine-tuning job ftjob-1 of project eu');
  });
});

describe('a decision is an answer', () => {
  const answer = {
    jobId: 'ftjob-1',
    outcome: 'cancelled',
    initialStatus: 'running',
    finalStatus: 'cancelled',
  };

  test('to a cancel', () => assert.deepEqual(cancelAnswerOf(decision), answer));

  test('with its project, if there are several', () => {
    assert.deepEqual(cancelAnswerOf({ ...decision, project: 'eu' }), { project: 'eu', ...answer });
  });

  test('as one of many, in whole minutes', () => {
    assert.deepEqual(jobEntryOf(decision), { ...answer, ageMinutes: 400, timeBudgetMinutes: 360 });
  });

  test('as one of many, without a budget if it is exempt', () => {
    assert.equal(jobEntryOf({ ...decision, judgement: exempt }).timeBudgetMinutes, null);
  });

  test('as one of many that failed, with why', () => {
    assert.deepEqual(jobEntryOf({ ...decision, outcome: 'failed', finalStatus: null, error }).error, error);
  });

  test('of whose error only the beginning is kept, so many fit', () => {
    assert.deepEqual(shortened({ name: 'OpenAIError', message: 'x'.repeat(161) }), {
      name: 'OpenAIError',
      message: 'x'.repeat(160),
    });
  });
});

test('what could not be carried out has failed, whatever was thrown', () => {
  const outcome = { outcome: 'failed', finalStatus: null };
  assert.deepEqual(failed(new OpenAIError('No.')), {
    ...outcome,
    error: { name: 'OpenAIError', message: 'No.' },
  });
  assert.deepEqual(failed('no'), { ...outcome, error: { name: 'Error', message: 'no' } });
});

test('seconds are a date in ISO 8601, or null', () => {
  assert.equal(isoOf(nowSeconds), '2026-11-25T12:00:00.000Z');
  assert.equal(isoOf(null), null);
});
