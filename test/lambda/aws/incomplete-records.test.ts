import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulatedJob } from '../../../infra/local/providers/simulated-job.ts';
import type { QueueAnswer, StopAllAnswer, SweepAnswer, TopicAnswer } from '../../../lambda/contract.ts';
import { type CurfewOptions, startCurfew } from '../../support/curfew.ts';
import { busEvent, queueEvent, topicEvent } from '../../support/envelopes.ts';
import { answers, pauseBeyondListing } from '../../support/wire-faults.ts';

const stopAllTopic = 'arn:aws:sns:us-east-1:123456789012:over-budget';
const twoJobs = () =>
  ['ftjob-1', 'ftjob-2'].map((id) => simulatedJob({ id, status: 'running', ageMinutes: 5 }));
const start = (options: CurfewOptions = {}) =>
  startCurfew({ jobs: twoJobs(), environment: { STOP_ALL_TOPIC_ARNS: stopAllTopic }, ...options });

describe('on a topic that stops all, any message stops all', () => {
  for (const message of ['Budget exceeded', '', '{"stopAll": {"dryRun": true}}', '{"jobId": "ftjob-1"}']) {
    test(`whatever it says: ${JSON.stringify(message)}`, async () => {
      await using curfew = await start({ settings: { dryRun: true } });
      const event = topicEvent(message, stopAllTopic);
      const [answer] = ((await curfew.invoke(event)) as TopicAnswer<StopAllAnswer>).results;
      assert.ok(answer && 'result' in answer);
      assert.deepEqual([answer.result.dryRun, answer.result.cancelled], [false, 2]);
      const [published] = curfew.aws.events;
      assert.deepEqual([published?.detail['reason'], published?.detail['requestedBy']], ['stop_all', 'sns']);
    });
  }

  test('and fails with IncompleteError if a job could not be cancelled', async () => {
    await using curfew = await start();
    curfew.openai.faultFor = ({ endpoint, jobId }) =>
      endpoint === 'cancel' && jobId === 'ftjob-2' ? answers(400) : undefined;
    await assert.rejects(curfew.invoke(topicEvent('x', stopAllTopic)), {
      name: 'IncompleteError',
      message: /cancelled 1 of 2 .*ftjob-2/,
    });
  });

  test('but not on another topic', async () => {
    await using curfew = await start();
    await assert.rejects(curfew.invoke(topicEvent('Budget exceeded')), { name: 'InvalidRequestError' });
  });
});

describe('a sweep in an envelope fails its record, so it comes again', () => {
  const overdue = () => twoJobs().map((job) => ({ ...job, created_at: job.created_at - 400 * 60 }));
  const sweep = { sweep: {} };

  test('if a job could not be cancelled', async () => {
    await using curfew = await start({ jobs: overdue() });
    curfew.openai.faultFor = ({ endpoint, jobId }) =>
      endpoint === 'cancel' && jobId === 'ftjob-2' ? answers(400) : undefined;
    const expected = {
      name: 'IncompleteError',
      message:
        'The sweep cancelled 1 of 2 overdue jobs: 1 could not be cancelled (ftjob-2). Send the request again: that is safe and finishes the rest.',
    };
    await assert.rejects(curfew.invoke(topicEvent(sweep)), expected);
    curfew.openai.jobs = new Map(overdue().map((job) => [job.id, job]));
    await assert.rejects(curfew.invoke(busEvent(sweep)), expected);
    curfew.openai.jobs = new Map(overdue().map((job) => [job.id, job]));
    const { batchItemFailures, results } = (await curfew.invoke(
      queueEvent(sweep),
    )) as QueueAnswer<SweepAnswer>;
    assert.deepEqual(batchItemFailures, [{ itemIdentifier: 'message-0' }]);
    assert.deepEqual(results, [{ messageId: 'message-0', error: expected }]);
  });

  test('if time ran out', async () => {
    await using curfew = await start();
    const { fault, remainingMilliseconds } = pauseBeyondListing;
    curfew.openai.faultFor = () => fault;
    await assert.rejects(curfew.invoke(topicEvent(sweep), remainingMilliseconds), {
      name: 'IncompleteError',
      message:
        /^The sweep cancelled 0 of 0 overdue jobs: time ran out in 1 project \(Time ran out before the first page of jobs came\. Could not list .* answered 429 /,
    });
  });

  test('if a job could not be judged', async () => {
    await using curfew = await start();
    curfew.openai.faultFor = () => (answer) => {
      const { body } = answer();
      return { status: 200, body: { ...(body as object), data: [{ id: 'ftjob-1', status: 'running' }] } };
    };
    await assert.rejects(curfew.invoke(topicEvent(sweep)), {
      name: 'IncompleteError',
      message: /1 could not be judged/,
    });
  });

  test('if one project of several could not be listed', async () => {
    const projects = { research: {}, broken: { secretName: 'broken' } };
    await using curfew = await start({ projects, secrets: { broken: { SecretString: 'sk-broken' } } });
    await assert.rejects(curfew.invoke(topicEvent(sweep)), {
      name: 'IncompleteError',
      message: /listing failed in 1 project \(Project "broken": /,
    });
  });

  test('with the error itself, if nothing could be listed', async () => {
    await using curfew = await start();
    curfew.openai.faultFor = () => answers(403);
    await assert.rejects(curfew.invoke(topicEvent(sweep)), { name: 'AuthenticationError' });
  });

  test('but not if jobs are only held back', async () => {
    await using curfew = await start({ jobs: overdue(), settings: { cancelLimit: 1 } });
    const [answer] = ((await curfew.invoke(topicEvent(sweep))) as TopicAnswer<SweepAnswer>).results;
    assert.ok(answer && 'result' in answer);
    assert.deepEqual([answer.result.heldBack, answer.result.complete], [2, true]);
  });

  test('but not if jobs can only not be cancelled by their status', async () => {
    await using curfew = await start({ jobs: [simulatedJob({ status: 'paused', ageMinutes: 400 })] });
    const [answer] = ((await curfew.invoke(topicEvent(sweep))) as TopicAnswer<SweepAnswer>).results;
    assert.ok(answer && 'result' in answer);
    assert.equal(answer.result.notCancellable, 1);
  });

  test('and not if it comes in none: its answer says what failed', async () => {
    await using curfew = await start({ jobs: overdue() });
    curfew.openai.faultFor = ({ endpoint }) => (endpoint === 'cancel' ? answers(400) : undefined);
    assert.equal((await curfew.sweep()).failed, 2);
  });
});
