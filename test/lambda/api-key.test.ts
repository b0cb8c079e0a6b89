import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulatedJob } from '../../infra/local/openai-simulator.ts';
import { apiKey, startCurfew } from '../curfew.ts';

const jobs = () => [simulatedJob({ id: 'ftjob-1', status: 'succeeded' })];

describe('the key is found in the secret', () => {
  const secrets: Record<string, string> = {
    'as plain text': apiKey,
    'with white space around it': `\n  ${apiKey}\r\n`,
    'as a field of a JSON object': JSON.stringify({ apiKey, other: 1 }),
    'as a field with white space around it': JSON.stringify({ apiKey: ` ${apiKey}\n` }, null, 2),
  };
  for (const [name, SecretString] of Object.entries(secrets)) {
    test(name, async () => {
      await using curfew = await startCurfew({ jobs: jobs(), secret: { SecretString } });
      assert.equal((await curfew.cancel('ftjob-1')).outcome, 'already_finished');
      assert.equal(curfew.openai.calls[0]?.authorization, `Bearer ${apiKey}`);
    });
  }

  test('in the field that the settings name', async () => {
    const secret = { SecretString: JSON.stringify({ apiKey: 'sk-other', fineTuning: apiKey }) };
    await using curfew = await startCurfew({ jobs: jobs(), secret, settings: { secretField: 'fineTuning' } });
    assert.equal((await curfew.cancel('ftjob-1')).outcome, 'already_finished');
  });
});

describe('the key is cached', () => {
  test('for five minutes', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
    await using curfew = await startCurfew({ jobs: jobs() });
    await curfew.cancel('ftjob-1');
    t.mock.timers.tick(299_000);
    await curfew.cancel('ftjob-1');
    assert.equal(curfew.secrets.reads, 1);
    t.mock.timers.tick(2_000);
    await curfew.cancel('ftjob-1');
    assert.equal(curfew.secrets.reads, 2);
  });
});
