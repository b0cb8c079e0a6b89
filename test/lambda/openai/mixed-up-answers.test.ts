import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulatedJob } from '../../../infra/local/providers/simulated-job.ts';
import { endpoints, startCurfew } from '../../support/curfew.ts';
import { aboutAnotherJob, answers } from '../../support/wire-faults.ts';

describe('if a proxy mixes jobs up', () => {
  const start = () =>
    startCurfew({
      jobs: ['ftjob-asked', 'ftjob-other'].map((id) => simulatedJob({ id, status: 'running' })),
    });

  test('an answer about another job than the one asked for is OpenAIError, and nothing is cancelled', async () => {
    await using curfew = await start();
    curfew.openai.faultFor = () => aboutAnotherJob('ftjob-other');
    await assert.rejects(curfew.cancel('ftjob-asked'), { name: 'OpenAIError', message: /about another job/ });
    assert.deepEqual(endpoints(curfew.openai), ['retrieve']);
  });

  test('an extension is refused in the same way, and nothing is written', async () => {
    await using curfew = await start();
    curfew.openai.faultFor = () => aboutAnotherJob('ftjob-other');
    await assert.rejects(curfew.extend('ftjob-asked', 60), {
      name: 'OpenAIError',
      message: /about another job/,
    });
    assert.deepEqual([...curfew.aws.table.rows], []);
  });

  test('a cancel answered about another job is not taken for its success: the job is read again', async () => {
    await using curfew = await start();
    curfew.openai.faultFor = ({ endpoint }) =>
      endpoint === 'cancel' ? aboutAnotherJob('ftjob-other') : undefined;
    assert.deepEqual(await curfew.cancel('ftjob-asked'), {
      jobId: 'ftjob-asked',
      outcome: 'cancelled',
      initialStatus: 'running',
      finalStatus: 'cancelled',
    });
    assert.deepEqual(endpoints(curfew.openai), ['retrieve', 'cancel', 'retrieve']);
  });

  test('a second look at another job is no evidence', async () => {
    await using curfew = await start();
    curfew.openai.faultFor = ({ endpoint }) => {
      if (endpoint === 'cancel') return answers(400);
      return endpoints(curfew.openai).length > 1 ? aboutAnotherJob('ftjob-other') : undefined;
    };
    await assert.rejects(curfew.cancel('ftjob-asked'), {
      name: 'OpenAIError',
      message: /answered 400.*could not be read again/,
    });
  });
});

for (const id of ['ftjob-a.b', 'ftjob:a:b', 'a..b', 'ftjob-1:2.3-4_5']) {
  test(`a job with the id ${id} is found and cancelled`, async () => {
    await using curfew = await startCurfew({ jobs: [simulatedJob({ id, status: 'running' })] });
    assert.equal((await curfew.cancel(id)).outcome, 'cancelled');
    assert.equal(curfew.openai.jobs.get(id)?.status, 'cancelled');
  });
}
