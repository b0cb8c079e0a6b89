import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CurfewAnswer, QueueAnswer, TopicAnswer } from '../../lambda/contract.ts';
import { type Delivery, unwrap } from '../../lambda/envelope.ts';
import { JobNotFoundError } from '../../lambda/errors.ts';
import { eventSource, eventTypes } from '../../lambda/names.ts';
import { parseRequest } from '../../lambda/request.ts';
import { alarmMessage, busEvent, fifoEvent, notification, queueEvent, topicEvent } from '../support/envelopes.ts';

const stopAllTopic = 'arn:aws:sns:us-east-1:123456789012:over-budget';
const cancel = { jobId: 'ftjob-1' };
const stopAll = { stopAll: { dryRun: false } };

const answered = (jobId: string): CurfewAnswer => ({ jobId, outcome: 'cancelled', initialStatus: '', finalStatus: '' });

/** Unwraps an event. Each request is answered with its job id; `ftjob-none` does not exist. */
async function unwrapped(event: unknown) {
  const deliveries: Delivery[] = [];
  const requests: object[] = [];
  const ignored: string[] = [];
  const options = { stopAllTopics: [stopAllTopic], ignored: (alarm: string) => ignored.push(alarm) };
  const answer = await unwrap(event, options, async (delivery) => {
    deliveries.push(delivery);
    if (delivery.refusal) throw delivery.refusal;
    const request = parseRequest(delivery.given);
    requests.push(request);
    if (!('jobId' in request)) return answered('any');
    if (request.jobId === 'ftjob-none') throw new JobNotFoundError('There is no job "ftjob-none".');
    return answered(request.jobId);
  });
  return { answer, requests, ignored, from: deliveries[0]?.from };
}

describe('a request is unwrapped from', () => {
  const cases: [name: string, event: object, from: string][] = [
    ['no envelope', cancel, 'direct'],
    ['SQS', queueEvent(cancel), 'sqs'],
    ['SNS', topicEvent(cancel), 'sns'],
    ['EventBridge', busEvent(cancel), 'eventbridge'],
    ['SNS in SQS', queueEvent(notification(cancel)), 'sqs'],
    ['EventBridge in SQS', queueEvent(busEvent(cancel)), 'sqs'],
    ['EventBridge in SNS', topicEvent(busEvent(cancel)), 'sns'],
  ];
  for (const [name, event, from] of cases) {
    test(name, async () => {
      const { requests, ...delivered } = await unwrapped(event);
      assert.deepEqual([requests, delivered.from], [[{ jobId: 'ftjob-1', dryRun: false }], from]);
    });
  }
});

describe('on a stop-all topic', () => {
  const messages = [
    'Budget exceeded',
    '',
    '{"stopAll": {"dryRun": true}}',
    '{"jobId": "ftjob-1"}',
    '{"NewStateValue": "OK"}',
    JSON.stringify(alarmMessage('ALARM')),
    JSON.stringify(busEvent(cancel)),
  ];
  for (const message of messages) {
    test(`any message stops everything: ${JSON.stringify(message.slice(0, 40))}`, async () => {
      assert.deepEqual((await unwrapped(topicEvent(message, stopAllTopic))).requests, [stopAll]);
    });
  }

  test('a message that comes through a queue stops everything too', async () => {
    const event = queueEvent(notification('Budget exceeded', stopAllTopic));
    assert.deepEqual((await unwrapped(event)).requests, [stopAll]);
  });

  for (const state of ['OK', 'INSUFFICIENT_DATA'] as const) {
    test(`an alarm that changes to ${state} is ignored, and its message counts as handled`, async () => {
      const message = alarmMessage(state);
      const byTopic = await unwrapped(topicEvent(message, stopAllTopic));
      const byQueue = await unwrapped(queueEvent(notification(message, stopAllTopic)));
      assert.deepEqual([byTopic.requests, byTopic.ignored, byTopic.answer], [[], ['over-budget'], { results: [] }]);
      assert.deepEqual([byQueue.requests, byQueue.ignored], [[], ['over-budget']]);
      assert.deepEqual(byQueue.answer, { batchItemFailures: [], results: [] });
    });
  }

  test('only: on other topics such messages are invalid requests', async () => {
    for (const message of ['Budget exceeded', alarmMessage('ALARM')]) {
      await assert.rejects(unwrapped(topicEvent(message)), { name: 'InvalidRequestError' });
    }
  });
});

