import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startFineTuningSimulator } from '../../../infra/local/providers/simulator.ts';
import type { FineTuningApi, JobPage } from '../../../lambda/curfew/job.ts';
import { createFineTuningApi } from '../../../lambda/openai/fine-tuning-api.ts';
import { clientKey, openAIClientOf } from '../../support/openai-client.ts';
import { answers, says } from '../../support/wire-faults.ts';

/** The API over a provider without jobs. */
async function startApi() {
  const openai = await startFineTuningSimulator({ apiKeys: [clientKey] });
  const api = createFineTuningApi(openAIClientOf(openai));
  return { openai, api, [Symbol.asyncDispose]: openai[Symbol.asyncDispose] };
}

function pagesOf(api: FineTuningApi): Promise<JobPage[]> {
  return Array.fromAsync(api.list(new AbortController().signal));
}

describe('a call that fails says what it was for', () => {
  const calls: [start: string, call: (api: FineTuningApi) => Promise<unknown>][] = [
    ['Could not retrieve the job "ftjob-1": ', (api) => api.retrieve('ftjob-1')],
    ['Could not retrieve the job "ftjob-1": ', (api) => api.retrieveAfter(new Error('No.'), 'ftjob-1')],
    ['Could not cancel the job "ftjob-1": ', (api) => api.cancel('ftjob-1')],
    ['Could not list the fine-tuning jobs: ', pagesOf],
  ];
  for (const [start, call] of calls) {
    test(start, async () => {
      await using running = await startApi();
      running.openai.faultFor = () => answers(400);
      await assert.rejects(call(running.api), {
        message: `${start}the provider answered 400 (server_error). Check openaiBaseUrl and the job itself.`,
      });
    });
  }
});

test('an entry of a list that is no object is odd as a whole', async () => {
  await using running = await startApi();
  running.openai.faultFor = () => says({ data: ['ftjob-1'], has_more: false });
  const odd = [{ jobId: undefined, fields: ['the whole entry'] }];
  assert.deepEqual(await pagesOf(running.api), [{ jobs: [], odd }]);
});

test('a page that is empty, yet says that more follow, is an error that says where to look', async () => {
  await using running = await startApi();
  running.openai.faultFor = () => says({ data: [], has_more: true });
  await assert.rejects(pagesOf(running.api), {
    name: 'OpenAIError',
    message:
      'Could not list the fine-tuning jobs: a page is empty or repeats itself, yet says that more follow. ' +
      'Check that openaiBaseUrl is an OpenAI API.',
  });
});
