import assert from 'node:assert/strict';
import { after, beforeEach, describe, test } from 'node:test';
import { startAwsStub } from '../../../infra/local/aws/stub/server.ts';
import { createAwsClients } from '../../../lambda/aws/clients.ts';
import { cancellationEvent, describeDecision, publishEvent, warningEvent } from '../../../lambda/aws/events.ts';
import type { Warning } from '../../../lambda/curfew/deadline.ts';
import type { Job } from '../../../lambda/curfew/job.ts';
import { awsCredentials } from '../../support/curfew.ts';
import { fakeProject, jobOf, now } from '../../support/fake-ports.ts';
import { type DecisionFields, decisionOn } from '../../support/run-rules.ts';

const aws = await startAwsStub();
after(() => aws[Symbol.asyncDispose]());
const clients = createAwsClients({ endpoint: aws.url, region: 'us-east-1', credentials: awsCredentials });

describe('publishing an event', () => {
  const event = { detailType: 'Fine-Tuning Job Cancelled', detail: { jobId: 'ftjob-1' } };
  const publish = (timeoutMs = 10_000) => publishEvent(clients.eventBridge, 'our-bus', event, () => timeoutMs);
  beforeEach(() => Object.assign(aws, { eventBus: 'up', refuses: () => false, events: [], batchSizes: [] }));

  test('sends it to the bus in a call of its own', async () => {
    assert.equal(await publish(), undefined);
    assert.deepEqual(aws.events, [{ source: 'fine-tuning-curfew', bus: 'our-bus', ...event }]);
    assert.deepEqual(aws.batchSizes, [1]);
  });

  test('sends it again if the bus refuses it temporarily', async () => {
    let refusals = 2;
    aws.refuses = () => refusals-- > 0;
    assert.equal(await publish(), undefined);
    assert.deepEqual([aws.events.length, aws.batchSizes], [1, [1, 1, 1]]);
  });

  test('gives up on an event that is refused three times, and says why', async () => {
    aws.refuses = () => true;
    assert.equal(await publish(), 'ThrottlingException');
    assert.deepEqual(aws.batchSizes, [1, 1, 1]);
  });

  test('says why a call failed', async () => {
    aws.eventBus = 'down';
    assert.equal(await publish(), 'InternalException');
  });

  test('does not wait for a silent bus', async () => {
    aws.eventBus = 'silent';
    assert.equal(await publish(50), 'AbortError');
  });

  test('waits for a turn only within the time for all events', async () => {
    aws.eventBus = 'silent';
    const endsAt = performance.now() + 1_000;
    const timeLeftMs = () => Math.floor(Math.max(0, endsAt - performance.now()));
    const calls = Array.from({ length: 200 }, () => publishEvent(clients.eventBridge, 'our-bus', event, timeLeftMs));
    assert.deepEqual(new Set(await Promise.all(calls)), new Set(['AbortError']));
    assert.ok(performance.now() < endsAt + 2_500, 'four rounds of a second would take longer');
  });
});

const age = '400 minutes old';
const facts = `it was running, ${age}, with a time budget of 360 minutes.`;
const old = { id: 'ftjob-1', ageMinutes: 400.5 };
const waiting = jobOf({ ...old, phase: 'waiting' });
const frozen = jobOf({ ...old, status: 'frozen', phase: 'other', isKnownStatus: false });
const research = fakeProject({ name: 'research' });
const metadata = { team: 'search' };

test('an event about a job of unknown age says no age', () => {
  const { detail } = cancellationEvent(decisionOn({ job: jobOf({ ...old, createdAt: null }) }), 'my-curfew');
  assert.partialDeepStrictEqual(detail, { ageMinutes: null, countsFrom: null });
});

test('the event about a cancelled job says which, why and for whom, and carries its metadata', () => {
  const job = jobOf({ ...old, metadata });
  const decision = decisionOn({ project: research, job, reason: 'time_budget', requestedBy: 'rule' });
  assert.deepEqual(cancellationEvent(decision, 'my-curfew'), {
    detailType: 'Fine-Tuning Job Cancelled',
    detail: {
      curfew: 'my-curfew',
      project: 'research',
      jobId: 'ftjob-1',
      outcome: 'cancelled',
      reason: 'time_budget',
      requestedBy: 'rule',
      initialStatus: 'running',
      finalStatus: 'cancelled',
      ageMinutes: 400,
      timeBudgetMinutes: 360,
      limit: 'budget',
      countsFrom: '2026-11-25T05:19:30.000Z',
      model: 'gpt-4o',
      metadata,
      summary: `Fine-tuning job ftjob-1 of project research was cancelled because its time budget was used up; ${facts}`,
    },
  });
});

test('events show a dry run, and a deployment without projects', () => {
  const { detailType, detail } = cancellationEvent(decisionOn({ outcome: 'would_cancel', finalStatus: null }), 'x');
  assert.equal(detailType, 'Fine-Tuning Job Would Be Cancelled');
  assert.ok(!('project' in detail));
});

