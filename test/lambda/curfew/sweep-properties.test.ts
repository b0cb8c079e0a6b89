import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Fault } from '../../infra/local/fine-tuning-simulator.ts';
import { simulatedJob } from '../../infra/local/simulated-job.ts';
import { startCurfew } from '../support/curfew.ts';
import { answers, late, says } from '../support/wire-faults.ts';

const minutesPerDay = 1440;
const inProgress = ['validating_files', 'queued', 'running'];

/** What can become of a cancel beside being carried out. None of them makes a test wait. */
const cancelFaults: Record<string, Fault> = {
  refused: answers(400),
  forbidden: answers(403),
  gone: answers(404),
  limited: answers(429, { 'x-should-retry': 'false' }),
  broken: answers(503, { 'retry-after-ms': '1' }),
  unreadable: says('<html>'),
};

const job = fc.record({
  status: fc.constantFrom(...inProgress, 'succeeded', 'failed', 'cancelled', 'paused'),
  ageMinutes: fc.oneof(fc.integer({ min: -100, max: 800 }), fc.integer({ min: 0, max: 100 * minutesPerDay })),
  budget: fc.option(fc.constantFrom('none', '0', '90', '1440', '43200', 'soon'), { nil: undefined }),
  fault: fc.option(fc.constantFrom(...Object.keys(cancelFaults)), { nil: undefined }),
  /** It finishes by itself just before a cancel arrives. */
  finishesFirst: fc.boolean(),
});
const sweep = fc.record({
  timeBudgetMinutes: fc.constantFrom(0, 30, 360),
  lookbackDays: fc.constantFrom(0, 1, 30),
  dryRun: fc.boolean(),
});
type Job = typeof job extends fc.Arbitrary<infer Value> ? Value : never;
type Sweep = typeof sweep extends fc.Arbitrary<infer Value> ? Value : never;

/** The model: what a sweep must find, told from the population alone. */
function isOverdue({ status, ageMinutes, budget }: Job, { timeBudgetMinutes }: Sweep): boolean {
  if (!inProgress.includes(status) || ageMinutes < 0 || budget === 'none') return false;
  const minutes = budget === undefined || budget === 'soon' ? timeBudgetMinutes : Number(budget);
  return ageMinutes >= minutes;
}

/** A population behind a curfew that behaves as its jobs say. */
async function startPopulation(population: Job[], listDelayMilliseconds: number) {
  const jobs = population.map(({ status, ageMinutes, budget }, index) =>
    simulatedJob({
      id: `ftjob-${index}`,
      status,
      ageMinutes,
      metadata: budget === undefined ? null : { time_budget_minutes: budget },
    }),
  );
  const curfew = await startCurfew({ jobs });
  const given = new Map(jobs.map((simulated, index) => [simulated.id, { simulated, ...population[index] }]));
  curfew.openai.faultFor = ({ endpoint, jobId = '' }) => {
    if (endpoint === 'list') return late(listDelayMilliseconds);
    const { simulated, fault, finishesFirst } = given.get(jobId) ?? {};
    if (endpoint !== 'cancel' || !simulated) return undefined;
    if (finishesFirst) simulated.status = 'succeeded';
    return fault === undefined ? undefined : cancelFaults[fault];
  };
  return curfew;
}

/** Runs one sweep and checks what has to be true of each. */
async function check(population: Job[], request: Sweep, hurried: boolean): Promise<void> {
  await using curfew = await startPopulation(population, hurried ? 100 : 0);
  const result = await curfew.sweep(request, hurried ? { remainingMilliseconds: 400 } : {});

  // A minute of slack: jobs at the very edge of the lookback may fall on either side.
  const isWithin = ({ ageMinutes }: Job, slackMinutes: number) =>
    request.lookbackDays === 0 || ageMinutes <= request.lookbackDays * minutesPerDay + slackMinutes;
  const idsOf = (keep: (candidate: Job) => boolean) =>
    new Set(population.flatMap((candidate, index) => (keep(candidate) ? [`ftjob-${index}`] : [])));
  const mayBeOverdue = idsOf((candidate) => isOverdue(candidate, request) && isWithin(candidate, 1));
  const mustBeOverdue = idsOf((candidate) => isOverdue(candidate, request) && isWithin(candidate, -1));

  const cancelsSent = curfew.openai.calls.flatMap(({ endpoint, jobId }) =>
    endpoint === 'cancel' ? [jobId ?? ''] : [],
  );
  for (const jobId of cancelsSent) assert.ok(mayBeOverdue.has(jobId), `a cancel was sent to ${jobId}`);
  if (request.dryRun) assert.deepEqual(cancelsSent, []);

  const told = new Map(result.jobs.map((swept) => [swept.jobId, swept]));
  assert.equal(told.size, result.jobs.length, 'a job is told twice');
  for (const jobId of told.keys()) assert.ok(mayBeOverdue.has(jobId), `${jobId} is told as overdue`);
  if (result.complete) {
    for (const jobId of mustBeOverdue) assert.ok(told.has(jobId), `${jobId} is overdue and not told`);
  }
  for (const { jobId, outcome, error } of result.jobs) {
    assert.equal(outcome === 'failed', error !== undefined);
    if (outcome === 'cancelled') assert.equal(curfew.openai.jobs.get(jobId)?.status, 'cancelled');
    if (outcome === 'already_finished') assert.equal(curfew.openai.jobs.get(jobId)?.status, 'succeeded');
  }

  const { overdue, cancelled, alreadyFinished, wouldCancel, failed, inProgress: running, inspected } = result;
  assert.equal(overdue, cancelled + alreadyFinished + wouldCancel + failed);
  assert.equal(overdue, result.jobs.length + result.jobsOmitted);
  assert.ok(overdue <= running && running <= inspected && inspected <= population.length);
  if (!hurried) assert.equal(result.complete, true);
}

test('of any population, with any faults, in any hurry, a sweep cancels what is overdue and nothing else', async () => {
  await fc.assert(fc.asyncProperty(fc.array(job, { maxLength: 250 }), sweep, fc.boolean(), check), {
    numRuns: 150,
  });
});
