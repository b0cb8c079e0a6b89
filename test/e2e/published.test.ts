import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { aws } from '../../infra/local/aws/commands.ts';
import { createQueue, queueOfEvents, receive } from '../../infra/local/aws/queues.ts';
import { simulatedJob } from '../../infra/local/providers/simulated-job.ts';
import { deployOrSkip } from '../support/deploy-or-skip.ts';

const ages = { 'ftjob-swept': 400, 'ftjob-asked': 10, 'ftjob-dry': 10 };

const { system, skip } = await deployOrSkip({
  jobs: Object.entries(ages).map(([id, ageMinutes]) =>
    simulatedJob({ id, status: 'running', ageMinutes, metadata: { team: 'search' } }),
  ),
  // The rules must not sweep in between.
  context: { notifyEmail: 'ml@example.com', sweepEveryMinutes: '1440' },
});
after(() => system?.[Symbol.asyncDispose]());

describe('decisions are published', { skip }, async () => {
  if (!system) return;
  const { emulator, openai } = system;

  const queue = await queueOfEvents(emulator, 'cancellations');

  const mails = await createQueue(emulator, 'mails');
  const { Topics } = (await aws(emulator, 'sns', 'list-topics')) as { Topics: { TopicArn: string }[] };
  const subscription = ['--protocol', 'sqs', '--notification-endpoint', mails.arn];
  await aws(emulator, 'sns', 'subscribe', '--topic-arn', Topics[0]?.TopicArn ?? '', ...subscription);

  /** Returns the next event, after checking that the mail topic got its sentence. */
  const nextEvent = async () => {
    const event = JSON.parse(await receive(emulator, queue));
    assert.equal(event.source, 'fine-tuning-curfew');
    assert.equal(event.detail.curfew, 'fine-tuning-curfew');
    return event;
  };
  const nextMail = async () => {
    const { Message } = JSON.parse(await receive(emulator, mails));
    // EventBridge puts the text of an input transformer in quotation marks.
    return Message.replaceAll('"', '');
  };

  const cases = [
    ['by a sweep', { sweep: {}, requestedBy: 'alice' }, 'ftjob-swept', 'time_budget', 'alice'],
    ['on request', { jobId: 'ftjob-asked' }, 'ftjob-asked', 'requested', 'direct'],
  ] as const;
  for (const [name, request, jobId, reason, requestedBy] of cases) {
    test(`a cancellation ${name}: as an event through a rule into a queue, and as a sentence on the topic`, async () => {
      await system.invoke(request);
      const event = await nextEvent();
      assert.equal(event['detail-type'], 'Fine-Tuning Job Cancelled');
      assert.equal(event.detail.jobId, jobId);
      assert.equal(event.detail.reason, reason);
      assert.equal(event.detail.requestedBy, requestedBy);
      assert.deepEqual(event.detail.metadata, { team: 'search' });
      assert.equal(await nextMail(), event.detail.summary);
      assert.match(event.detail.summary, new RegExp(`^Fine-tuning job ${jobId} was cancelled`));
    });
  }

  test('in a dry run: a job that would be cancelled', async () => {
    await system.invoke({ jobId: 'ftjob-dry', dryRun: true });
    const event = await nextEvent();
    assert.equal(event['detail-type'], 'Fine-Tuning Job Would Be Cancelled');
    assert.equal(event.detail.jobId, 'ftjob-dry');
  });

  test('a near deadline: once, even if two sweeps find it at the same time, and by mail too', async () => {
    openai.jobs.clear();
    openai.jobs.set('ftjob-near', simulatedJob({ id: 'ftjob-near', status: 'running', ageMinutes: 340 }));
    await Promise.all([system.invoke({ sweep: {} }), system.invoke({ sweep: {} })]);
    const event = await nextEvent();
    assert.equal(event['detail-type'], 'Fine-Tuning Job Near Its Time Budget');
    assert.equal(event.detail.jobId, 'ftjob-near');
    assert.ok(event.detail.minutesLeft <= 20);
    assert.equal(await nextMail(), event.detail.summary);

    // Nothing is published between this event and the next.
    await system.invoke({ jobId: 'ftjob-near' });
    assert.equal((await nextEvent())['detail-type'], 'Fine-Tuning Job Cancelled');
  });
});
