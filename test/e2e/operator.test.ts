import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { invokeCommand } from '../../infra/local/deployed-system.ts';
import { eventually } from '../../infra/local/eventually.ts';
import { simulatedJob } from '../../infra/local/openai-simulator.ts';
import { run } from '../../infra/local/processes.ts';
import { receive } from '../../infra/local/queues.ts';
import { deployOrSkip } from './deploy-or-skip.ts';

const job = (id: string, status: string, ageMinutes: number) => simulatedJob({ id, status, ageMinutes });

const { system, skip } = await deployOrSkip({
  jobs: [
    job('ftjob-young', 'running', 10),
    job('ftjob-dry', 'queued', 20),
    job('ftjob-done', 'succeeded', 30),
    job('ftjob-stays', 'running', 40),
  ],
  context: { sweepEveryMinutes: '1' },
});
after(() => system?.[Symbol.asyncDispose]());

describe('the deployed function, called by the AWS CLI', { skip }, () => {
  assert.ok(system || skip);
  if (!system) return;
  const { openai, emulator, output } = system;
  const status = (jobId: string) => openai.jobs.get(jobId)?.status;

  test('cancels a job in progress', async () => {
    const { payload } = await system.invoke({ jobId: 'ftjob-young' });
    assert.deepEqual(payload, {
      jobId: 'ftjob-young',
      outcome: 'cancelled',
      initialStatus: 'running',
      finalStatus: 'cancelled',
    });
    assert.equal(status('ftjob-young'), 'cancelled');
  });

  test('leaves a finished job alone', async () => {
    const { payload } = await system.invoke({ jobId: 'ftjob-done' });
    assert.deepEqual(payload, {
      jobId: 'ftjob-done',
      outcome: 'already_finished',
      initialStatus: 'succeeded',
      finalStatus: null,
    });
  });

  test('tells in a dry run what it would do', async () => {
    const { payload } = await system.invoke({ jobId: 'ftjob-dry', dryRun: true });
    assert.equal((payload as { outcome: string }).outcome, 'would_cancel');
    assert.equal(status('ftjob-dry'), 'queued');
  });

  test('reports an unknown job as a function error that says what to do', async () => {
    const { error } = await system.invoke({ jobId: 'ftjob-unknown' });
    assert.match(error?.message ?? '', /Could not retrieve the job "ftjob-unknown".*Check the job id/);
  });

  test('reports a wrong request as a function error that names the field', async () => {
    const { error } = await system.invoke({ jobId: 'ftjob-young', dryrun: true });
    assert.match(error?.message ?? '', /"dryrun" is not a known field/);
  });

  test("sweeps with the rule's own input", async () => {
    openai.jobs.set('ftjob-overdue', job('ftjob-overdue', 'running', 400));
    const request = await system.ruleInput();
    assert.deepEqual(request, { sweep: { timeBudgetMinutes: 360, dryRun: false, lookbackDays: 30 } });
    const { payload } = await system.invoke(request);
    const { jobs, cancelled } = payload as { jobs: { jobId: string }[]; cancelled: number };
    assert.equal(cancelled, 1);
    assert.equal(jobs[0]?.jobId, 'ftjob-overdue');
    assert.equal(status('ftjob-overdue'), 'cancelled');
    assert.equal(status('ftjob-stays'), 'running');
  });

  test('keeps an asynchronous request that failed for good, and the README says how to send it again', async () => {
    const url = await output('DeadLetterQueueUrl');
    const request = { jobId: 'ftjob-not-yet' };
    const command = invokeCommand(request, emulator.aws).replace(
      ' --payload',
      ' --invocation-type Event --payload',
    );
    await run('sh', ['-c', `${command} | cat`], emulator.environment);

    const { requestPayload, responsePayload } = JSON.parse(await receive(emulator, { url }));
    assert.deepEqual(requestPayload, request);
    assert.match(responsePayload.errorMessage, /Check the job id/);

    openai.jobs.set('ftjob-not-yet', job('ftjob-not-yet', 'running', 1));
    await system.invoke(requestPayload);
    assert.equal(status('ftjob-not-yet'), 'cancelled');
  });

  test('is called by a rule that fires on its own, and cancels an overdue job', {
    timeout: 150_000,
  }, async () => {
    openai.jobs.set('ftjob-late', job('ftjob-late', 'running', 361));
    await eventually(async () => status('ftjob-late') === 'cancelled');
    assert.equal(status('ftjob-stays'), 'running');
  });
});
