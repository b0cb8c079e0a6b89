import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulatedJob } from '../../../infra/local/providers/simulated-job.ts';
import { startFineTuningSimulator } from '../../../infra/local/providers/simulator.ts';
import { eventSource } from '../../../lambda/names.ts';
import { startCurfew } from '../../support/curfew.ts';
import { busEvent } from '../../support/envelopes.ts';
import { errorIn, fromLambda, ours, running } from '../../support/log-lines.ts';
import { answers, pauseBeyondListing, says } from '../../support/wire-faults.ts';

describe('a sweep ends in one line with its counts', () => {
  test('at level INFO, that says who asked', async () => {
    await using curfew = await startCurfew({ jobs: [running('ftjob-1', 400), running('ftjob-2', 10)] });
    await curfew.sweep({}, { requestedBy: 'rule' });
    assert.deepEqual(ours(curfew.logLines.at(-1)), {
      level: 'INFO',
      message: 'Swept: 2 inspected, 2 in progress, 1 overdue, 1 cancelled, 0 held back, 0 failed.',
      requestedBy: 'rule',
      complete: true,
      dryRun: false,
      inspected: 2,
      inProgress: 2,
      overdue: 1,
      notCancellable: 0,
      cancelled: 1,
      alreadyFinished: 0,
      wouldCancel: 0,
      heldBack: 0,
      failed: 0,
      ...fromLambda,
    });
  });

  test('that says so in a dry run', async () => {
    await using curfew = await startCurfew({ jobs: [running('ftjob-1', 400)] });
    await curfew.sweep({ dryRun: true });
    assert.equal(
      curfew.logLines.at(-1)?.['message'],
      'Swept (dry run): 1 inspected, 1 in progress, 1 overdue, 0 cancelled, 0 held back, 0 failed.',
    );
  });

  test('that names once each status that is neither in progress nor finished', async () => {
    const statuses = ['paused', 'frozen', 'paused'];
    await using curfew = await startCurfew({ jobs: statuses.map((status) => simulatedJob({ status })) });
    await curfew.sweep();
    assert.match(
      String(curfew.logLines.at(-1)?.['message']),
      /, 3 left alone \((paused, unknown: frozen|unknown: frozen, paused)\)\.$/,
    );
  });

  test('that says how many projects were looked at, if there are several', async () => {
    await using curfew = await startCurfew({ projects: { research: {}, production: {} } });
    await curfew.sweep();
    assert.equal(curfew.logLines.at(-1)?.['projects'], 2);
  });

  test('at level WARN if it is not complete, with one more that says what took the time', async () => {
    await using curfew = await startCurfew();
    const { fault, remainingMilliseconds } = pauseBeyondListing;
    curfew.openai.faultFor = () => fault;
    await curfew.sweep({}, { remainingMilliseconds });
    const [line, reason, ...others] = curfew.logLines;
    assert.deepEqual(others, []);
    assert.deepEqual(
      [line?.['level'], reason?.['level'], reason?.['requestedBy']],
      ['WARN', 'WARN', 'direct'],
    );
    assert.match(String(line?.['message']), /^Swept in part, because time ran out: 0 inspected, /);
    assert.match(
      String(reason?.['message']),
      /^Time ran out before the first page of jobs came\. Could not list .* answered 429 /,
    );
  });

  test('that names a project whose listing time ended, with what took it', async () => {
    const jobs = [running('ftjob-1', 10), running('ftjob-2', 20)];
    await using curfew = await startCurfew({ jobs, projects: { research: {} } });
    const { fault, remainingMilliseconds } = pauseBeyondListing;
    curfew.openai.faultFor = ({ url }) =>
      url.searchParams.has('after') ? fault : says({ data: jobs, has_more: true });
    await curfew.sweep({}, { remainingMilliseconds });
    const reason = curfew.logLines.find(
      ({ project, jobId }) => project === 'research' && jobId === undefined,
    );
    assert.equal(reason?.['level'], 'WARN');
    assert.match(
      String(reason['message']),
      /^Project "research": Time ran out before all jobs were listed\. Could not list .* answered 429 /,
    );
  });

  test('and one line for a project of which nothing could be read in time', async () => {
    await using curfew = await startCurfew({ projects: { research: {} } });
    const { fault, remainingMilliseconds } = pauseBeyondListing;
    curfew.openai.faultFor = () => fault;
    await assert.rejects(curfew.sweep({}, { remainingMilliseconds }), { name: 'OpenAIError' });
    const [line, ...others] = curfew.logLines.filter(({ project }) => project === 'research');
    assert.deepEqual(others, []);
    assert.equal(line?.['level'], 'ERROR');
    assert.match(String(line['message']), /^Project "research" failed: Time ran out before .* answered 429 /);
  });

  for (const [what, why, fault] of [
    ['listing failed', 'listing failed and a job could not be judged', answers(400)],
    ['time ran out', 'time ran out and a job could not be judged', pauseBeyondListing.fault],
  ] as const) {
    test(`that gives both reasons, if there was an odd job before ${what}`, async () => {
      await using curfew = await startCurfew({ jobs: [running('ftjob-1', 10)] });
      const { remainingMilliseconds } = pauseBeyondListing;
      const firstPage = { data: [{ id: 'ftjob-odd' }, running('ftjob-1', 10)], has_more: true };
      curfew.openai.faultFor = ({ url }) => (url.searchParams.has('after') ? fault : says(firstPage));
      // A listing that fails is an error, too.
      await curfew.sweep({}, { remainingMilliseconds }).catch(() => undefined);
      const line = curfew.logLines.find(({ message }) => String(message).startsWith('Swept'));
      assert.match(String(line?.['message']), new RegExp(`^Swept in part, because ${why}: 1 inspected, `));
    });
  }
});

