import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulatedJob } from '../../../infra/local/simulated-job.ts';
import type {
  CancelAnswer,
  ListAnswer,
  QueueAnswer,
  StopAllAnswer,
  SweepAnswer,
  TopicAnswer,
} from '../../../lambda/contract.ts';
import { type Curfew, type CurfewOptions, endpoints, startCurfew } from '../../support/curfew.ts';
import { busEvent, queueEvent, topicEvent } from '../../support/envelopes.ts';
import { answers, noAnswer } from '../../support/wire-faults.ts';

const stopAllTopic = 'arn:aws:sns:us-east-1:123456789012:over-budget';
const twoJobs = () =>
  ['ftjob-1', 'ftjob-2'].map((id) => simulatedJob({ id, status: 'running', ageMinutes: 5 }));
const start = (options: CurfewOptions = {}) =>
  startCurfew({ jobs: twoJobs(), environment: { STOP_ALL_TOPIC_ARNS: stopAllTopic }, ...options });

/** What came of an event in the shape of a cancel's answer. */
const cancelled = async (curfew: Curfew, event: object) => (await curfew.invoke(event)) as CancelAnswer;
const outcomes = ({ results }: QueueAnswer<CancelAnswer> | TopicAnswer<CancelAnswer>) =>
  results
    .toSorted((a, b) => a.messageId.localeCompare(b.messageId))
    .map((one) => ('result' in one ? one.result.outcome : one.error.name));

describe('an event of EventBridge with a job id asks for a cancel, whatever else is in it', () => {
  const details: object[] = [
    { jobId: 'ftjob-1' },
    { jobId: 'ftjob-1', pipeline: 'nightly', nested: { jobId: 7 } },
    { jobId: 'ftjob-1', sweep: 'lr-sweep-3' },
    { jobId: 'ftjob-1', sweep: {}, stopAll: {}, list: {}, extend: {} },
    { jobId: 'ftjob-1', dryRun: null },
    { jobId: 'ftjob-1', dryRun: false },
    { jobId: 'ftjob-1', project: 'of our own' },
    { jobId: 'ftjob-1', project: { id: 7 } },
    { jobId: 'ftjob-1', requestedBy: { id: 7 } },
    { jobId: 'ftjob-1', requestedBy: '' },
  ];
  for (const detail of details) {
    test(JSON.stringify(detail), async () => {
      await using curfew = await start();
      assert.equal((await cancelled(curfew, busEvent(detail))).outcome, 'cancelled');
      assert.deepEqual(endpoints(curfew.openai), ['retrieve', 'cancel']);
      assert.equal(curfew.aws.events[0]?.detail['requestedBy'], 'eventbridge');
    });
  }

  test('as a dry run, if it says so', async () => {
    await using curfew = await start();
    const answer = await cancelled(curfew, busEvent({ jobId: 'ftjob-1', dryRun: true, sweep: 'x' }));
    assert.equal(answer.outcome, 'would_cancel');
  });

  test('in the name of the one who asked, if it says who in a valid way', async () => {
    await using curfew = await start();
    await cancelled(curfew, busEvent({ jobId: 'ftjob-1', requestedBy: 'alice' }));
    assert.equal(curfew.aws.events[0]?.detail['requestedBy'], 'alice');
  });

  for (const dryRun of ['false', 'true', 0, 1, {}, []]) {
    test(`but is refused if dryRun is ${JSON.stringify(dryRun)}`, async () => {
      await using curfew = await start();
      await assert.rejects(curfew.invoke(busEvent({ jobId: 'ftjob-1', dryRun })), {
        name: 'InvalidRequestError',
        message: /"dryRun" must be true or false/,
      });
      assert.deepEqual(curfew.openai.calls, []);
    });
  }

  test('but is refused if that is no job id', async () => {
    await using curfew = await start();
    await assert.rejects(curfew.invoke(busEvent({ jobId: '../files' })), { name: 'InvalidRequestError' });
    assert.deepEqual(curfew.openai.calls, []);
  });

  test('about an unknown job is JobNotFoundError', async () => {
    await using curfew = await start();
    await assert.rejects(curfew.invoke(busEvent({ jobId: 'ftjob-none' })), { name: 'JobNotFoundError' });
  });
});

