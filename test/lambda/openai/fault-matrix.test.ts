import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulatedJob } from '../../../infra/local/providers/simulated-job.ts';
import type { Fault } from '../../../infra/local/providers/simulator.ts';
import { expectedFailures } from '../../support/expected-failures.ts';
import { createClient, type Endpoint, endpoints, startProvider } from '../../support/openai-client.ts';
import { startVirtualTime } from '../../support/virtual-time.ts';
import { drips, noAnswer, noBody } from '../../support/wire-faults.ts';

startVirtualTime();
const openai = await startProvider();

const jobId = 'ftjob-abc123';
/** Long enough for a few refusals without a header. */
const remainingMs = 8_000;

/** Calls the endpoint, which has this fault once or forever, and returns how often it was called. */
async function meet(endpoint: Endpoint, fault: Fault, forever?: 'forever') {
  const job = simulatedJob({ id: jobId, status: 'running' });
  openai.reset(job);
  openai.fail(endpoint, [fault], forever);
  const client = createClient(openai, { remainingMs });
  const startedAt = performance.now();
  const calls = { retrieve: () => client.retrieve(jobId), list: client.pages, cancel: () => client.cancelJob(jobId) };
  const error: unknown = await calls[endpoint]().then(
    () => undefined,
    (thrown) => thrown,
  );
  // A timer may be a few milliseconds late.
  assert.ok(performance.now() - startedAt < remainingMs + 20, 'an error comes while there is time for an answer');
  return { error, status: job.status, attempts: openai.times(endpoint).length };
}

for (const endpoint of endpoints) {
  describe(`a fault of ${endpoint}`, () => {
    for (const [name, [fault, wanted, errorName, message]] of Object.entries(expectedFailures)) {
      test(`${name}: ${errorName} if it stays, attempts: ${wanted}`, async () => {
        const { error, status, attempts } = await meet(endpoint, fault, 'forever');
        assert.ok(error instanceof Error);
        assert.equal(error.name, errorName);
        assert.match(error.message, message);
        assert.ok(wanted === 'as time allows' ? attempts > 2 : attempts === wanted, `${attempts} attempts`);
        assert.equal(status, 'running');
      });

      if (wanted === 1) continue;
      test(`${name}: the second attempt succeeds if it passes`, async () => {
        const { error, status, attempts } = await meet(endpoint, fault);
        assert.deepEqual([error, attempts], [undefined, 2]);
        assert.equal(status, endpoint === 'cancel' ? 'cancelled' : 'running');
      });
    }

    for (const [name, fault] of Object.entries({ 'no answer': noAnswer, 'no body': noBody, 'a drip': drips() })) {
      test(`${name}: the attempt times out and is repeated; OpenAIError if it stays`, async () => {
        assert.partialDeepStrictEqual(await meet(endpoint, fault), { error: undefined, attempts: 2 });
        const { error, attempts } = await meet(endpoint, fault, 'forever');
        assert.match(String(error), /^OpenAIError: .*(in time|time ran out)/);
        assert.ok(attempts >= 3);
      });
    }
  });
}
