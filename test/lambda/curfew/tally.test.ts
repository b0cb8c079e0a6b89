import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { judge } from '../../../lambda/curfew/deadline.ts';
import type { Job, UnreadableEntry } from '../../../lambda/curfew/job.ts';
import {
  incompleteError,
  listAnswer,
  stopAllAnswer,
  sweepAnswer,
  Tally,
  throwIfAllFailed,
} from '../../../lambda/curfew/tally.ts';
import { AuthenticationError, OpenAIError } from '../../../lambda/errors.ts';
import { type FakeProject, fakeProject, jobOf, now, sixHours } from '../../support/fake-ports.ts';
import { type DecisionFields, decisionOn, listingOf } from '../../support/run-rules.ts';

const unnamed = fakeProject();
const judged = (job: Job) => judge(job, {}, sixHours, now);
function tallyOf({ decisions = [], projects = [unnamed] }: { decisions?: DecisionFields[]; projects?: FakeProject[] }) {
  const tally = new Tally(projects);
  for (const decision of decisions) tally.addDecision(decisionOn(decision));
  return tally;
}
test('an accepted cancel counts as new, unless an earlier sweep published it', () => {
  const decisions = [{}, { wasPublished: true }, { outcome: 'cancelling' as const, isCancelledNow: false }];
  assert.equal(tallyOf({ decisions }).newlyCancelled, 1);
});

test('jobs are counted as found: in progress, other or stuck, with the oldest age', () => {
  const tally = tallyOf({});
  const stuck = { cancellingSince: now - 3_600 };
  const found: [Job, row: object][] = [
    [jobOf({ id: 'a', ageMinutes: 5 }), stuck],
    [jobOf({ id: 'b', ageMinutes: 400.5, phase: 'waiting' }), { cancellingSince: now - 3_599 }],
    [jobOf({ id: 'c', ageMinutes: 90, phase: 'cancelling' }), stuck],
    [jobOf({ id: 'd', ageMinutes: 900, phase: 'other' }), stuck],
    [jobOf({ id: 'e', phase: 'other', status: 'frozen', isKnownStatus: false }), {}],
    [jobOf({ id: 'f', phase: 'other', status: 'frozen', isKnownStatus: false }), {}],
  ];
  for (const [job, row] of found) tally.addFound(job, judged(job), row, now);
  const { inProgress, others, stuckCancelling, oldestAgeMinutes } = tally;
  assert.deepEqual([inProgress, others.map(({ id }) => id).join('')], [3, 'def']);
  assert.deepEqual([stuckCancelling, oldestAgeMinutes], [2, 400.5]);
});

test('a failed entry says why, in at most 300 characters', () => {
  const error = { name: 'OpenAIError', message: 'x'.repeat(301) };
  const { jobs } = sweepAnswer(tallyOf({ decisions: [{ outcome: 'failed', error }] }));
  assert.deepEqual(jobs[0]?.error, { name: 'OpenAIError', message: 'x'.repeat(300) });
  assert.equal(jobs[0]?.ageMinutes, 400, 'ages are whole minutes');
});

