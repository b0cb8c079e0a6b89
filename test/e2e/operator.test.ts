import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { aws } from '../../infra/local/aws/commands.ts';
import { eventually } from '../../infra/local/aws/eventually.ts';
import { simulatedJob } from '../../infra/local/providers/simulated-job.ts';
import type { CancelAnswer, ExtendAnswer, ListAnswer, SweepAnswer } from '../../lambda/contract.ts';
import { deployOrSkip } from '../support/deploy-or-skip.ts';

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
  const { openai, emulator } = system;
  const status = (jobId: string) => openai.jobs.get(jobId)?.status;
  const ask = async <Answer>(request: object) => {
    const { payload, error } = await system.invoke(request);
    assert.equal(error, undefined);
    return payload as Answer;
  };

  test('lists jobs in progress, soonest deadline first', async () => {
    const { complete, jobs } = await ask<ListAnswer>({ list: {} });
    assert.equal(complete, true);
    assert.deepEqual(
      jobs.map(({ jobId }) => jobId),
      ['ftjob-stays', 'ftjob-dry', 'ftjob-young'],
    );
    const [first] = jobs;
    assert.equal(first?.budgetFrom, 'default');
    const deadline = (openai.jobs.get('ftjob-stays')?.created_at ?? 0) + 360 * 60;
    assert.equal(Date.parse(first?.deadline ?? ''), deadline * 1000);
  });

  test('cancels a job in progress', async () => {
    assert.deepEqual(await ask<CancelAnswer>({ jobId: 'ftjob-young' }), {
      jobId: 'ftjob-young',
      outcome: 'cancelled',
      initialStatus: 'running',
      finalStatus: 'cancelled',
    });
    assert.equal(status('ftjob-young'), 'cancelled');
  });

  test('leaves a finished job alone', async () => {
    assert.deepEqual(await ask<CancelAnswer>({ jobId: 'ftjob-done' }), {
      jobId: 'ftjob-done',
      outcome: 'already_finished',
      initialStatus: 'succeeded',
      finalStatus: null,
    });
  });

  test('says in a dry run what it would cancel', async () => {
    const { outcome } = await ask<CancelAnswer>({ jobId: 'ftjob-dry', dryRun: true });
    assert.equal(outcome, 'would_cancel');
    assert.equal(status('ftjob-dry'), 'queued');
  });

  test('reports an unknown job as a function error that says what to do', async () => {
    const { error } = await system.invoke({ jobId: 'ftjob-unknown' });
    assert.match(error?.message ?? '', /"ftjob-unknown".*Check the job id/);
  });

  test('reports an invalid request as a function error that names the field', async () => {
    const { error } = await system.invoke({ jobId: 'ftjob-young', dryrun: true });
    assert.match(error?.message ?? '', /"dryrun" is not a known field/);
  });

  test("sweeps with the rule's own input", async () => {
    openai.jobs.set('ftjob-overdue', job('ftjob-overdue', 'running', 400));
    const request = await system.ruleInput();
    assert.deepEqual(request, { sweep: {}, requestedBy: 'rule' });
    await system.invoke(request);
    assert.equal(status('ftjob-overdue'), 'cancelled');
    assert.equal(status('ftjob-stays'), 'running');
  });

  test("cancels none of 21 overdue jobs, and raises the alarm's metric, until a request allows more", async () => {
    const ids = Array.from({ length: 21 }, (_, index) => `ftjob-bulk-${index}`);
    for (const id of ids) openai.jobs.set(id, job(id, 'running', 400));
    const held = await ask<SweepAnswer>({ sweep: {} });
    assert.equal(held.heldBack, 21);
    assert.equal(held.cancelled, 0);
    const cancels = openai.calls.filter(({ endpoint, jobId }) => endpoint === 'cancel' && ids.includes(jobId ?? ''));
    assert.deepEqual(cancels, []);
    await eventually(async () => {
      const filter = ['--log-group-name', '/aws/lambda/fine-tuning-curfew', '--filter-pattern', '"HeldBack"'];
      const { events } = (await aws(emulator, 'logs', 'filter-log-events', ...filter)) as {
        events: { message: string }[];
      };
      return events.some(({ message }) => /"HeldBack":21\b/.test(message));
    });

    const { cancelled } = await ask<SweepAnswer>({ sweep: { cancelLimit: 21 } });
    assert.equal(cancelled, 21);
    assert.deepEqual(new Set(ids.map(status)), new Set(['cancelled']));
  });

  describe('is called by a rule that fires by itself', { concurrency: true, timeout: 250_000 }, () => {
    test('an extended job survives it, until the extension is over', async () => {
      openai.jobs.set('ftjob-extended', job('ftjob-extended', 'running', 359));
      const request = { extend: { jobId: 'ftjob-extended', minutes: 600 }, requestedBy: 'alice' };
      const { previousDeadline, deadline } = await ask<ExtendAnswer>(request);
      assert.ok(Date.parse(deadline ?? '') > Date.parse(previousDeadline ?? ''));
      // Its own time is up now, and so is that of another job without an extension.
      openai.jobs.set('ftjob-extended', job('ftjob-extended', 'running', 400));
      openai.jobs.set('ftjob-late', job('ftjob-late', 'running', 400));

      await eventually(async () => status('ftjob-late') === 'cancelled');
      assert.equal(status('ftjob-extended'), 'running');
      assert.equal(status('ftjob-stays'), 'running');

      await endExtension('ftjob-extended');
      await eventually(async () => status('ftjob-extended') === 'cancelled');
      assert.equal(status('ftjob-stays'), 'running');
    });

    test('a job that waited beyond its budget still gets all of it once it starts, and no more', async () => {
      const metadata = { time_budget_minutes: '0.75' };
      const waited = simulatedJob({ id: 'ftjob-waited', status: 'queued', ageMinutes: 300, metadata });
      openai.jobs.set(waited.id, waited);
      const listed = async () => {
        const { jobs } = await ask<ListAnswer>({ list: {} });
        const { countsFrom, deadline } = jobs.find(({ jobId }) => jobId === waited.id) ?? assert.fail();
        return { countsFrom: Date.parse(countsFrom ?? ''), deadline: Date.parse(deadline ?? '') };
      };
      const wasSeenWaiting = async () => (await listed()).countsFrom > waited.created_at * 1000;
      await eventually(wasSeenWaiting);
      waited.status = 'running';

      const { countsFrom, deadline } = await listed();
      assert.equal(deadline - countsFrom, 45_000);
      const { jobs: due } = await ask<SweepAnswer>({ sweep: { dryRun: true } });
      assert.ok(Date.now() < deadline && due.every(({ jobId }) => jobId !== waited.id), 'is not due yet');
      await eventually(async () => waited.status === 'cancelled');
      assert.ok((waited.finished_at ?? 0) * 1000 >= deadline);
    });
  });

  /** As if ten hours had passed. */
  async function endExtension(jobId: string): Promise<void> {
    const { TableNames } = (await aws(emulator, 'dynamodb', 'list-tables')) as { TableNames: string[] };
    const values = { ':now': { N: String(Math.floor(Date.now() / 1000)) } };
    await aws(
      emulator,
      ...['dynamodb', 'update-item', '--table-name', TableNames[0] ?? ''],
      ...['--key', JSON.stringify({ jobId: { S: jobId } })],
      ...['--condition-expression', 'attribute_exists(extendedUntil)'],
      ...['--update-expression', 'SET extendedUntil = :now'],
      ...['--expression-attribute-values', JSON.stringify(values)],
    );
  }
});
