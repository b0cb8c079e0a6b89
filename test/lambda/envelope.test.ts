import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulatedJob } from '../../infra/local/simulated-job.ts';
import type { CancelResult, QueueAnswer, SweepResult, TopicAnswer } from '../../lambda/contract.ts';
import { startCurfew } from '../support/curfew.ts';

const topicArn = 'arn:aws:sns:us-east-1:123456789012:requests';
const overBudgetArn = 'arn:aws:sns:us-east-1:123456789012:over-budget';
const jobs = () => ['ftjob-1', 'ftjob-2'].map((id) => simulatedJob({ id, status: 'running', ageMinutes: 5 }));
const start = () => startCurfew({ jobs: jobs(), environment: { STOP_ALL_TOPIC_ARNS: overBudgetArn } });

/** As AWS documents an event of SQS. */
const queueEvent = (...bodies: string[]) => ({
  Records: bodies.map((body, index) => ({
    messageId: `message-${index}`,
    receiptHandle: 'AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a...',
    body,
    attributes: {
      ApproximateReceiveCount: '1',
      SentTimestamp: '1545082649183',
      SenderId: 'AIDAIENQZJOLO23YVJ4VO',
      ApproximateFirstReceiveTimestamp: '1545082649185',
    },
    messageAttributes: {},
    md5OfBody: 'e4e68fb7bd0e697a0ae8f1bb342846b3',
    eventSource: 'aws:sqs',
    eventSourceARN: 'arn:aws:sqs:us-east-1:123456789012:my-queue',
    awsRegion: 'us-east-1',
  })),
});

/** As AWS documents an event of SNS. */
const topicEvent = (Message: string, TopicArn = topicArn) => ({
  Records: [
    {
      EventVersion: '1.0',
      EventSubscriptionArn: `${TopicArn}:21be56ed-a058-49f5-8c98-aedd2564c486`,
      EventSource: 'aws:sns',
      Sns: {
        SignatureVersion: '1',
        Timestamp: '2019-01-02T12:45:07.000Z',
        Signature: 'tcc6faL2yUC6dgZdmrwh1Y4cGa/ebXEkAi6RibDsvpi+tE/1+82j...65r==',
        SigningCertUrl: 'https://sns.us-east-1.amazonaws.com/SimpleNotificationService-ac565b8b.pem',
        MessageId: '95df01b4-ee98-5cb9-9903-4c221d41eb5e',
        Message,
        MessageAttributes: {},
        Type: 'Notification',
        UnsubscribeUrl: 'https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe',
        TopicArn,
        Subject: 'TestInvoke',
      },
    },
  ],
});

/** As AWS documents an event of EventBridge. */
const busEvent = (detail: object) => ({
  version: '0',
  id: '53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa',
  'detail-type': 'Training Aborted',
  source: 'my.pipeline',
  account: '123456789012',
  time: '2015-10-08T16:53:06Z',
  region: 'us-east-1',
  resources: [],
  detail,
});

describe('an event of EventBridge', () => {
  test('asks for the job in its detail, whatever else stands there', async () => {
    await using curfew = await start();
    const result = await curfew.invoke(busEvent({ jobId: 'ftjob-1', pipeline: 'nightly' }));
    assert.equal((result as CancelResult).outcome, 'cancelled');
  });

  test('may ask for a dry run, or for a sweep', async () => {
    await using curfew = await start();
    const dry = await curfew.invoke(busEvent({ jobId: 'ftjob-1', dryRun: true }));
    assert.equal((dry as CancelResult).outcome, 'would_cancel');
    const swept = await curfew.invoke(busEvent({ sweep: { timeBudgetMinutes: 0 } }));
    assert.equal((swept as SweepResult).cancelled, 2);
  });

  test('without a jobId is InvalidRequestError', async () => {
    await using curfew = await start();
    await assert.rejects(curfew.invoke(busEvent({ job: 'ftjob-1' })), { name: 'InvalidRequestError' });
    assert.deepEqual(curfew.openai.calls, []);
  });

  test('about an unknown job is JobNotFoundError', async () => {
    await using curfew = await start();
    await assert.rejects(curfew.invoke(busEvent({ jobId: 'ftjob-none' })), { name: 'JobNotFoundError' });
  });
});

