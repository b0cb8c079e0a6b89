import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { eventually } from '../../../infra/local/aws/eventually.ts';
import { simulatedJob } from '../../../infra/local/providers/simulated-job.ts';
import { apiKey, startCurfew } from '../../support/curfew.ts';
import { unusableSecrets } from '../../support/unusable-secrets.ts';

const jobs = () => [simulatedJob({ id: 'ftjob-1', status: 'succeeded' })];

describe('a secret without a usable key is an ApiKeyError that says what is wrong', {
  concurrency: true,
}, () => {
  for (const [name, { secret, message }] of Object.entries(unusableSecrets)) {
    test(name, async () => {
      await using curfew = await startCurfew({ jobs: jobs(), secret });
      await assert.rejects(curfew.cancel('ftjob-1'), { name: 'ApiKeyError', message });
      assert.deepEqual(curfew.openai.calls, []);
    });

    test(`${name}, once it is mended: the next call succeeds`, async () => {
      await using curfew = await startCurfew({ jobs: jobs(), secret });
      await assert.rejects(curfew.cancel('ftjob-1'), { name: 'ApiKeyError' });
      curfew.aws.secret = { SecretString: apiKey };
      assert.equal((await curfew.cancel('ftjob-1')).outcome, 'already_finished');
    });
  }

  test('says how to mend it', async () => {
    await using curfew = await startCurfew({ secret: { SecretString: '' } });
    await assert.rejects(curfew.cancel('ftjob-1'), {
      message:
        'The secret "openai/api-key" is empty. Put the API key into it, as plain text or as {"apiKey": "…"}: ' +
        'aws secretsmanager put-secret-value --secret-id openai/api-key --secret-string …',
    });
  });

  test('Secrets Manager that is silent for a while is asked once more', async () => {
    await using curfew = await startCurfew({ jobs: jobs(), secret: 'silence' });
    const cancel = curfew.cancel('ftjob-1');
    await eventually(async () => curfew.aws.secretReads.length > 0);
    curfew.aws.secret = { SecretString: apiKey };
    assert.equal((await cancel).outcome, 'already_finished');
    assert.equal(curfew.aws.secretReads.length, 2);
  });

  test('Secrets Manager that nobody reaches', async () => {
    await using curfew = await startCurfew();
    await curfew.aws[Symbol.asyncDispose]();
    await assert.rejects(curfew.cancel('ftjob-1'), { name: 'ApiKeyError', message: /ECONNREFUSED|Error/ });
  });

  test('Secrets Manager that never answers, while there is time to say so', async () => {
    await using curfew = await startCurfew({ secret: 'silence' });
    const startedAt = performance.now();
    const cancel = curfew.cancel('ftjob-1', { remainingMilliseconds: 4_000 });
    await assert.rejects(cancel, { name: 'ApiKeyError', message: /in time/ });
    assert.ok(performance.now() - startedAt < 4_000);
  });
});
