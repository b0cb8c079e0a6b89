import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulatedJob } from '../../infra/local/providers/simulated-job.ts';
import { startCurfew } from '../support/curfew.ts';

const extend = { jobId: 'ftjob-1', minutes: 5 };

describe('a project in a request', () => {
  const withProject = (project: string) => [
    { jobId: 'ftjob-1', project },
    { sweep: { project } },
    { stopAll: { project } },
    { list: { project } },
    { extend: { ...extend, project } },
  ];

  for (const request of withProject('research')) {
    test(`is refused without \`projects\`: ${JSON.stringify(request)}`, async () => {
      await using curfew = await startCurfew();
      await assert.rejects(curfew.invoke(request), {
        name: 'InvalidRequestError',
        message: 'The request is not valid: "project" is for deployments with several projects.',
      });
      assert.deepEqual([curfew.openai.calls, curfew.aws.secretReads], [[], []]);
    });
  }

  for (const request of withProject('Research')) {
    test(`that is unknown is refused: ${JSON.stringify(request)}`, async () => {
      await using curfew = await startCurfew({ projects: { research: {}, production: {} } });
      await assert.rejects(curfew.invoke(request), {
        name: 'InvalidRequestError',
        message: 'The request is not valid: "project" is not one of ours, which are research, production.',
      });
      assert.deepEqual([curfew.openai.calls, curfew.aws.secretReads], [[], []]);
    });
  }

  test('that is unknown among ten learns of all', async () => {
    const names = Array.from({ length: 10 }, (_, index) => `team-${index}`);
    await using curfew = await startCurfew({ projects: Object.fromEntries(names.map((name) => [name, {}])) });
    await assert.rejects(curfew.list({ project: 'mine' }), {
      message: `The request is not valid: "project" is not one of ours, which are ${names.join(', ')}.`,
    });
  });

  test('that is unknown among many learns of ten', async () => {
    const names = Array.from({ length: 11 }, (_, index) => `team-${index}`);
    await using curfew = await startCurfew({ projects: Object.fromEntries(names.map((name) => [name, {}])) });
    await assert.rejects(curfew.list({ project: 'mine' }), {
      message: `The request is not valid: "project" is not one of ours, which are ${names.slice(0, 10).join(', ')}, ….`,
    });
  });

  test('is the only one that is asked', async () => {
    const secret = (name: string) => ({ [name]: { SecretString: `sk-${name}` } });
    await using curfew = await startCurfew({
      jobs: [simulatedJob({ id: 'ftjob-1', status: 'running', ageMinutes: 400 })],
      projects: { research: {}, production: { secretName: 'production' } },
      secrets: secret('production'),
    });
    for (const request of withProject('research')) await curfew.invoke(request);
    assert.deepEqual([...new Set(curfew.aws.secretReads)], ['openai/api-key']);
  });
});