describe('messages of SQS', () => {
  test('are handled each for itself; only what failed has to come back', async () => {
    await using curfew = await start();
    const bodies = ['{"jobId": "ftjob-1"}', 'no request', '{"jobId": "ftjob-none"}', '{"jobId": "ftjob-2"}'];
    const answer = (await curfew.invoke(queueEvent(...bodies))) as QueueAnswer<CancelResult>;
    assert.deepEqual(answer.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier).toSorted(), [
      'message-1',
      'message-2',
    ]);
    const results = answer.results.toSorted((a, b) => a.messageId.localeCompare(b.messageId));
    assert.deepEqual(
      results.map((came) => ('result' in came ? came.result.outcome : came.error.name)),
      ['cancelled', 'InvalidRequestError', 'JobNotFoundError', 'cancelled'],
    );
  });

  test('that all failed all come back, and the invocation is none that failed', async () => {
    await using curfew = await start();
    const answer = (await curfew.invoke(queueEvent('no', '[]'))) as QueueAnswer<CancelResult>;
    assert.equal(answer.batchItemFailures.length, 2);
  });

  test('that succeeded do not come back', async () => {
    await using curfew = await start();
    const answer = (await curfew.invoke(queueEvent('{"jobId": "ftjob-1"}'))) as QueueAnswer<CancelResult>;
    assert.deepEqual(answer.batchItemFailures, []);
  });

  test('read the key once between them, and once more where it was rotated', async () => {
    await using curfew = await start();
    const batch = queueEvent('{"jobId": "ftjob-1"}', '{"jobId": "ftjob-2"}', '{"jobId": "ftjob-1"}');
    await curfew.invoke(batch);
    assert.equal(curfew.aws.secretReads.length, 1);
    curfew.openai.apiKeys.clear();
    curfew.openai.apiKeys.add('sk-rotated');
    curfew.aws.secret = { SecretString: 'sk-rotated' };
    const answer = (await curfew.invoke(batch)) as QueueAnswer<CancelResult>;
    assert.deepEqual(answer.batchItemFailures, []);
    assert.equal(curfew.aws.secretReads.length, 2);
  });

  test('that fail are logged each', async () => {
    await using curfew = await start();
    await curfew.invoke(queueEvent('no request', '{"jobId": "ftjob-none"}'));
    const errors = curfew.logLines.filter((line) => line['level'] === 'ERROR');
    assert.equal(errors.length, 2);
  });
});

describe('a message of SNS', () => {
  test('is a request', async () => {
    await using curfew = await start();
    const answer = (await curfew.invoke(topicEvent('{"jobId": "ftjob-1"}'))) as TopicAnswer<CancelResult>;
    assert.deepEqual(
      answer.results.map((came) => 'result' in came && came.result.outcome),
      ['cancelled'],
    );
  });

  test('that is none is InvalidRequestError, so that Lambda keeps it as a dead letter', async () => {
    await using curfew = await start();
    await assert.rejects(curfew.invoke(topicEvent('Hello')), { name: 'InvalidRequestError' });
    assert.deepEqual(curfew.openai.calls, []);
  });

  test('on a topic that stops all, stops all, whatever it says', async () => {
    await using curfew = await start();
    const answer = (await curfew.invoke(
      topicEvent('Budget exceeded', overBudgetArn),
    )) as TopicAnswer<SweepResult>;
    const [came] = answer.results;
    assert.ok(came && 'result' in came);
    assert.equal(came.result.cancelled, 2);
    assert.equal(came.result.lookbackDays, 0);
  });
});

describe('who asked is the service', () => {
  const request = JSON.stringify({ jobId: 'ftjob-1' });
  const cases: [event: object, requestedBy: string][] = [
    [queueEvent(request), 'sqs'],
    [topicEvent(request), 'sns'],
    [busEvent(JSON.parse(request)), 'eventbridge'],
  ];
  for (const [event, requestedBy] of cases) {
    test(requestedBy, async () => {
      await using curfew = await start();
      await curfew.invoke(event);
      assert.equal(curfew.aws.events[0]?.detail['requestedBy'], requestedBy);
    });
  }
});

describe('what looks like an envelope and is none is InvalidRequestError', () => {
  const events = [
    { Records: [] },
    { Records: [{ eventSource: 'aws:s3', s3: {} }] },
    { Records: [{ eventSource: 'aws:sqs', messageId: 'm' }] },
    { Records: [queueEvent('{}').Records[0], topicEvent('{}').Records[0]] },
    { Records: [{ EventSource: 'aws:sns', Sns: { TopicArn: overBudgetArn } }] },
    { source: 'my.pipeline', detail: { jobId: 'ftjob-1' } },
    { source: 'my.pipeline', 'detail-type': 'x', detail: 'ftjob-1' },
  ];
  for (const event of events) {
    test(JSON.stringify(event).slice(0, 60), async () => {
      await using curfew = await start();
      await assert.rejects(curfew.invoke(event), { name: 'InvalidRequestError' });
      assert.deepEqual(curfew.openai.calls, []);
    });
  }
});
