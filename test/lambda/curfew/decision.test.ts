import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Decision, decisionOn, sentenceOf } from '../../lambda/decision.ts';

const createdAtSeconds = 1_700_000_000;
const moment = { nowMilliseconds: (createdAtSeconds + 400 * 60 + 59) * 1000, timeBudgetMinutes: 360 };
const why = { reason: 'time_budget', requestedBy: 'rule' } as const;
const job = { id: 'ftjob-1', status: 'running', created_at: createdAtSeconds };

describe('a decision holds what is known of the job', () => {
  test('in whole minutes, and null or nothing for what the job does not tell', () => {
    const became = { outcome: 'cancelled', finalStatus: 'cancelled' } as const;
    assert.deepEqual(decisionOn(job, became, why, moment), {
      jobId: 'ftjob-1',
      outcome: 'cancelled',
      reason: 'time_budget',
      requestedBy: 'rule',
      initialStatus: 'running',
      finalStatus: 'cancelled',
      ageMinutes: 400,
      timeBudgetMinutes: 360,
      model: null,
      metadata: {},
    });
  });

  test('with its model, its metadata, and no budget where it is exempt', () => {
    const metadata = { time_budget_minutes: 'none', team: 'search' };
    const told = decisionOn(
      { ...job, model: 'gpt-4o', metadata },
      { outcome: 'exempt', finalStatus: null },
      why,
      moment,
    );
    assert.equal(told.model, 'gpt-4o');
    assert.deepEqual(told.metadata, metadata);
    assert.equal(told.timeBudgetMinutes, null);
  });

  test('with the error that it failed with', () => {
    const error = { name: 'OpenAIError', message: 'Could not cancel.' };
    const told = decisionOn(job, { outcome: 'failed', finalStatus: null, error }, why, moment);
    assert.deepEqual(told.error, error);
  });
});

describe('a decision is a sentence', () => {
  const decision: Decision = {
    jobId: 'ftjob-1',
    outcome: 'cancelled',
    reason: 'time_budget',
    requestedBy: 'rule',
    initialStatus: 'running',
    finalStatus: null,
    ageMinutes: 400,
    timeBudgetMinutes: 360,
    model: null,
    metadata: {},
  };
  const error = { name: 'OpenAIError', message: 'OpenAI answered 400.' };
  const cases: [of: Partial<Decision>, sentence: string][] = [
    [
      { outcome: 'cancelled' },
      'Fine-tuning job ftjob-1 was cancelled because its time budget was over; it was running, 400 minutes old, with a time budget of 360 minutes.',
    ],
    [
      { outcome: 'cancelled', reason: 'requested', requestedBy: 'sqs' },
      'Fine-tuning job ftjob-1 was cancelled as asked (sqs); it was running, 400 minutes old, with a time budget of 360 minutes.',
    ],
    [
      { outcome: 'cancelled', reason: 'requested', timeBudgetMinutes: null },
      'Fine-tuning job ftjob-1 was cancelled as asked (rule); it was running, 400 minutes old, with no time budget.',
    ],
    [
      { outcome: 'cancelling', finalStatus: 'running', reason: 'requested' },
      'Fine-tuning job ftjob-1 is being cancelled as asked (rule), and still running; it was running, 400 minutes old, with a time budget of 360 minutes.',
    ],
    [
      { outcome: 'would_cancel', initialStatus: 'queued' },
      'Fine-tuning job ftjob-1 would be cancelled because its time budget was over, but this is a dry run; it is queued, 400 minutes old, with a time budget of 360 minutes.',
    ],
    [
      { outcome: 'already_finished', initialStatus: 'failed' },
      'Fine-tuning job ftjob-1 had finished already (failed); it was left alone.',
    ],
    [
      { outcome: 'already_finished', finalStatus: 'succeeded' },
      'Fine-tuning job ftjob-1 had finished already (succeeded); it was left alone.',
    ],
    [
      { outcome: 'not_cancellable', initialStatus: 'paused' },
      'Fine-tuning job ftjob-1 has the unknown status paused; it was left alone.',
    ],
    [
      { outcome: 'within_budget', ageMinutes: 5 },
      'Fine-tuning job ftjob-1 goes on: it is 5 minutes old, with a time budget of 360 minutes.',
    ],
    [
      { outcome: 'exempt', timeBudgetMinutes: null },
      'Fine-tuning job ftjob-1 goes on: it is exempt from any time budget, and 400 minutes old.',
    ],
    [
      { outcome: 'failed', error },
      'Fine-tuning job ftjob-1 could not be cancelled; it is 400 minutes old, with a time budget of 360 minutes. OpenAI answered 400.',
    ],
    [
      { outcome: 'failed' },
      'Fine-tuning job ftjob-1 could not be cancelled; it is 400 minutes old, with a time budget of 360 minutes.',
    ],
  ];
  for (const [of, sentence] of cases) {
    test(sentence, () => assert.equal(sentenceOf({ ...decision, ...of }), sentence));
  }
});
