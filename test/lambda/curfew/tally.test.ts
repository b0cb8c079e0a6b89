import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Decision, Outcome } from '../../../lambda/curfew/decision.ts';
import { sweep } from '../../../lambda/curfew/sweep.ts';
import { Tally } from '../../../lambda/curfew/tally.ts';
import { judge } from '../../../lambda/curfew/time-budget.ts';
import { fakeProject, fakeScene, jobOf, nowMilliseconds, nowSeconds } from '../../support/fake-ports.ts';

const decisionOn = ({
  ageMinutes = 400,
  status = 'running',
  ...decision
}: Partial<Decision> & { ageMinutes?: number; status?: string }): Decision => {
  const job = jobOf({ id: 'ftjob-1', status, ageMinutes });
  return {
    job,
    project: undefined,
    judgement: judge(job, { timeBudgetMinutes: 360, budgetFrom: 'default' }, nowMilliseconds),
    outcome: 'cancelled',
    finalStatus: null,
    reason: 'time_budget',
    requestedBy: 'rule',
    ...decision,
  };
};
const tallyOf = (...decisions: Decision[]) => {
  const tally = new Tally(nowMilliseconds);
  for (const decision of decisions) tally.add(decision);
  return tally;
};
const { counts: nothing } = new Tally(nowMilliseconds);

describe('each job in progress is counted once, by what became of it', () => {
  const counters: [Outcome, Partial<Tally['counts']>][] = [
    ['cancelled', { overdue: 1, cancelled: 1 }],
    ['cancelling', { overdue: 1, cancelled: 1 }],
    ['already_finished', { overdue: 1, alreadyFinished: 1 }],
    ['would_cancel', { overdue: 1, wouldCancel: 1 }],
    ['held_back', { overdue: 1, heldBack: 1 }],
    ['failed', { overdue: 1, failed: 1 }],
    ['within_budget', {}],
    ['exempt', {}],
  ];
  for (const [outcome, expected] of counters) {
    const isListed = 'overdue' in expected;
    test(`${outcome} as ${JSON.stringify(expected)}, and ${isListed ? 'listed' : 'not listed'}`, () => {
      const { counts, jobs } = tallyOf(decisionOn({ outcome }));
      assert.deepEqual(counts, { ...nothing, inProgress: 1, ...expected });
      assert.deepEqual(
        jobs.map((job) => job.outcome),
        isListed ? [outcome] : [],
      );
    });
  }
});

test('a job that is neither in progress nor finished is counted apart, by its status', () => {
  const left = (status: string) => decisionOn({ outcome: 'not_cancellable', status });
  const tally = tallyOf(left('paused'), left('frozen'), left('frozen'), left('melting'), left('pausing'));
  assert.deepEqual(tally.counts, { ...nothing, notCancellable: 5 });
  assert.deepEqual(Object.fromEntries(tally.otherStatuses), { paused: 1, frozen: 2, melting: 1, pausing: 1 });
  assert.equal(tally.unknownStatus, 3);
  assert.equal(tally.oldestAgeSeconds, 0);
  assert.deepEqual(tally.jobs, []);
});

test('of the jobs in progress the age of the oldest is known, whatever became of it', () => {
  assert.equal(tallyOf().oldestAgeSeconds, 0);
  const ages = [5, 400.5, 90].map((ageMinutes) => decisionOn({ ageMinutes, outcome: 'exempt' }));
  assert.equal(tallyOf(...ages).oldestAgeSeconds, 400.5 * 60);
  assert.equal(tallyOf(decisionOn({ ageMinutes: -5 })).oldestAgeSeconds, 0);
});

test('500 jobs are listed, and the rest is counted', () => {
  const tally = tallyOf(...Array.from({ length: 502 }, () => decisionOn({})));
  assert.equal(tally.jobs.length, 500);
  assert.equal(tally.jobsOmitted, 2);
  assert.equal(tally.counts.cancelled, 502);
});

test('the first five that failed are named, even if 500 others are listed', () => {
  const failedJob = (id: number) => decisionOn({ outcome: 'failed', job: jobOf({ id: `ftjob-${id}` }) });
  const tally = tallyOf(
    ...Array.from({ length: 500 }, () => decisionOn({})),
    ...Array.from({ length: 6 }, (_, index) => failedJob(index)),
  );
  assert.deepEqual(tally.firstFailed, ['ftjob-0', 'ftjob-1', 'ftjob-2', 'ftjob-3', 'ftjob-4']);
});

describe('a job is stuck if it has not finished an hour after a cancel was accepted', () => {
  const cases: [name: string, decision: Partial<Decision>, stuck: number][] = [
    ['an hour later', { outcome: 'cancelling', cancellingSinceSeconds: nowSeconds - 3600 }, 1],
    ['a second less', { outcome: 'cancelling', cancellingSinceSeconds: nowSeconds - 3599 }, 0],
    ['for the first time', { outcome: 'cancelling' }, 0],
    ['later, but now it is cancelled', { outcome: 'cancelled', cancellingSinceSeconds: 0 }, 0],
    ['later, but now it has finished', { outcome: 'already_finished', cancellingSinceSeconds: 0 }, 0],
    ['later, and another cancel fails', { outcome: 'failed', cancellingSinceSeconds: 0 }, 1],
  ];
  for (const [name, decision, stuck] of cases) {
    test(`${name}: ${stuck}`, () => assert.equal(tallyOf(decisionOn(decision)).stuckCancelling, stuck));
  }
});

test('jobs that an earlier sweep left cancelling are counted apart as well, cancelled by now or not', () => {
  const cancellingSinceSeconds = nowSeconds - 300;
  const { counts, countedBefore } = tallyOf(
    decisionOn({ outcome: 'cancelling' }),
    decisionOn({ outcome: 'cancelling', cancellingSinceSeconds }),
    decisionOn({ outcome: 'cancelled', cancellingSinceSeconds }),
  );
  assert.deepEqual([counts.cancelled, countedBefore], [3, 2]);
});

describe('jobs are decided on side by side', () => {
  const overdueJobs = (count: number) =>
    Array.from({ length: count }, (_, index) => jobOf({ id: `ftjob-${index}`, ageMinutes: 400 }));
  const rules = { cancelLimit: 'none' } as const;

  test('100 of a project at once, and no more', async () => {
    let underWay = 0;
    let most = 0;
    const project = fakeProject({
      jobs: overdueJobs(250),
      rules,
      cancel: async (id) => {
        underWay += 1;
        most = Math.max(most, underWay);
        await sleep(5);
        underWay -= 1;
        return jobOf({ id, status: 'cancelled' });
      },
    });
    const { tally } = await sweep([project], 0, fakeScene());
    assert.equal(tally.counts.cancelled, 250);
    assert.equal(most, 100);
  });

  test('each decision is reported as it falls, with why, and who asked', async () => {
    const scene = fakeScene();
    const second = Promise.withResolvers<void>();
    const project = fakeProject({
      jobs: overdueJobs(2),
      rules,
      cancel: async (id) => {
        // The first waits until the second is reported.
        if (id === 'ftjob-0') await second.promise;
        return jobOf({ id, status: 'cancelled' });
      },
    });
    const report: typeof scene.report = (decision) => {
      scene.report(decision);
      second.resolve();
    };
    await sweep([project], 0, { ...scene, report });
    assert.deepEqual(
      scene.decisions.map(({ job, reason, requestedBy }) => [job.id, reason, requestedBy]),
      [
        ['ftjob-1', 'time_budget', 'rule'],
        ['ftjob-0', 'time_budget', 'rule'],
      ],
    );
  });
});
