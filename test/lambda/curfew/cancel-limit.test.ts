import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulatedJob } from '../../../infra/local/providers/simulated-job.ts';
import { sweep } from '../../../lambda/curfew/sweep.ts';
import { type Curfew, endpoints, startCurfew } from '../../support/curfew.ts';
import {
  type FakeScene,
  fakeProject,
  fakeScene,
  fakeTable,
  fakeTime,
  jobOf,
  nowSeconds,
} from '../../support/fake-ports.ts';

const overdueJobs = (count: number) =>
  Array.from({ length: count }, (_, index) =>
    simulatedJob({ id: `ftjob-${index}`, status: 'running', ageMinutes: 400 }),
  );
const cancelsIn = ({ openai }: Curfew) =>
  endpoints(openai).filter((endpoint) => endpoint === 'cancel').length;
/** How many jobs came to which outcome. */
const outcomesIn = (decisions: { outcome: string }[]) =>
  Object.fromEntries(
    Map.groupBy(decisions, ({ outcome }) => outcome)
      .entries()
      .map(([outcome, jobs]) => [outcome, jobs.length]),
  );

describe('a sweep that finds more overdue jobs than the cancel limit', () => {
  test('cancels none of them: 21, with the limit of 20 that holds if nothing is said', async () => {
    await using curfew = await startCurfew({ jobs: overdueJobs(21) });
    const { cancelLimit, overdue, heldBack, cancelled, complete, jobs } = await curfew.sweep();
    assert.deepEqual([cancelLimit, overdue, heldBack, cancelled, complete], [20, 21, 21, 0, true]);
    assert.deepEqual(outcomesIn(jobs), { held_back: 21 });
    assert.ok(jobs.every(({ finalStatus }) => finalStatus === null));
    assert.equal(cancelsIn(curfew), 0);
    assert.deepEqual(curfew.aws.events, []);
    assert.equal(curfew.metricDocuments[0]?.['HeldBack'], 21);
  });

  test('cancels all of them if there are just as many as that', async () => {
    await using curfew = await startCurfew({ jobs: overdueJobs(20) });
    assert.equal((await curfew.sweep()).cancelled, 20);
  });

  test('holds back in a dry run as well, and says so', async () => {
    await using curfew = await startCurfew({ jobs: overdueJobs(21) });
    const { heldBack, wouldCancel } = await curfew.sweep({ dryRun: true });
    assert.deepEqual([heldBack, wouldCancel], [21, 0]);
  });

  test('cancels them if the request has a higher limit, or none', async () => {
    for (const cancelLimit of [21, 'none'] as const) {
      await using curfew = await startCurfew({ jobs: overdueJobs(21) });
      assert.equal((await curfew.sweep({ cancelLimit })).cancelled, 21);
    }
  });

  test('in one project leaves the others alone', async () => {
    const scene = fakeScene();
    const many = fakeProject({
      name: 'many',
      jobs: Array.from({ length: 21 }, (_, i) => jobOf({ id: `m-${i}`, ageMinutes: 400 })),
    });
    const few = fakeProject({ name: 'few', jobs: [jobOf({ id: 'f', ageMinutes: 400 })] });
    await sweep([many, few], 0, scene);
    assert.deepEqual([many.cancels, few.cancels], [[], ['f']]);
    assert.deepEqual(outcomesIn(scene.decisions), { held_back: 21, cancelled: 1 });
  });
});

describe('for the limit', () => {
  const limit = 2;
  const ids = ['ftjob-1', 'ftjob-2', 'ftjob-3'];
  const jobs = ids.map((id) => jobOf({ id, ageMinutes: 400 }));
  const swept = async (scene: FakeScene, all = jobs) => {
    const project = fakeProject({ jobs: all, rules: { cancelLimit: limit } });
    await sweep([project], 0, scene);
    return { outcomes: outcomesIn(scene.decisions), cancels: project.cancels };
  };

  test('a job that is extended does not count', async () => {
    const table = fakeTable({ 'ftjob-1': { extendedUntilSeconds: nowSeconds + 86_400 } });
    const { outcomes, cancels } = await swept(fakeScene({ table }));
    assert.deepEqual(outcomes, { within_budget: 1, cancelled: 2 });
    assert.deepEqual(cancels, ['ftjob-2', 'ftjob-3']);
  });

  test('a job that was published as cancelling does not count, and is asked to cancel again', async () => {
    const table = fakeTable({ 'ftjob-1': { cancellingSinceSeconds: nowSeconds - 300 } });
    assert.deepEqual((await swept(fakeScene({ table }))).outcomes, { cancelled: 3 });
    const more = [...jobs, jobOf({ id: 'ftjob-4', ageMinutes: 400 })];
    const { outcomes, cancels } = await swept(fakeScene({ table }), more);
    assert.deepEqual(outcomes, { cancelled: 1, held_back: 3 });
    assert.deepEqual(cancels, ['ftjob-1']);
  });

  test('a job whose extension cannot be read counts, and has failed with StateError', async () => {
    const scene = fakeScene({ table: fakeTable({}, ['ftjob-1']) });
    const { outcomes, cancels } = await swept(scene);
    assert.deepEqual(outcomes, { failed: 1, held_back: 2 });
    assert.deepEqual(cancels, []);
    const unread = scene.decisions.find(({ outcome }) => outcome === 'failed');
    assert.deepEqual(unread?.error, { name: 'StateError', message: 'The table is down.' });
  });

  test('a job that is near its deadline, exempt or no longer in progress does not count', async () => {
    const others = [
      jobOf({ id: 'near', ageMinutes: 350 }),
      jobOf({ id: 'exempt', ageMinutes: 400, metadata: { time_budget_minutes: 'none' } }),
      jobOf({ id: 'paused', ageMinutes: 400, status: 'paused' }),
      jobOf({ id: 'done', ageMinutes: 400, status: 'succeeded' }),
    ];
    const { cancels, outcomes } = await swept(fakeScene(), [...jobs.slice(0, 2), ...others]);
    assert.deepEqual(cancels, ['ftjob-1', 'ftjob-2']);
    assert.deepEqual(outcomes, { within_budget: 1, exempt: 1, not_cancellable: 1, cancelled: 2 });
  });
});