describe('an EventBridge event with a job id requests a cancel, whatever else it holds', () => {
  const cases: [beside: object, request: object][] = [
    [{ pipeline: 'nightly', nested: { jobId: 7 } }, {}],
    [{ sweep: 'lr-sweep-3', stopAll: {}, list: {}, extend: {} }, {}],
    [{ dryRun: null }, {}],
    [{ dryRun: false }, {}],
    [{ dryRun: true, sweep: 'x' }, { dryRun: true }],
    [{ project: 'research' }, { project: 'research' }],
    [{ project: { id: 7 } }, {}],
    [{ requestedBy: 'alice' }, { requestedBy: 'alice' }],
    [{ requestedBy: { id: 7 } }, {}],
    [{ requestedBy: '' }, {}],
  ];
  for (const [beside, request] of cases) {
    test(JSON.stringify(beside), async () => {
      const { requests } = await unwrapped(busEvent({ jobId: 'ftjob-1', ...beside }));
      assert.deepEqual(requests, [{ jobId: 'ftjob-1', dryRun: false, ...request }]);
    });
  }

  for (const dryRun of ['false', 'true', 0, 1, {}, []]) {
    test(`except an ambiguous dryRun: ${JSON.stringify(dryRun)}`, async () => {
      await assert.rejects(unwrapped(busEvent({ jobId: 'ftjob-1', dryRun })), {
        name: 'InvalidRequestError',
        message: /"dryRun" must be true or false/,
      });
    });
  }

  test('but not with an invalid job id', async () => {
    await assert.rejects(unwrapped(busEvent({ jobId: '../files' })), { name: 'InvalidRequestError' });
  });

  test('and its project need not be one of ours, unlike that of a request', async () => {
    const isForeign = async (event: object) => {
      const { promise, resolve } = Promise.withResolvers<boolean | undefined>();
      await unwrap(event, { stopAllTopics: [], ignored: () => {} }, async (one) => {
        resolve(one.isForeignEvent);
        return answered('ftjob-1');
      });
      return promise;
    };
    const request = { jobId: 'ftjob-1', project: 'theirs' };
    assert.equal(await isForeign(busEvent(request)), true);
    for (const event of [busEvent({ sweep: { project: 'theirs' } }), topicEvent(request), request]) {
      assert.ok(!(await isForeign(event)));
    }
  });
});

describe('an EventBridge event without a job id must hold exactly one valid request', () => {
  const requests = [
    { sweep: { timeBudgetMinutes: 0 }, requestedBy: 'alice' },
    stopAll,
    { list: {} },
    { extend: { jobId: 'ftjob-1', minutes: 600 } },
  ];
  for (const request of requests) {
    test(JSON.stringify(request), async () => {
      const detail = { ...request, pipeline: 'nightly', dryRun: false };
      assert.deepEqual((await unwrapped(busEvent(detail))).requests, [request]);
    });
  }

  const refused: [detail: object, message: RegExp][] = [
    [{}, /none of the keys/],
    [{ sweep: {}, stopAll: {} }, /both "sweep" and "stopAll"/],
    [{ sweep: 'lr-sweep-3' }, /"sweep" must be an object/],
    [{ stopAll: {}, dryRun: true }, /"dryRun" is not a known field/],
    [{ sweep: {}, project: 'research' }, /"project" is not a known field/],
    [{ jobId: 7 }, /"jobId" must be a string/],
    [{ jobId: null, sweep: {} }, /both "jobId" and "sweep"/],
  ];
  for (const [detail, message] of refused) {
    test(`not ${JSON.stringify(detail)}`, async () => {
      await assert.rejects(unwrapped(busEvent(detail)), { name: 'InvalidRequestError', message });
    });
  }
});

test('our own events are refused, so a warning never cancels the job that it is about', async () => {
  const event = { ...busEvent({ jobId: 'ftjob-1' }, eventSource), 'detail-type': eventTypes.near };
  const refusal = { name: 'InvalidRequestError', message: /published the event itself/ };
  await assert.rejects(unwrapped(event), refusal);
  await assert.rejects(unwrapped(topicEvent(event)), refusal);
  const { requests, answer } = await unwrapped(queueEvent(event));
  assert.deepEqual(requests, []);
  assert.equal((answer as QueueAnswer).batchItemFailures.length, 1);
});