describe('other requests end in a line that says who asked', () => {
  const alice = { requestedBy: 'alice' };

  test('stopping everything', async () => {
    await using curfew = await startCurfew({ jobs: [running('ftjob-1', 10)] });
    await curfew.stopAll({}, alice);
    const line = curfew.logLines.at(-1);
    assert.equal(line?.['message'], 'Stop all: 1 inspected, 1 in progress, 1 cancelled, 0 failed.');
    assert.deepEqual([line['level'], line['requestedBy'], line['complete']], ['INFO', 'alice', true]);
  });

  test('stopping everything, at level WARN if it was done in part', async () => {
    await using curfew = await startCurfew({ jobs: [running('ftjob-1', 10)] });
    curfew.openai.faultFor = ({ endpoint }) =>
      endpoint === 'list'
        ? (answer) => ({ ...answer(), body: { data: [running('ftjob-1', 10), {}], has_more: false } })
        : undefined;
    await curfew.stopAll({ dryRun: true }, alice);
    const line = curfew.logLines.find(({ message }) => String(message).startsWith('Stop all'));
    assert.equal(
      line?.['message'],
      'Stop all, in part, because a job could not be judged (dry run): ' +
        '1 inspected, 1 in progress, 1 would be cancelled, 0 failed.',
    );
    assert.deepEqual([line['level'], line['complete']], ['WARN', false]);
  });

  for (const [jobs, message] of [
    [[running('ftjob-1', 10)], 'Listed 1 job.'],
    [[running('ftjob-1', 10), running('ftjob-2', 400)], 'Listed 2 jobs.'],
  ] as const) {
    test(`a list of ${jobs.length}`, async () => {
      await using curfew = await startCurfew({ jobs });
      await curfew.list({}, alice);
      const [line, ...others] = curfew.logLines;
      assert.deepEqual(others, []);
      assert.deepEqual(ours(line), {
        level: 'INFO',
        message,
        requestedBy: 'alice',
        complete: true,
        jobs: jobs.length,
        ...fromLambda,
      });
    });
  }

  test('stopping everything, at level WARN if a cancel failed', async () => {
    await using curfew = await startCurfew({ jobs: [running('ftjob-1', 10)] });
    curfew.openai.faultFor = ({ endpoint }) => (endpoint === 'cancel' ? answers(400) : undefined);
    await assert.rejects(curfew.stopAll({}, alice), { name: 'IncompleteError' });
    const line = curfew.logLines.find(({ message }) => String(message).startsWith('Stop all'));
    assert.deepEqual([line?.['level'], line?.['complete'], line?.['failed']], ['WARN', false, 1]);
  });

  test('stopping everything, with a line for each project that failed', async () => {
    await using curfew = await startCurfew({
      projects: { good: {}, bad: { secretName: 'revoked' } },
      secrets: { revoked: { SecretString: 'sk-revoked' } },
    });
    await assert.rejects(curfew.stopAll({}, alice), { name: 'IncompleteError' });
    const line = curfew.logLines.find(({ project }) => project === 'bad');
    assert.deepEqual([line?.['level'], line?.['requestedBy']], ['ERROR', 'alice']);
    assert.match(String(line?.['message']), /^Project "bad" failed: /);
  });

  test('an extension that takes effect', async () => {
    const job = running('ftjob-1', 10);
    await using curfew = await startCurfew({ jobs: [job] });
    const { deadline, previousDeadline } = await curfew.extend('ftjob-1', 600, alice);
    const line = curfew.logLines.at(-1);
    assert.equal(
      line?.['message'],
      `Fine-tuning job ftjob-1 may run until ${deadline}, as asked (alice); it was ${previousDeadline}.`,
    );
    assert.deepEqual([line['requestedBy'], line['minutes'], line['deadline']], ['alice', 600, deadline]);
  });

  test('an extension that does not', async () => {
    await using curfew = await startCurfew({ jobs: [running('ftjob-1', 10, 'none')] });
    await curfew.extend('ftjob-1', 600, alice);
    assert.equal(
      curfew.logLines.at(-1)?.['message'],
      'Fine-tuning job ftjob-1 (running) keeps its deadline (none); 600 minutes were asked for (alice).',
    );
  });
});