test('without a limit a job that is extended is spared as well, and one whose row cannot be read has failed', async () => {
  const table = fakeTable({ extended: { extendedUntilSeconds: nowSeconds + 60 } }, ['unreadable']);
  const scene = fakeScene({ table });
  const project = fakeProject({
    jobs: ['overdue', 'extended', 'unreadable'].map((id) => jobOf({ id, ageMinutes: 400 })),
    rules: { cancelLimit: 'none' },
  });
  await sweep([project], 0, scene);
  assert.deepEqual(project.cancels, ['overdue']);
  assert.deepEqual(outcomesIn(scene.decisions), { cancelled: 1, within_budget: 1, failed: 1 });
});

describe('while pages are still listed', () => {
  const page = (from: number) =>
    Array.from({ length: 2 }, (_, index) => jobOf({ id: `ftjob-${from + index}`, ageMinutes: 400 }));

  /** Sweeps two pages, and says how many cancels had been sent when the second was asked for. */
  const cancelsBeforeSecondPage = async (cancelLimit: number | 'none') => {
    let before = -1;
    const project = fakeProject({
      rules: { cancelLimit },
      cancel: async (id) => jobOf({ id, status: 'cancelled' }),
      async *list() {
        yield { jobs: page(1), odd: [] };
        await new Promise(setImmediate);
        before = project.cancels.length;
        yield { jobs: page(3), odd: [] };
      },
    });
    await sweep([project], 0, fakeScene());
    assert.equal(project.cancels.length, 4);
    return before;
  };

  test('no cancel is sent with a limit', async () => assert.equal(await cancelsBeforeSecondPage(20), 0));
  test('cancels are sent with "none"', async () => assert.equal(await cancelsBeforeSecondPage('none'), 2));

  test('and somebody extends a job, it is not cancelled', async () => {
    const table = fakeTable();
    const project = fakeProject({
      cancel: async (id) => jobOf({ id, status: 'cancelled' }),
      async *list() {
        yield { jobs: page(1), odd: [] };
        await table.extend('ftjob-1', nowSeconds + 3600, 'alice', new AbortController().signal);
        yield { jobs: page(3), odd: [] };
      },
    });
    await sweep([project], 0, fakeScene({ table }));
    assert.deepEqual(project.cancels, ['ftjob-2', 'ftjob-3', 'ftjob-4']);
    assert.deepEqual(table.reads.length, 1);
  });

  test('and time runs out, the limit is not passed', async () => {
    const time = fakeTime();
    const scene = fakeScene({ time });
    const project = fakeProject({
      rules: { cancelLimit: 1 },
      async *list(signal) {
        yield { jobs: page(1), odd: [] };
        time.runDown();
        signal.throwIfAborted();
      },
    });
    const { survey } = await sweep([project], 0, scene);
    assert.equal(survey.isComplete, false);
    assert.deepEqual(survey.failures, []);
    assert.deepEqual(project.cancels, []);
    assert.deepEqual(outcomesIn(scene.decisions), { held_back: 2 });
  });

  test('and time runs out, what was found is cancelled', async () => {
    const time = fakeTime();
    const project = fakeProject({
      cancel: async (id) => jobOf({ id, status: 'cancelled' }),
      async *list(signal) {
        yield { jobs: page(1), odd: [] };
        time.runDown();
        signal.throwIfAborted();
      },
    });
    const { survey, tally } = await sweep([project], 0, fakeScene({ time }));
    assert.equal(survey.isComplete, false);
    assert.deepEqual(project.cancels, ['ftjob-1', 'ftjob-2']);
    assert.equal(tally.counts.cancelled, 2);
  });
});
