import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulatedJob } from '../../../infra/local/providers/simulated-job.ts';
import { startFineTuningSimulator } from '../../../infra/local/providers/simulator.ts';
import type { CancelAnswer, QueueAnswer } from '../../../lambda/contract.ts';
import { apiKey, type Curfew, endpoints, startCurfew } from '../../support/curfew.ts';
import { queueEvent } from '../../support/envelopes.ts';
import { answers, late } from '../../support/wire-faults.ts';

const jobs = () => [simulatedJob({ id: 'ftjob-1', status: 'succeeded' })];

describe('a key is found in its secret', () => {
  const secrets: Record<string, string> = {
    'as plain text': apiKey,
    'with white space around it': `\n  ${apiKey}\r\n`,
    'as a field of a JSON object': JSON.stringify({ apiKey, other: 1 }),
    'as a field of an object with white space around it': `\n ${JSON.stringify({ apiKey })}\n`,
    'as a field with white space around it': JSON.stringify({ apiKey: ` ${apiKey}\n` }, null, 2),
  };
  for (const [name, SecretString] of Object.entries(secrets)) {
    test(name, async () => {
      await using curfew = await startCurfew({ jobs: jobs(), secret: { SecretString } });
      assert.equal((await curfew.cancel('ftjob-1')).outcome, 'already_finished');
      assert.equal(curfew.openai.calls[0]?.headers.authorization, `Bearer ${apiKey}`);
    });
  }

  test('in the field that the settings name', async () => {
    const secret = { SecretString: JSON.stringify({ apiKey: 'sk-other', fineTuning: apiKey }) };
    await using curfew = await startCurfew({ jobs: jobs(), secret, settings: { secretField: 'fineTuning' } });
    assert.equal((await curfew.cancel('ftjob-1')).outcome, 'already_finished');
  });
});

test('a key is kept for five minutes', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
  await using curfew = await startCurfew({ jobs: jobs() });
  await curfew.cancel('ftjob-1');
  t.mock.timers.tick(299_000);
  await curfew.cancel('ftjob-1');
  assert.equal(curfew.aws.secretReads.length, 1);
  t.mock.timers.tick(2_000);
  await curfew.cancel('ftjob-1');
  assert.equal(curfew.aws.secretReads.length, 2);
});

describe('a key that is rotated while the function is warm', () => {
  test('is read afresh, and the next call succeeds', async () => {
    await using curfew = await startCurfew({ jobs: jobs() });
    await curfew.cancel('ftjob-1');
    rotate(curfew, 'sk-rotated');
    assert.equal((await curfew.cancel('ftjob-1')).outcome, 'already_finished');
    assert.equal(curfew.aws.secretReads.length, 2);
    await curfew.cancel('ftjob-1');
    assert.equal(curfew.aws.secretReads.length, 2);
  });

  test('is used by every later call, so only the first is refused', async () => {
    await using curfew = await startCurfew({
      jobs: [simulatedJob({ id: 'ftjob-1', status: 'running', ageMinutes: 400 })],
    });
    await curfew.list();
    rotate(curfew, 'sk-rotated');
    await curfew.cancel('ftjob-1');
    assert.deepEqual(endpoints(curfew.openai), ['list', 'retrieve', 'retrieve', 'cancel']);
  });

  test('is read once, however many calls are refused at once', async () => {
    const overdue = Array.from({ length: 30 }, () => simulatedJob({ status: 'running', ageMinutes: 400 }));
    await using curfew = await startCurfew({ jobs: overdue, settings: { cancelLimit: 'none' } });
    curfew.openai.faultFor = ({ endpoint }) => {
      if (endpoint !== 'list') return undefined;
      return (answer) => {
        const page = answer();
        rotate(curfew, 'sk-rotated');
        return page;
      };
    };
    assert.equal((await curfew.sweep()).cancelled, 30);
    assert.equal(curfew.aws.secretReads.length, 2);
  });

  test('is not read again if another call has refreshed it by now', async () => {
    await using curfew = await startCurfew({ jobs: jobs() });
    await curfew.cancel('ftjob-1');
    rotate(curfew, 'sk-rotated');
    curfew.openai.faultFor = () => (curfew.openai.calls.length === 2 ? late(500) : undefined);
    const both = queueEvent({ jobId: 'ftjob-1' }, { jobId: 'ftjob-1', dryRun: true });
    const { batchItemFailures } = (await curfew.invoke(both)) as QueueAnswer<CancelAnswer>;
    assert.deepEqual(batchItemFailures, []);
    assert.equal(curfew.aws.secretReads.length, 2);
  });

  test('fails with ApiKeyError if the secret cannot be read any more', async () => {
    await using curfew = await startCurfew({ jobs: jobs() });
    await curfew.cancel('ftjob-1');
    curfew.openai.apiKeys.clear();
    curfew.aws.secret = { error: 'AccessDeniedException', status: 400 };
    await assert.rejects(curfew.cancel('ftjob-1'), { name: 'ApiKeyError', message: /AccessDenied/ });
  });
});