describe('a project in somebody else’s event', () => {
  const projects = { research: {}, production: { secretName: 'production' } };
  const secrets = { production: { SecretString: 'sk-production' } };

  test('counts if it is one of ours', async () => {
    await using curfew = await start({ projects, secrets });
    const event = busEvent({ jobId: 'ftjob-1', project: 'production' });
    // The key of that project is not accepted: nothing else was asked.
    await assert.rejects(curfew.invoke(event), { name: 'AuthenticationError' });
    assert.deepEqual(new Set(curfew.aws.secretReads), new Set(['production']));
  });

  test('is ignored if it is none of ours', async () => {
    await using curfew = await start({ projects: { research: {}, production: {} } });
    const answer = await cancelled(curfew, busEvent({ jobId: 'ftjob-1', project: 'theirs' }));
    assert.equal(answer.outcome, 'cancelled');
  });

  test('is refused in a request of our own form', async () => {
    await using curfew = await start({ projects });
    await assert.rejects(curfew.invoke(busEvent({ sweep: { project: 'theirs' } })), {
      name: 'InvalidRequestError',
    });
  });
});

describe('an event of EventBridge without a job id has to be exactly one valid request', () => {
  test('a sweep', async () => {
    await using curfew = await start();
    const detail = { sweep: { timeBudgetMinutes: 0 }, requestedBy: 'alice', pipeline: 'nightly' };
    assert.equal(((await curfew.invoke(busEvent(detail))) as SweepAnswer).cancelled, 2);
    assert.equal(curfew.aws.events[0]?.detail['requestedBy'], 'alice');
  });

  test('stopping everything', async () => {
    await using curfew = await start();
    assert.equal(((await curfew.invoke(busEvent({ stopAll: {} }))) as StopAllAnswer).cancelled, 2);
  });

  test('a list', async () => {
    await using curfew = await start();
    assert.equal(((await curfew.invoke(busEvent({ list: {} }))) as ListAnswer).jobs.length, 2);
  });

  test('an extension', async () => {
    await using curfew = await start();
    await curfew.invoke(busEvent({ extend: { jobId: 'ftjob-1', minutes: 600 } }));
    assert.equal(curfew.aws.table.rows.get('ftjob-1')?.['extendedBy'], 'eventbridge');
  });

  const refused: [detail: object, message: RegExp][] = [
    [{}, /none of the keys/],
    [{ job: 'ftjob-1' }, /none of the keys/],
    [{ sweep: {}, stopAll: {} }, /both "sweep" and "stopAll"/],
    [{ sweep: 'lr-sweep-3' }, /"sweep" must be an object/],
    [{ sweep: [] }, /"sweep" must be an object/],
    [{ jobId: 7 }, /"jobId" must be a string/],
    [{ jobId: null, sweep: {} }, /both "jobId" and "sweep"/],
  ];
  for (const [detail, message] of refused) {
    test(`and ${JSON.stringify(detail)} is none`, async () => {
      await using curfew = await start();
      await assert.rejects(curfew.invoke(busEvent(detail)), { name: 'InvalidRequestError', message });
      assert.deepEqual(curfew.openai.calls, []);
    });
  }
});

test('our own events are refused, so a warning never cancels the job that it warns of', async () => {
  await using curfew = await start({
    jobs: [simulatedJob({ id: 'ftjob-1', status: 'running', ageMinutes: 350 })],
  });
  await curfew.sweep();
  const [warning] = curfew.aws.events;
  assert.equal(warning?.detailType, 'Fine-Tuning Job Near Its Time Budget');
  const callsBefore = curfew.openai.calls.length;
  await assert.rejects(curfew.invoke(busEvent(warning.detail, warning.source)), {
    name: 'InvalidRequestError',
    message: /one of our own/,
  });
  assert.equal(curfew.openai.calls.length, callsBefore);
});

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
        'The sweep cancelled 1 of 2 overdue jobs: 1 could not be cancelled (ftjob-2). Send it again: that is safe, and does the rest.',
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
    curfew.openai.faultFor = () => noAnswer;
    await assert.rejects(curfew.invoke(topicEvent(sweep), 2_000), {
      name: 'IncompleteError',
      message: /time ran out/i,
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
