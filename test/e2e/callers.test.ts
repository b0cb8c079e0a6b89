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

  /** Starts a job, and returns a wait for its end. */
  const start = (id: string, { ageMinutes = 1, metadata = {} as Record<string, string> } = {}) => {
    const job = simulatedJob({ id, status: 'running', ageMinutes, metadata });
    openai.jobs.set(id, job);
    return { id, cancelled: () => eventually(async () => job.status === 'cancelled') };
  };

  describe('Step Functions', () => {
    test('waits until the deadline, then cancels the job, with the result by JSONPath', async () => {
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

    test('fails with our message (the emulator drops error names, which the handler tests check)', async () => {
      const { status, cause } = await executeStateMachine(emulator, 'cancel-now', { jobId: 'ftjob-none' });
      assert.equal(status, 'FAILED');
      assert.match(cause ?? '', /Check the job id/);
    });
  });

  const publish = async (topic: string, message: string) =>
    aws(emulator, 'sns', 'publish', '--topic-arn', await output(topic), '--message', message);
  const putEvent = (detail: object) => {
    const entry = { Source: 'my.pipeline', DetailType: 'Training Aborted', Detail: JSON.stringify(detail) };
    return aws(emulator, 'events', 'put-events', '--entries', JSON.stringify([entry]));
  };
  const invoke = async (name: string, request: object, ...options: string[]) => {
    const payload = ['--payload', JSON.stringify(request), `${emulator.runDirectory}/answer.json`];
    const answer = await aws(emulator, 'lambda', 'invoke', '--function-name', name, ...options, ...payload);
    return answer as { FunctionError?: string };
  };

  const callers: Record<string, (jobId: string) => Promise<unknown>> = {
    'EventBridge Scheduler': (jobId) => scheduleCancel(system, jobId),
    'an EventBridge rule, without an input transformer': (jobId) =>
      putEvent({ jobId, pipeline: 'nightly', attempt: 3 }),
    'an SNS topic': (jobId) => publish('RequestTopicArn', JSON.stringify({ jobId })),
    'another function': (jobId) => invoke('caller', { jobId }),
  };
  for (const [name, request] of Object.entries(callers)) {
    test(`${name} cancels a job, and nothing if it is unknown (AWS makes that a dead letter)`, async () => {
      const job = start(`ftjob-${name.replaceAll(/\W/g, '')}`);
      await request(job.id);
      await job.cancelled();

      const unknown = `${job.id}-none`;
      await request(unknown);
      const calls = () => openai.calls.filter(({ jobId }) => jobId === unknown).map(({ endpoint }) => endpoint);
      await eventually(async () => calls().length > 0);
      assert.deepEqual(calls(), ['retrieve']);
    });
  }

  test('a schedule deletes itself', async () => {
    await eventually(async () => {
      const { Schedules } = (await aws(emulator, 'scheduler', 'list-schedules')) as { Schedules: unknown[] };
      return Schedules.length === 0;
    });
  });

  test('another function gets the error', async () => {
    assert.ok((await invoke('caller', { jobId: 'ftjob-none' })).FunctionError);
  });

  test('an asynchronous invocation leaves a dead letter if the job is unknown', async () => {
    const request = { jobId: 'ftjob-none-async' };
    await invoke('fine-tuning-curfew', request, '--invocation-type', 'Event');
    const letter = JSON.parse(await receive(emulator, { url: await output('DeadLetterQueueUrl') }));
    assert.deepEqual(letter.requestPayload, request);
  });

  test('a warning extends a job with a certain tag, once, and cancels nothing', async () => {
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

  test('SQS: handles requests; only failed ones come back, and end in the dead-letter queue', async () => {
    const queue = await output('RequestsUrl');
    // With the recipe's timeout, a failed message comes back after sixteen minutes.
    await aws(emulator, 'sqs', 'set-queue-attributes', '--queue-url', queue, '--attributes', 'VisibilityTimeout=1');
    const job = start('ftjob-queue');
    for (const body of ['this is no request', JSON.stringify({ jobId: job.id })]) {
      await aws(emulator, 'sqs', 'send-message', '--queue-url', queue, '--message-body', body);
    }
    await job.cancelled();
    assert.equal(await receive(emulator, { url: await output('FailedRequestsUrl') }), 'this is no request');
    const calls = openai.calls.filter(({ jobId, endpoint }) => jobId === job.id && endpoint === 'cancel');
    assert.equal(calls.length, 1);
  });

  test('SNS: any message of AWS Budgets stops every job in progress, even exempt ones', async () => {
    const jobs = [start('ftjob-one'), start('ftjob-exempt', { metadata: { time_budget_minutes: 'none' } })];
    await publish('OverBudgetArn', 'AWS Budgets: MonthlyBudget has exceeded your alert threshold');
    await Promise.all(jobs.map((job) => job.cancelled()));
  });
});
