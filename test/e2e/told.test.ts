import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { aws } from '../../infra/local/aws-commands.ts';
import { createQueue, queueOfEvents, receive } from '../../infra/local/queues.ts';
import { simulatedJob } from '../../infra/local/simulated-job.ts';
import { deployOrSkip } from '../support/deploy-or-skip.ts';

const { system, skip } = await deployOrSkip({
  jobs: ['ftjob-swept', 'ftjob-asked', 'ftjob-dry'].map((id) =>
    simulatedJob({
      id,
      status: 'running',
      ageMinutes: id === 'ftjob-swept' ? 400 : 10,
      metadata: { team: 'search' },
    }),
  ),
  context: { notifyEmail: 'ml@example.com' },
});
after(() => system?.[Symbol.asyncDispose]());

describe('a cancellation is told', { skip }, async () => {
  if (!system) return;
  const { emulator } = system;

  const queue = await queueOfEvents(emulator, 'cancellations');

  const mails = await createQueue(emulator, 'mails');
  const { Topics } = (await aws(emulator, 'sns', 'list-topics')) as { Topics: { TopicArn: string }[] };
  const topic = Topics[0]?.TopicArn ?? '';
  await aws(
    emulator,
    'sns',
    'subscribe',
    '--topic-arn',
    topic,
    '--protocol',
    'sqs',
    '--notification-endpoint',
    mails.arn,
  );

  const cases = [
    ['by a sweep', { sweep: {} }, 'ftjob-swept', 'Fine-Tuning Job Cancelled', 'time_budget'],
    ['on request', { jobId: 'ftjob-asked' }, 'ftjob-asked', 'Fine-Tuning Job Cancelled', 'requested'],
  ] as const;
  for (const [name, request, jobId, detailType, reason] of cases) {
    test(`${name}: as an event through a rule into a queue, and as a sentence on the topic`, async () => {
      await system.invoke(request);
      const event = JSON.parse(await receive(emulator, queue));
      assert.equal(event.source, 'fine-tuning-curfew');
      assert.equal(event['detail-type'], detailType);
      assert.equal(event.detail.jobId, jobId);
      assert.equal(event.detail.reason, reason);
      assert.deepEqual(event.detail.metadata, { team: 'search' });

      const mail = JSON.parse(await receive(emulator, mails));
      // EventBridge puts the text of an input transformer into quotation marks.
      assert.equal(mail.Message.replaceAll('"', ''), event.detail.summary);
      assert.match(event.detail.summary, new RegExp(`^Fine-tuning job ${jobId} was cancelled`));
    });
  }

  test('in a dry run: as one that would be cancelled', async () => {
    await system.invoke({ jobId: 'ftjob-dry', dryRun: true });
    const event = JSON.parse(await receive(emulator, queue));
    assert.equal(event['detail-type'], 'Fine-Tuning Job Would Be Cancelled');
    assert.equal(event.detail.jobId, 'ftjob-dry');
  });
});
