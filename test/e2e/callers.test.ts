import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { aws } from '../../infra/local/aws/commands.ts';
import { eventually } from '../../infra/local/aws/eventually.ts';
import { receive } from '../../infra/local/aws/queues.ts';
import { simulatedJob } from '../../infra/local/providers/simulated-job.ts';
import type { ListAnswer } from '../../lambda/contract.ts';
import { executeStateMachine, scheduleCancel } from '../support/aws-callers.ts';
import { deployOrSkip } from '../support/deploy-or-skip.ts';

const { system, skip } = await deployOrSkip({
  jobs: [],
  app: { command: 'node test/example/app.ts', stackName: 'CurfewExample' },
});
after(() => system?.[Symbol.asyncDispose]());

describe('the recipes of docs/callers.md, deployed as one stack', { skip }, async () => {
  if (!system) return;
  const { emulator, openai, output } = system;

  /** A new job in progress, and a wait for its end. */
  const start = (id: string, { ageMinutes = 1, metadata = {} as Record<string, string> } = {}) => {
    const job = simulatedJob({ id, status: 'running', ageMinutes, metadata });
    openai.jobs.set(id, job);
    return { id, cancelled: () => eventually(async () => job.status === 'cancelled') };
  };

  describe('Step Functions', () => {
    test('waits until the deadline, then cancels the job, and has the result by JSONPath', async () => {
      const job = start('ftjob-deadline');
      const deadline = new Date(Date.now() + 2_000).toISOString();
      const { status, output: result } = await executeStateMachine(emulator, 'cancel-at-deadline', {
        jobId: job.id,
        deadline,
      });
      assert.equal(status, 'SUCCEEDED');
      assert.equal(JSON.parse(result ?? '').outcome, 'cancelled');
      assert.ok(Date.now() >= Date.parse(deadline));
    });

    test('uses the result in JSONata', async () => {
      const job = start('ftjob-jsonata');
      const { output: result } = await executeStateMachine(emulator, 'cancel-now', { jobId: job.id });
      assert.deepEqual(JSON.parse(result ?? ''), { was: 'running' });
    });

    test('fails with our message (the emulator does not hand on error names, which the handler tests prove)', async () => {
      const { status, cause } = await executeStateMachine(emulator, 'cancel-now', { jobId: 'ftjob-none' });
      assert.equal(status, 'FAILED');
      assert.match(cause ?? '', /Check the job id/);
    });
  });

  /** OpenAI was asked for this job, and for no cancel of it. */
  const askedFor = async (id: string) => {
    const calls = () => openai.calls.filter(({ jobId }) => jobId === id).map(({ endpoint }) => endpoint);
    await eventually(async () => calls().length > 0);
    assert.deepEqual(calls(), ['retrieve']);
  };
  describe('an asynchronous invocation', () => {
    test('leaves a dead letter if the job is unknown', async () => {
      const name = ['--function-name', 'fine-tuning-curfew', '--invocation-type', 'Event'];
      const payload = ['--payload', JSON.stringify({ jobId: 'ftjob-none-async' })];
      await aws(emulator, 'lambda', 'invoke', ...name, ...payload, `${emulator.runDirectory}/answer.json`);
      const letter = JSON.parse(await receive(emulator, { url: await output('DeadLetterQueueUrl') }));
      assert.deepEqual(letter.requestPayload, { jobId: 'ftjob-none-async' });
    });
  });

  describe('EventBridge Scheduler', () => {
    test('cancels nothing for an unknown job (the emulator forgets a failure; AWS makes it a dead letter)', async () => {
      await scheduleCancel(system, 'ftjob-none-scheduled');
      await askedFor('ftjob-none-scheduled');
    });

    test('cancels the job at its deadline, and the schedule deletes itself', async () => {
      const job = start('ftjob-scheduled');
      await scheduleCancel(system, job.id);
      await job.cancelled();
      await eventually(async () => {
        const { Schedules } = (await aws(emulator, 'scheduler', 'list-schedules')) as {
          Schedules: unknown[];
        };
        return Schedules.length === 0;
      });
    });
  });

  describe('an EventBridge rule', () => {
    test('needs no input transformer: detail.jobId, whatever else there is', async () => {
      const job = start('ftjob-rule');
      const entry = {
        Source: 'my.pipeline',
        DetailType: 'Training Aborted',
        Detail: JSON.stringify({ jobId: job.id, pipeline: 'nightly', attempt: 3 }),
      };
      await aws(emulator, 'events', 'put-events', '--entries', JSON.stringify([entry]));
      await job.cancelled();
    });

    test('cancels nothing for an unknown job (the emulator forgets a failure; AWS makes it a dead letter)', async () => {
      const Detail = JSON.stringify({ jobId: 'ftjob-none-rule' });
      const entry = { Source: 'my.pipeline', DetailType: 'Training Aborted', Detail };
      await aws(emulator, 'events', 'put-events', '--entries', JSON.stringify([entry]));
      await askedFor('ftjob-none-rule');
    });
  });

  test('a warning extends a job that carries a certain tag, once, and cancels nothing', async () => {
    const job = start('ftjob-worth-it', { ageMinutes: 345, metadata: { extend: 'once' } });
    await system.invoke({ sweep: {} });
    const listed = await eventually(async () => {
      const { payload } = await system.invoke({ list: {} });
      const { jobs } = payload as ListAnswer;
      return jobs.find(({ jobId, budgetFrom }) => jobId === job.id && budgetFrom === 'extension');
    });
    const minutesLeft = (Date.parse(listed.deadline ?? '') - Date.now()) / 60_000;
    assert.ok(minutesLeft > 470 && minutesLeft <= 480, `${minutesLeft} minutes are left`);
    assert.equal(openai.jobs.get(job.id)?.status, 'running');
  });

  describe('SQS', () => {
    const send = async (body: string) =>
      aws(emulator, 'sqs', 'send-message', '--queue-url', await output('RequestsUrl'), '--message-body', body);

    test('handles the requests of a queue; only what failed comes back, and ends in the dead-letter queue', async () => {
      const queue = await output('RequestsUrl');
      // As the recipe has it, a message that failed comes back after sixteen minutes.
      await aws(emulator, 'sqs', 'set-queue-attributes', '--queue-url', queue, '--attributes', 'VisibilityTimeout=1');
      const job = start('ftjob-queue');
      await send('this is no request');
      await send(JSON.stringify({ jobId: job.id }));
      await job.cancelled();
      assert.equal(await receive(emulator, { url: await output('FailedRequestsUrl') }), 'this is no request');
      const calls = openai.calls.filter(({ jobId, endpoint }) => jobId === job.id && endpoint === 'cancel');
      assert.equal(calls.length, 1);
    });
  });

  describe('SNS', () => {
    const publish = async (topic: string, message: string) =>
      aws(emulator, 'sns', 'publish', '--topic-arn', await output(topic), '--message', message);

    test('handles the requests of a topic', async () => {
      const job = start('ftjob-topic');
      await publish('RequestTopicArn', JSON.stringify({ jobId: job.id }));
      await job.cancelled();
    });

    test('cancels nothing for an unknown job (the emulator forgets a failure; AWS makes it a dead letter)', async () => {
      await publish('RequestTopicArn', JSON.stringify({ jobId: 'ftjob-none-topic' }));
      await askedFor('ftjob-none-topic');
    });

    test('stops every job in progress, even an exempt one, on whatever AWS Budgets says', async () => {
      const exempt = { metadata: { time_budget_minutes: 'none' } };
      const jobs = [start('ftjob-one'), start('ftjob-two'), start('ftjob-three', exempt)];
      await publish('OverBudgetArn', 'AWS Budgets: MonthlyBudget has exceeded your alert threshold');
      await Promise.all(jobs.map((job) => job.cancelled()));
    });
  });

  describe('another function', () => {
    const call = async (request: object, ...options: string[]) => {
      const command = [
        'lambda',
        'invoke',
        '--function-name',
        'caller',
        ...options,
        '--payload',
        JSON.stringify(request),
      ];
      const file = `${emulator.runDirectory}/answer.json`;
      return { answer: await aws(emulator, ...command, file), file };
    };

    test('gets the result', async () => {
      const job = start('ftjob-called');
      await call({ jobId: job.id });
      await job.cancelled();
    });

    test('gets the error', async () => {
      const { answer } = await call({ jobId: 'ftjob-none' });
      assert.ok((answer as { FunctionError?: string }).FunctionError);
    });
  });
});
