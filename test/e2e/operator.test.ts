import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { aws } from '../../infra/local/aws-commands.ts';
import { invokeCommand } from '../../infra/local/deployed-system.ts';
import { eventually } from '../../infra/local/eventually.ts';
import { type Environment, run } from '../../infra/local/processes.ts';
import { receive } from '../../infra/local/queues.ts';
import { simulatedJob } from '../../infra/local/simulated-job.ts';
import { whatToTry } from '../../infra/local/what-to-try.ts';
import { deployOrSkip } from '../support/deploy-or-skip.ts';
import { readmeCommands } from '../support/document-commands.ts';

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

describe("the README's commands, as they stand there", { skip }, () => {
  assert.ok(system || skip);
  if (!system) return;
  const { openai, emulator } = system;
  /** The AWS CLI of the emulator; version 1 of it ignores AWS_ENDPOINT_URL where it talks to SQS. */
  const cli = `aws() { '${emulator.aws}' --endpoint-url "$AWS_ENDPOINT_URL" "$@"; }`;
  const runInShell = (script: string) => shell(`${cli}\n${script}`, emulator.environment);

  test('Commands', async () => {
    for (const id of ['ftjob-running-young', 'ftjob-queued']) openai.jobs.set(id, job(id, 'running', 5));
    const output = await runInShell(readmeCommands('Commands'));
    assert.match(output, /"cancelled".*"would_cancel".*"complete": ?true/s);
    assert.equal(openai.jobs.get('ftjob-running-young')?.status, 'cancelled');
  });

  test('Operations, and the rules enabled again', async () => {
    const exempt = { time_budget_minutes: 'none' };
    openai.jobs.set(
      'ftjob-exempt',
      simulatedJob({ id: 'ftjob-exempt', status: 'running', metadata: exempt }),
    );
    await system.invoke({ sweep: {} });
    const commands = readmeCommands('Operations');
    const output = await runInShell(commands);
    assert.match(output, /"complete": ?true/);
    assert.match(output, /was cancelled as asked/);
    assert.match(output, /ftjob-exempt goes on: it is exempt/);

    const states = async () => {
      const { Rules } = (await aws(emulator, 'events', 'list-rules')) as { Rules: { State: string }[] };
      return new Set(Rules.map(({ State }) => State));
    };
    assert.deepEqual(await states(), new Set(['DISABLED']));
    await runInShell(commands.replace('disable-rule', 'enable-rule'));
    assert.deepEqual(await states(), new Set(['ENABLED']));
  });

  test('The dead-letter queue', async () => {
    const request = invokeCommand({ jobId: 'ftjob-nowhere' }).replace(
      ' --payload',
      ' --invocation-type Event --payload',
    );
    await runInShell(request);
    await eventually(async () =>
      (await runInShell(readmeCommands('The dead-letter queue'))).includes('ftjob-nowhere'),
    );
    const url = await system.output('DeadLetterQueueUrl');
    const left = await aws(emulator, 'sqs', 'receive-message', '--queue-url', url);
    assert.equal(left, undefined);
  });
});

test('what the tour says to try works in a shell that knows nothing of AWS', { skip }, async () => {
  assert.ok(system);
  const { openai, emulator } = system;
  openai.jobs.set('ftjob-queued', job('ftjob-queued', 'queued', 5));
  const output = await shell(whatToTry(emulator), { HOME: emulator.environment['HOME'] });
  assert.match(output, /"would_cancel".*"cancelled".*"ftjob-unknown.*"complete": ?true/s);
});

/** Runs a script, each command of which must succeed, and gives what it prints. */
function shell(script: string, environment: Environment): Promise<string> {
  // What the AWS CLI opens as /dev/stdout must be a pipe; that of Node is a socket.
  return run('bash', ['-c', `set -eo pipefail\n{ ${script}\n} | cat`], environment);
}