describe('SQS is told which messages to deliver again', () => {
  test('those that failed, each with its error', async () => {
    const extra = { jobId: 'ftjob-2', pipeline: 'nightly' };
    const event = queueEvent(cancel, 'no request', { jobId: 'ftjob-none' }, extra, { jobId: 'ftjob-2' });
    const { batchItemFailures, results } = (await unwrapped(event)).answer as QueueAnswer;
    assert.deepEqual(
      batchItemFailures.map(({ itemIdentifier }) => itemIdentifier),
      ['message-1', 'message-2', 'message-3'],
    );
    const outcomes = new Map(results.map((one) => [one.messageId, 'error' in one ? one.error.name : 'done'] as const));
    assert.deepEqual(Object.fromEntries(outcomes), {
      'message-0': 'done',
      'message-1': 'InvalidRequestError',
      'message-2': 'JobNotFoundError',
      'message-3': 'InvalidRequestError',
      'message-4': 'done',
    });
  });

  test('all of them if all failed, while the invocation succeeds', async () => {
    const { batchItemFailures } = (await unwrapped(queueEvent('no', '[]'))).answer as QueueAnswer;
    assert.equal(batchItemFailures.length, 2);
  });

  test('from a FIFO queue, also those after a failure, which are not carried out', async () => {
    const event = fifoEvent({ list: {} }, { jobId: 'ftjob-none' }, cancel);
    const { requests, answer } = await unwrapped(event);
    assert.deepEqual((answer as QueueAnswer).batchItemFailures, [
      { itemIdentifier: 'message-1' },
      { itemIdentifier: 'message-2' },
    ]);
    assert.equal(requests.length, 2);
  });

  test('from a queue without a name too', async () => {
    const { Records } = queueEvent(cancel);
    const event = { Records: Records.map(({ eventSourceARN: _, ...record }) => record) };
    assert.deepEqual(((await unwrapped(event)).answer as QueueAnswer).batchItemFailures, []);
  });
});

test('messages from a FIFO queue are handled one by one', async () => {
  let underWay = 0;
  const answer = await unwrap(fifoEvent({}, {}, {}), { stopAllTopics: [], ignored: () => {} }, async () => {
    underWay += 1;
    assert.equal(underWay, 1);
    await new Promise(setImmediate);
    underWay -= 1;
    return answered('ftjob-1');
  });
  assert.deepEqual((answer as QueueAnswer).batchItemFailures, []);
});

test('a failed SNS record fails the invocation, but only once all records are done', async () => {
  const Records = [...topicEvent({ jobId: 'ftjob-none' }).Records, ...topicEvent(cancel).Records];
  const done: string[] = [];
  const answering = unwrap({ Records }, { stopAllTopics: [], ignored: () => {} }, async ({ given }) => {
    const { jobId } = given as typeof cancel;
    if (jobId === 'ftjob-none') throw new JobNotFoundError('There is no such job.');
    await new Promise(setImmediate);
    done.push(jobId);
    return answered(jobId);
  });
  await assert.rejects(answering, { name: 'JobNotFoundError' });
  assert.deepEqual(done, ['ftjob-1']);

  const { results } = (await unwrapped(topicEvent(cancel))).answer as TopicAnswer;
  assert.deepEqual(results, [{ messageId: '95df01b4-ee98-5cb9-9903-4c221d41eb5e', result: answered('ftjob-1') }]);
});

describe('what only looks like an envelope is an invalid request', () => {
  const events = [
    null,
    'ftjob-1',
    { Records: [] },
    { Records: [{ eventSource: 'aws:s3', s3: {} }] },
    { Records: [{ eventSource: 'aws:sqs', messageId: 'm' }] },
    { Records: [...queueEvent(cancel).Records, ...topicEvent(cancel).Records] },
    { Records: [{ EventSource: 'aws:sns', Sns: { TopicArn: stopAllTopic } }] },
    { source: 'my.pipeline', detail: cancel },
    busEvent('ftjob-1'),
    busEvent([cancel]),
  ];
  for (const event of events) {
    test(JSON.stringify(event)?.slice(0, 60), async () => {
      await assert.rejects(unwrapped(event), { name: 'InvalidRequestError' });
    });
  }
});
