import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { aws } from '../../infra/local/aws/commands.ts';
import { invokeCommand } from '../../infra/local/aws/deployment.ts';
import { eventually } from '../../infra/local/aws/eventually.ts';
import { type Environment, run } from '../../infra/local/aws/processes.ts';
import { simulatedJob } from '../../infra/local/providers/simulated-job.ts';
import { whatToTry } from '../../infra/local/tour/what-to-try.ts';
import { deployOrSkip } from '../support/deploy-or-skip.ts';
import { documentCommands } from '../support/document-commands.ts';

const { system, skip } = await deployOrSkip({ context: { sweepEveryMinutes: '1440' } });
after(() => system?.[Symbol.asyncDispose]());

describe('the commands in the documents, run as they are', { skip }, () => {
  assert.ok(system || skip);
  if (!system) return;
  const { openai, emulator } = system;
  const start = (id: string, ageMinutes = 5, metadata: Record<string, string> | null = null) =>
    openai.jobs.set(id, simulatedJob({ id, status: 'running', ageMinutes, metadata }));
  const status = (id: string) => openai.jobs.get(id)?.status;
  /** The emulator's AWS CLI, version 1 of which ignores AWS_ENDPOINT_URL for SQS. */
  const cli = `aws() { '${emulator.aws}' --endpoint-url "$AWS_ENDPOINT_URL" "$@"; }`;
  const runInShell = (script: string) => shell(`${cli}\n${script}`, emulator.environment);
  const runSection = (heading: string) => runInShell(documentCommands('docs/operations.md', heading));

  test('README, Requests', async () => {
    for (const id of ['ftjob-running-young', 'ftjob-queued']) start(id);
    start('ftjob-old', 400);
    const output = await runInShell(documentCommands('README.md', 'Requests'));
    assert.match(output, /"ftjob-queued".*"cancelled".*"would_cancel".*"previousDeadline".*"ftjob-old"/s);
    const ids = ['ftjob-running-young', 'ftjob-queued', 'ftjob-old'];
    assert.deepEqual(ids.map(status), ['cancelled', 'cancelled', 'cancelled']);
  });

  test('Questions: what runs, what it will do, what it did, why not this job', async () => {
    start('ftjob-exempt', 5000, { time_budget_minutes: 'none' });
    start('ftjob-old', 400);
    assert.match(await runSection('What runs, and what will become of it?'), /"ftjob-old".*"ftjob-exempt"/s);
    assert.match(await runSection('What will it do?'), /"would_cancel"/);
    await system.invoke({ sweep: {} });
    await eventually(async () =>
      (await runSection('What did it do?')).includes('ftjob-old was cancelled because its time budget was used up'),
    );
    assert.match(await runSection('Why not this job?'), /ftjob-exempt goes on, because it is exempt/);
  });

  test('Give a job more time', async () => {
    start('ftjob-queued', 350);
    assert.match(await runSection('Give a job more time'), /"deadline"/);
    start('ftjob-queued', 400);
    await system.invoke({ sweep: {} });
    assert.equal(status('ftjob-queued'), 'running');
  });

  test('Held back: look, then allow more', async () => {
    const ids = Array.from({ length: 21 }, (_, index) => `ftjob-bulk-${index}`);
    for (const id of ids) start(id, 400);
    assert.match(await runSection('Held back'), /"held_back".*"cancelled": ?21\b/s);
    assert.deepEqual(new Set(ids.map(status)), new Set(['cancelled']));
  });

  test('Switch off the sweeps only, and back on', async () => {
    const states = async () => {
      const { Rules } = (await aws(emulator, 'events', 'list-rules')) as {
        Rules: { State: string; ScheduleExpression?: string }[];
      };
      return new Set(Rules.filter((rule) => rule.ScheduleExpression).map(({ State }) => State));
    };
    const commands = documentCommands('docs/operations.md', 'Switch off the sweeps only');
    await runInShell(commands);
    assert.deepEqual(await states(), new Set(['DISABLED']));
    await runInShell(commands.replace('disable-rule', 'enable-rule'));
    assert.deepEqual(await states(), new Set(['ENABLED']));
  });

  test('The dead-letter queue: the letters taken out are deleted, and no others', async () => {
    const url = await system.output('DeadLetterQueueUrl');
    const commands = documentCommands('docs/operations.md', 'The dead-letter queue');
    const [take = '', remove = ''] = commands.split(/(?=^while )/m);
    const lose = (jobId: string) =>
      runInShell(`${invokeCommand({ jobId }, { options: '--invocation-type Event' })} >/dev/null`);
    const arrived = async (count: number) => {
      const attributes = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'];
      const asked = ['--queue-url', url, '--attribute-names', ...attributes];
      const { Attributes } = (await aws(emulator, 'sqs', 'get-queue-attributes', ...asked)) as {
        Attributes: Record<string, string>;
      };
      return attributes.reduce((sum, name) => sum + Number(Attributes[name]), 0) === count;
    };

    await lose('ftjob-nowhere');
    await eventually(() => arrived(1));
    await runInShell(`LETTERS=
      ${take}
      grep -q '"ftjob-nowhere"' "$LETTERS"
      ${invokeCommand({ jobId: 'ftjob-between' }, { options: '--invocation-type Event' })} >/dev/null
      until [ "$(aws sqs get-queue-attributes --queue-url "$QUEUE" --attribute-names ApproximateNumberOfMessages \\
        --query Attributes.ApproximateNumberOfMessages --output text)" = 1 ]; do sleep 0.5; done
      ${remove}`);
    assert.match(await runInShell(take), /ftjob-between/);
    assert.equal(await arrived(1), true);
  });

  test('a request that failed for good is kept whole, and can be sent again', async () => {
    const request = { jobId: 'ftjob-not-yet' };
    const commands = documentCommands('docs/operations.md', 'The dead-letter queue');
    await runInShell(`${invokeCommand(request, { options: '--invocation-type Event' })} >/dev/null`);
    const letter = await eventually(async () =>
      (await runInShell(commands)).split('\n').find((line) => line.includes('ftjob-not-yet')),
    );
    const { requestPayload, responsePayload } = JSON.parse(letter);
    assert.deepEqual(requestPayload, request);
    assert.match(responsePayload.errorMessage, /Check the job id/);

    start('ftjob-not-yet');
    await system.invoke(requestPayload);
    assert.equal(status('ftjob-not-yet'), 'cancelled');
  });

  test('what the tour says to try works in a shell without AWS settings', async () => {
    start('ftjob-queued');
    const output = await shell(whatToTry(emulator), { HOME: emulator.environment['HOME'] });
    assert.match(output, /"jobs".*"would_cancel".*"deadline".*"cancelled".*"ftjob-unknown.*"wouldCancel"/s);
  });

  test('Stop everything: first look, then stop', async () => {
    for (const id of ['ftjob-one', 'ftjob-two']) start(id);
    assert.match(await runSection('Stop everything'), /"dryRun": ?true.*"dryRun": ?false/s);
    assert.deepEqual(['ftjob-one', 'ftjob-two', 'ftjob-exempt'].map(status), Array(3).fill('cancelled'));
  });

  test('Stop the curfew at once, and let it run again', async () => {
    const commands = documentCommands('docs/operations.md', 'Stop the curfew at once');
    const [stop = '', letRun = ''] = commands.split(/^(?=aws lambda delete)/m);
    await runInShell(stop);
    await assert.rejects(runInShell(invokeCommand({ list: {} })), /TooManyRequestsException/);
    await runInShell(letRun);
    const { error } = await system.invoke({ list: {} });
    assert.equal(error, undefined);
  });
});

/** Runs a script, each command of which must succeed, and returns what it prints. */
function shell(script: string, environment: Environment): Promise<string> {
  // The AWS CLI can open /dev/stdout as a pipe, but not as Node's socket.
  return run('bash', ['-c', `set -eo pipefail\n{ ${script}\n} | cat`], environment);
}