describe('a failure is a line with its name, and who asked', () => {
  test('of a request', async () => {
    await using curfew = await startCurfew();
    await assert.rejects(curfew.cancel('ftjob-none', { requestedBy: 'alice' }));
    const [line, ...others] = curfew.logLines;
    assert.deepEqual(others, []);
    assert.deepEqual([line?.['level'], line?.['requestedBy']], ['ERROR', 'alice']);
    assert.equal(errorIn(line)?.['name'], 'JobNotFoundError');
    assert.match(String(line?.['message']), /ftjob-none/);
  });

  for (const [what, event, requestedBy] of [
    ['that is none', { jobId: 7, requestedBy: 'alice' }, 'alice'],
    ['that is none, and says wrongly who asked', { jobId: 7, requestedBy: ' ' }, 'direct'],
    ['that is no object', 'alice', 'direct'],
    ['that is our own event', busEvent({ requestedBy: 'alice' }, eventSource), 'eventbridge'],
  ] as const) {
    test(`of a request ${what}`, async () => {
      await using curfew = await startCurfew();
      await assert.rejects(curfew.invoke(event), { name: 'InvalidRequestError' });
      const [line] = curfew.logLines;
      assert.deepEqual([line?.['level'], line?.['requestedBy']], ['ERROR', requestedBy]);
    });
  }

  test('of a project: one line, with its name', async () => {
    await using broken = await startFineTuningSimulator();
    await using curfew = await startCurfew({
      projects: { research: {}, broken: { openaiBaseUrl: broken.baseUrl, secretName: 'broken' } },
      secrets: { broken: { SecretString: 'sk-broken' } },
    });
    await curfew.sweep();
    const errors = curfew.logLines.filter(({ level }) => level === 'ERROR');
    assert.equal(errors.length, 1);
    const [line] = errors;
    assert.equal(line?.['project'], 'broken');
    assert.match(String(line?.['message']), /^Project "broken" failed: .*answered 401/);
    assert.equal(errorIn(line)?.['name'], 'AuthenticationError');
  });
});
