import assert from 'node:assert/strict';
import { Session } from 'node:inspector/promises';
import { test } from 'node:test';
import { simulatedJob } from '../../infra/local/providers/simulated-job.ts';
import { startCurfew } from '../support/curfew.ts';

const lambda = new URL('../../lambda/', import.meta.url).href;

/** Returns the files in `lambda/` whose functions run during `act`. */
async function visitedFiles(act: () => Promise<unknown>): Promise<string[]> {
  using session = Object.assign(new Session(), { [Symbol.dispose]: () => session.disconnect() });
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  await act();
  const { result } = await session.post('Profiler.takePreciseCoverage');
  return result
    .filter(({ url, functions }) => url.startsWith(lambda) && functions.some(({ ranges: [all] }) => all?.count))
    .map(({ url }) => url.slice(lambda.length))
    .toSorted();
}

const running = (id: string, ageMinutes: number) => simulatedJob({ id, status: 'running', ageMinutes });

test('a warm cancel visits at most 12 files', async () => {
  await using curfew = await startCurfew({ jobs: [running('ftjob-1', 5), running('ftjob-2', 5)] });
  await curfew.cancel('ftjob-1');
  const files = await visitedFiles(() => curfew.cancel('ftjob-2'));
  assert.equal(curfew.openai.jobs.get('ftjob-2')?.status, 'cancelled');
  assert.ok(files.length > 0 && files.length <= 12, `${files.length}: ${files.join(', ')}`);
});

test('a warm sweep that cancels, notes and warns visits at most 16 files', async () => {
  const waiting = simulatedJob({ id: 'ftjob-waiting', status: 'queued', ageMinutes: 5 });
  await using curfew = await startCurfew({ jobs: [running('ftjob-first', 400)] });
  await curfew.sweep();
  for (const job of [running('ftjob-overdue', 400), running('ftjob-near', 350), waiting]) {
    curfew.openai.jobs.set(job.id, job);
  }
  const files = await visitedFiles(() => curfew.sweep());
  assert.equal(curfew.openai.jobs.get('ftjob-overdue')?.status, 'cancelled');
  assert.deepEqual([...curfew.aws.table.rows.keys()].toSorted(), ['ftjob-near', 'ftjob-waiting']);
  assert.ok(files.length > 0 && files.length <= 16, `${files.length}: ${files.join(', ')}`);
});
