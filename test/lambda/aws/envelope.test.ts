import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulatedJob } from '../../../infra/local/providers/simulated-job.ts';
import type { CancelAnswer, QueueAnswer, TopicAnswer } from '../../../lambda/contract.ts';
import { startCurfew } from '../../support/curfew.ts';
import { busEvent, queueEvent, topicEvent } from '../../support/envelopes.ts';

const stopAllTopic = 'arn:aws:sns:us-east-1:123456789012:over-budget';
const twoJobs = () =>
  ['ftjob-1', 'ftjob-2'].map((id) => simulatedJob({ id, status: 'running', ageMinutes: 5 }));
const start = () => startCurfew({ jobs: twoJobs(), environment: { STOP_ALL_TOPIC_ARNS: stopAllTopic } });

const outcomes = ({ results }: QueueAnswer<CancelAnswer> | TopicAnswer<CancelAnswer>) =>
  results
    .toSorted((a, b) => a.messageId.localeCompare(b.messageId))
    .map((one) => ('result' in one ? one.result.outcome : one.error.name));

describe('messages of SQS are strict requests', () => {
  test('each handled for itself; only what failed has to come back', async () => {
    await using curfew = await start();
    const event = queueEvent(
      { jobId: 'ftjob-1' },
      'no request',
      { jobId: 'ftjob-none' },
      { jobId: 'ftjob-2', pipeline: 'nightly' },
      { jobId: 'ftjob-2' },
    );
    const answer = (await curfew.invoke(event)) as QueueAnswer<CancelAnswer>;
    assert.deepEqual(answer.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier).toSorted(), [
      'message-1',
      'message-2',
      'message-3',
    ]);
    assert.deepEqual(outcomes(answer), [
      'cancelled',
      'InvalidRequestError',
      'JobNotFoundError',
      'InvalidRequestError',
      'cancelled',
    ]);
  });

  test('that all come back if all failed, and the invocation has not', async () => {
    await using curfew = await start();
    const answer = (await curfew.invoke(queueEvent('no', '[]'))) as QueueAnswer<CancelAnswer>;
    assert.equal(answer.batchItemFailures.length, 2);
  });

  test('of which those that succeeded do not come back', async () => {
    await using curfew = await start();
    const answer = (await curfew.invoke(queueEvent({ jobId: 'ftjob-1' }))) as QueueAnswer<CancelAnswer>;
    assert.deepEqual(answer.batchItemFailures, []);
  });

  test('in which dryRun may not be null', async () => {
    await using curfew = await start();
    const event = queueEvent({ jobId: 'ftjob-1', dryRun: null });
    assert.deepEqual(outcomes((await curfew.invoke(event)) as QueueAnswer<CancelAnswer>), [
      'InvalidRequestError',
    ]);
    assert.deepEqual(curfew.openai.calls, []);
  });
});

describe('a message of SNS', () => {
  test('is a strict request', async () => {
    await using curfew = await start();
    const answer = (await curfew.invoke(topicEvent({ jobId: 'ftjob-1' }))) as TopicAnswer<CancelAnswer>;
    assert.deepEqual(outcomes(answer), ['cancelled']);
  });

  for (const message of ['Hello', '{}', '{"jobId": "ftjob-1", "sweep": "x"}', '[]']) {
    test(`that is none fails, so Lambda keeps it as a dead letter: ${message}`, async () => {
      await using curfew = await start();
      await assert.rejects(curfew.invoke(topicEvent(message)), { name: 'InvalidRequestError' });
      assert.deepEqual(curfew.openai.calls, []);
    });
  }
});

describe('who asked is the service, if the request does not say', () => {
  const request = { jobId: 'ftjob-1' };
  const cases: [event: object, requestedBy: string][] = [
    [request, 'direct'],
    [queueEvent(request), 'sqs'],
    [topicEvent(request), 'sns'],
    [busEvent(request), 'eventbridge'],
    [{ ...request, requestedBy: 'alice' }, 'alice'],
    [queueEvent({ ...request, requestedBy: 'alice' }), 'alice'],
    [topicEvent({ ...request, requestedBy: 'alice' }), 'alice'],
  ];
  for (const [event, requestedBy] of cases) {
    test(`${requestedBy}: ${JSON.stringify(event).slice(0, 50)}`, async () => {
      await using curfew = await start();
      await curfew.invoke(event);
      assert.equal(curfew.aws.events[0]?.detail['requestedBy'], requestedBy);
      assert.equal(curfew.logLines[0]?.['requestedBy'], requestedBy);
    });
  }
});

describe('what looks like an envelope and is none is InvalidRequestError', () => {
  const [queued] = queueEvent({}).Records;
  const [published] = topicEvent({}).Records;
  const events = [
    { Records: [] },
    { Records: [{ eventSource: 'aws:s3', s3: {} }] },
    { Records: [{ eventSource: 'aws:sqs', messageId: 'm' }] },
    { Records: [queued, published] },
    { Records: [{ EventSource: 'aws:sns', Sns: { TopicArn: stopAllTopic } }] },
    { source: 'my.pipeline', detail: { jobId: 'ftjob-1' } },
    { source: 'my.pipeline', 'detail-type': 'x', detail: 'ftjob-1' },
    { source: 'my.pipeline', 'detail-type': 'x', detail: [{ jobId: 'ftjob-1' }] },
  ];
  for (const event of events) {
    test(JSON.stringify(event).slice(0, 60), async () => {
      await using curfew = await start();
      await assert.rejects(curfew.invoke(event), { name: 'InvalidRequestError' });
      assert.deepEqual(curfew.openai.calls, []);
    });
  }
});