describe('a warning', () => {
  const deadline = now + 20 * 60;
  const warningOn = (job: Job, fields: Partial<Warning> = {}) => {
    const { judgement } = decisionOn({ job, row: { extendedUntil: deadline } });
    const warning = { judgement, deadline, minutesLeft: 20, willNotFinish: false, dryRun: false, ...fields };
    return warningEvent({ project: research, job }, warning, 'rule', 'my-curfew');
  };

  test('holds everything the job owner needs to know', () => {
    const job = jobOf({ ...old, metadata, estimatedFinish: now + 600 });
    assert.deepEqual(warningOn(job), {
      detailType: 'Fine-Tuning Job Near Its Time Budget',
      detail: {
        curfew: 'my-curfew',
        project: 'research',
        jobId: 'ftjob-1',
        requestedBy: 'rule',
        status: 'running',
        ageMinutes: 400,
        timeBudgetMinutes: 360,
        budgetFrom: 'extension',
        limit: 'budget',
        countsFrom: '2026-11-25T05:19:30.000Z',
        deadline: '2026-11-25T12:20:00.000Z',
        minutesLeft: 20,
        estimatedFinish: '2026-11-25T12:10:00.000Z',
        willNotFinish: false,
        dryRun: false,
        model: 'gpt-4o',
        metadata,
        summary:
          'Fine-tuning job ftjob-1 of project research will be cancelled in 20 minutes, at 2026-11-25T12:20:00.000Z, ' +
          'when its time budget is used up, unless it is extended.',
      },
    });
  });

  const summaries: [name: string, job: Job, fields: Partial<Warning>, summary: RegExp][] = [
    ['of a waiting job', waiting, {}, /when its queue limit passes, unless/],
    ['in a dry run', jobOf(old), { dryRun: true }, / would be cancelled in .* This is a dry run\.$/],
    [
      'of a job that will not finish in time',
      jobOf(old),
      { willNotFinish: true },
      /unless it is extended\. The provider expects it to finish only after that\.$/,
    ],
  ];
  for (const [name, job, fields, summary] of summaries) {
    test(`${name} says so`, () => {
      const { detail } = warningOn(job, fields);
      assert.match('summary' in detail ? String(detail.summary) : '', summary);
    });
  }
});

describe('a decision is described in a sentence', () => {
  const error = { name: 'OpenAIError', message: 'OpenAI answered 400.' };
  const cases: [fields: DecisionFields, sentence: string][] = [
    [{}, `was cancelled as requested (alice); ${facts}`],
    [{ reason: 'stop_all' }, `was cancelled because everything had to stop (alice); ${facts}`],
    [
      { reason: 'time_budget', job: waiting },
      `was cancelled because its queue limit had passed; it was queued, ${age}, with a time budget of 360 minutes.`,
    ],
    [
      { outcome: 'cancelling', finalStatus: 'running' },
      `is being cancelled as requested (alice), and is still running; ${facts}`,
    ],
    [{ outcome: 'cancelling', finalStatus: null }, `is already being cancelled; ${facts.replace('was', 'is')}`],
    [
      { outcome: 'would_cancel', finalStatus: null },
      `would be cancelled as requested (alice), but this is a dry run; ${facts.replace('was', 'is')}`,
    ],
    [
      { outcome: 'already_finished', finalStatus: 'succeeded' },
      'had already finished (succeeded), so nothing was cancelled.',
    ],
    [{ outcome: 'not_cancellable', job: frozen }, 'has the unknown status frozen, so it was left alone.'],
    [
      { outcome: 'not_cancellable', job: { ...frozen, status: 'paused', isKnownStatus: true } },
      'has the status paused, so it was left alone.',
    ],
    [
      { outcome: 'held_back' },
      `was not cancelled, because more jobs are overdue than the cancel limit allows; ${facts.replace('was', 'is')}`,
    ],
    [
      { outcome: 'within_budget', row: { extendedUntil: now + 60 } },
      `goes on; it is running, ${age}, with a time budget of 360 minutes, extended until 2026-11-25T12:01:00.000Z.`,
    ],
    [
      { outcome: 'exempt', job: jobOf({ ...old, metadata: { time_budget_minutes: 'none' } }) },
      `goes on, because it is exempt from time budgets; it is running, ${age}, with no time budget.`,
    ],
    [{ outcome: 'failed', error }, `could not be cancelled; ${facts.replace('was', 'is')} OpenAI answered 400.`],
    [{ outcome: 'failed' }, `could not be cancelled; ${facts.replace('was', 'is')}`],
    [
      { job: jobOf({ ...old, createdAt: null }) },
      'was cancelled as requested (alice); it was running, of unknown age, with a time budget of 360 minutes.',
    ],
  ];
  for (const [fields, sentence] of cases) {
    test(sentence, () => assert.equal(describeDecision(decisionOn(fields)), `Fine-tuning job ftjob-1 ${sentence}`));
  }
});