describe('an answer holds', () => {
  const longest = Array.from({ length: 600 }, (_, index) => ({
    project: fakeProject({ name: 'p'.repeat(64) }),
    job: jobOf({ id: `${index}`.padEnd(128, 'x'), status: 's'.repeat(64) }),
    outcome: 'failed' as const,
    error: { name: 'AuthenticationError', message: '"'.repeat(500) },
  }));

  test('240 kB at most, however long jobs, names and errors are', () => {
    const projects = Array.from({ length: 120 }, (_, index) => fakeProject({ name: `${index}`.padEnd(64, 'x') }));
    const tally = tallyOf({ decisions: longest, projects });
    for (const project of projects) tally.addFailure(project, new AuthenticationError('"'.repeat(500)));
    const entry = { jobId: 'x'.repeat(128), unreadableBudget: '€'.repeat(100), model: '€'.repeat(256) };
    const listed = Array(600).fill(entry);
    for (const answer of [sweepAnswer(tally), stopAllAnswer(tally, false), listAnswer(tally, listed, false)]) {
      const bytes = Buffer.byteLength(JSON.stringify(answer));
      assert.ok(bytes > 180_000 && bytes <= 240_000, `${bytes} bytes`);
      assert.equal(answer.jobs.length + answer.jobsOmitted, 600);
    }
  });

  test('100 failed projects, and counts the rest', () => {
    const projects = Array.from({ length: 102 }, (_, index) => fakeProject({ name: `bad-${index}` }));
    const tally = tallyOf({ projects });
    for (const project of projects.toReversed()) tally.addFailure(project, new OpenAIError('x'.repeat(500)));
    const { failedProjects = [], failedProjectsOmitted, projects: read } = sweepAnswer(tally);
    assert.deepEqual([failedProjects.length, failedProjectsOmitted, read], [100, 2, 0]);
    assert.deepEqual(failedProjects[99], {
      project: 'bad-99',
      error: { name: 'OpenAIError', message: 'x'.repeat(160) },
    });
  });
});

describe('unfinished work is an IncompleteError with the counts, the first ids and the reasons', () => {
  const [eu, us] = [fakeProject({ name: 'eu' }), fakeProject({ name: 'us' })];
  const failing = (count: number) =>
    Array.from({ length: count }, (_, index) => ({ outcome: 'failed' as const, job: jobOf({ id: `ftjob-${index}` }) }));
  const unreadable: UnreadableEntry = { jobId: 'x', unreadableFields: ['status'] };
  const late = { cutShortBy: new OpenAIError('No answer.') };
  const fails = { error: new OpenAIError('No.') };
  const cases: [name: string, decisions: DecisionFields[], listings: [FakeProject, object][], reasons: string][] = [
    ['one failed', failing(1), [], '1 could not be cancelled (ftjob-0)'],
    ['many failed', failing(6), [], '6 could not be cancelled (ftjob-0, ftjob-1, ftjob-2, ftjob-3, ftjob-4, …)'],
    ['a project failed', [], [[us, fails]], '1 project could not be listed (Project "us": No.)'],
    [
      'two projects failed',
      [],
      [
        [us, fails],
        [eu, fails],
      ],
      '2 projects could not be listed (Project "eu": No.)',
    ],
    [
      'time ran out',
      [],
      [[eu, late]],
      '1 project could be listed only in part (Project "eu": Time ran out before all jobs were listed. No answer.); time ran out',
    ],
    ['a job was unreadable', [], [[eu, { unreadable: [unreadable] }]], '1 could not be judged'],
  ];
  for (const [name, decisions, listings, reasons] of cases) {
    test(name, () => {
      const tally = tallyOf({ decisions: [{}, ...decisions], projects: [eu, us] });
      tally.inProgress = 9;
      for (const [project, fields] of listings) tally.addListing(listingOf({ project, ...fields }));
      const advice = 'Send the request again: that is safe and does the rest.';
      const { message } = incompleteError('stopAll', tally);
      assert.equal(message, `The stop-all cancelled 1 of 9 jobs in progress: ${reasons}. ${advice}`);
      const overdue = 1 + decisions.length;
      const swept = incompleteError('sweep', tally);
      assert.equal(swept.name, 'IncompleteError');
      assert.equal(swept.message, `The sweep cancelled 1 of ${overdue} overdue jobs: ${reasons}. ${advice}`);
    });
  }
});

describe('the first failure is thrown if every project failed', () => {
  const [eu, us] = [fakeProject({ name: 'eu' }), fakeProject({ name: 'us' })];

  test('in configured order, with the name of its project', () => {
    const tally = tallyOf({ projects: [eu, us] });
    tally.addFailure(us, new OpenAIError('No.'));
    throwIfAllFailed(tally);
    tally.addFailure(eu, new AuthenticationError('No.'));
    assert.throws(() => throwIfAllFailed(tally), { name: 'AuthenticationError', message: 'Project "eu": No.' });
  });
});