describe('a key that the provider refuses', () => {
  const cases: [name: string, secret: string, status: number][] = [
    ['is AuthenticationError after one refresh', 'sk-refused', 401],
    ['is AuthenticationError even if it only lacks a permission', apiKey, 403],
  ];
  for (const [name, SecretString, status] of cases) {
    test(name, async () => {
      await using curfew = await startCurfew({ jobs: jobs(), secret: { SecretString } });
      if (status === 403) curfew.openai.faultFor = () => answers(403);
      await assert.rejects(curfew.cancel('ftjob-1'), {
        name: 'AuthenticationError',
        message: /Check that the credential/,
      });
      assert.equal(curfew.aws.secretReads.length, 2);
      assert.equal(curfew.openai.calls.length, 1);
    });
  }

  test('is AuthenticationError if the fresh one is refused as well', async () => {
    await using curfew = await startCurfew({ jobs: jobs() });
    await curfew.cancel('ftjob-1');
    curfew.aws.secret = { SecretString: 'sk-another' };
    curfew.openai.apiKeys.clear();
    await assert.rejects(curfew.cancel('ftjob-1'), { name: 'AuthenticationError' });
    assert.equal(curfew.openai.calls.length, 3);
  });
});

describe('with several projects', () => {
  test('a refresh that fails costs nothing to one whose key is in another field of the secret', async () => {
    await using refusing = await startFineTuningSimulator();
    await using curfew = await startCurfew({
      jobs: [simulatedJob({ id: 'ftjob-1', status: 'running', ageMinutes: 400 })],
      secret: { SecretString: fields },
      projects: {
        refused: { openaiBaseUrl: refusing.baseUrl, secretName: 'openai/api-key', secretField: 'research' },
        sound: { secretField: 'production' },
      },
    });
    refusing.faultFor = () => {
      curfew.aws.secret = { error: 'ResourceNotFoundException', status: 400 };
      return answers(401);
    };
    curfew.openai.faultFor = ({ endpoint }) => (endpoint === 'list' ? late(1_000) : undefined);
    const { cancelled, failedProjects } = await curfew.sweep();
    assert.equal(cancelled, 1);
    assert.deepEqual(
      failedProjects?.map(({ project, error }) => [project, error.name]),
      [['refused', 'ApiKeyError']],
    );
  });

  const fields = JSON.stringify({ apiKey, research: apiKey, production: apiKey });
  const onOneSecret = {
    research: { secretField: 'research' },
    production: { secretField: 'production' },
    third: {},
  };

  test('a secret that they share is read once', async () => {
    await using curfew = await startCurfew({ projects: onOneSecret, secret: { SecretString: fields } });
    assert.equal((await curfew.list()).projects, 3);
    assert.deepEqual(curfew.aws.secretReads, ['openai/api-key']);
  });

  test('a secret that they share is refreshed once, if all its keys are refused', async () => {
    await using curfew = await startCurfew({ projects: onOneSecret, secret: { SecretString: fields } });
    curfew.openai.apiKeys.clear();
    await assert.rejects(curfew.list(), { name: 'AuthenticationError' });
    assert.equal(curfew.aws.secretReads.length, 2);
  });

  test('each secret is read once', async () => {
    await using curfew = await startCurfew({
      projects: { research: {}, production: { secretName: 'production' } },
      secrets: { production: { SecretString: apiKey } },
    });
    await curfew.list();
    await curfew.sweep();
    assert.deepEqual(curfew.aws.secretReads.toSorted(), ['openai/api-key', 'production']);
  });

  test('a field that is missing fails only its own project', async () => {
    await using curfew = await startCurfew({ projects: { ...onOneSecret, fourth: { secretField: 'none' } } });
    curfew.aws.secret = { SecretString: fields };
    const { projects, failedProjects } = await curfew.list();
    assert.equal(projects, 3);
    assert.deepEqual(
      failedProjects?.map(({ project, error }) => [project, error.name]),
      [['fourth', 'ApiKeyError']],
    );
  });

  test('a malformed secret is read again at the next invocation, the others are not', async () => {
    await using curfew = await startCurfew({
      projects: { research: {}, broken: { secretName: 'broken' } },
      secrets: { broken: { SecretString: '' } },
    });
    await curfew.list();
    await curfew.list();
    curfew.aws.secrets.set('broken', { SecretString: apiKey });
    assert.equal((await curfew.list()).projects, 2);
    await curfew.list();
    assert.deepEqual(curfew.aws.secretReads.toSorted(), ['broken', 'broken', 'broken', 'openai/api-key']);
  });
});

/** The old key is refused from now on, and the secret holds the new one. */
function rotate({ openai, aws }: Curfew, newKey: string): void {
  openai.apiKeys.clear();
  openai.apiKeys.add(newKey);
  aws.secret = { SecretString: newKey };
}
