import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulatedJob } from '../../../infra/local/providers/simulated-job.ts';
import { type Curfew, startCurfew } from '../../support/curfew.ts';
import { queueEvent } from '../../support/envelopes.ts';
import { answers } from '../../support/wire-faults.ts';

const running = (id: string, ageMinutes: number) => simulatedJob({ id, status: 'running', ageMinutes });
/** Every value of one metric. */
const all = ({ metricDocuments }: Curfew, name: string) =>
  metricDocuments.flatMap((document) => document[name] ?? []);

describe('Errors counts every named failure but those that are the caller’s', () => {
  const failures: Record<string, { errors: number; prepare(curfew: Curfew): void; event: object }> = {
    InvalidRequestError: { errors: 0, prepare: () => {}, event: { jobId: 7 } },
    JobNotFoundError: { errors: 0, prepare: () => {}, event: { jobId: 'ftjob-none' } },
    ApiKeyError: {
      errors: 1,
      prepare: ({ aws }) => {
        aws.secret = { SecretString: '' };
      },
      event: { list: {} },
    },
    AuthenticationError: {
      errors: 1,
      prepare: ({ openai }) => openai.apiKeys.clear(),
      event: { jobId: 'ftjob-1' },
    },
    RateLimitError: {
      errors: 1,
      prepare: ({ openai }) => {
        openai.faultFor = () => answers(429, { 'retry-after': '3600' });
      },
      event: { jobId: 'ftjob-1' },
    },
    QuotaError: {
      errors: 1,
      prepare: ({ openai }) => {
        openai.faultFor = () => () => ({ status: 429, body: { error: { code: 'insufficient_quota' } } });
      },
      event: { jobId: 'ftjob-1' },
    },
    OpenAIError: {
      errors: 1,
      prepare: ({ openai }) => {
        openai.faultFor = () => answers(400);
      },
      event: { jobId: 'ftjob-1' },
    },
    StateError: {
      errors: 1,
      prepare: ({ aws }) => {
        aws.table.health = 'denied';
      },
      event: { extend: { jobId: 'ftjob-1', minutes: 600 } },
    },
    IncompleteError: {
      errors: 1,
      prepare: ({ openai }) => {
        openai.faultFor = ({ endpoint }) => (endpoint === 'cancel' ? answers(400) : undefined);
      },
      event: { stopAll: {} },
    },
  };
  for (const [name, { errors, prepare, event }] of Object.entries(failures)) {
    test(`${name}: ${errors}`, async () => {
      await using curfew = await startCurfew({ jobs: [running('ftjob-1', 10)] });
      prepare(curfew);
      await assert.rejects(curfew.invoke(event), { name });
      assert.deepEqual(all(curfew, 'Errors'), errors === 0 ? [] : [1]);
    });

    test(`${name} in a record of a batch: ${errors}`, async () => {
      await using curfew = await startCurfew({ jobs: [running('ftjob-1', 10)] });
      prepare(curfew);
      const answer = await curfew.invoke(queueEvent(event));
      assert.match(JSON.stringify(answer), new RegExp(`"name":"${name}"`));
      assert.deepEqual(all(curfew, 'Errors'), errors === 0 ? [] : [1]);
    });
  }

  test('a job that a sweep could not cancel is no failed request', async () => {
    await using curfew = await startCurfew({ jobs: [running('ftjob-1', 400)] });
    curfew.openai.faultFor = ({ endpoint }) => (endpoint === 'cancel' ? answers(400) : undefined);
    await curfew.sweep();
    assert.deepEqual(all(curfew, 'Errors'), []);
  });
});
