import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startAwsStub } from '../../../infra/local/aws/stub/server.ts';
import { createAwsClients } from '../../../lambda/aws/clients.ts';
import { createReport, createSeenJobs } from '../../../lambda/aws/report.ts';
import type { Decision } from '../../../lambda/curfew/cancel.ts';
import type { Job } from '../../../lambda/curfew/job.ts';
import type { Listing } from '../../../lambda/curfew/listing.ts';
import { Tally } from '../../../lambda/curfew/tally.ts';
import * as errors from '../../../lambda/errors.ts';
import { parseSettings } from '../../../lambda/settings.ts';
import { awsCredentials, environmentWith } from '../../support/curfew.ts';
import { fakeProject, jobOf, now } from '../../support/fake-ports.ts';
import { type LogLine, RecordingLogger, RecordingMetrics } from '../../support/recorders.ts';
import { type DecisionFields, decisionOn, listingOf } from '../../support/run-rules.ts';

/** A report, with the lines and metrics that it writes. Its events go nowhere. */
function startReport(name = 'fine-tuning-curfew', endpoint = 'http://127.0.0.1:2') {
  const logger = new RecordingLogger(name);
  const metrics = new RecordingMetrics(name);
  const aws = createAwsClients({ region: 'us-east-1', endpoint, credentials: awsCredentials });
  const settings = parseSettings(environmentWith({ name }));
  const report = createReport({ settings, aws, logger, metrics, seen: createSeenJobs() }, 'alice', () => 1_000);
  return { report, lines: logger.lines, documents: metrics.documents };
}

/** The level and message of each line. */
const brief = (lines: LogLine[]) => lines.map(({ level, message }) => [level, message]);
/** The part of a line that we write. */
const ours = ({ timestamp, service, sampling_rate, ...line }: LogLine = {}) => line;
/** The metrics of a sweep or a stop-all that are not zero. */
const valuesIn = (documents: LogLine[]) =>
  documents.map(({ _aws, service, ...values }) =>
    Object.fromEntries(Object.entries(values).filter(([, value]) => value !== 0)),
  );

const research = fakeProject({ name: 'research' });
const production = fakeProject({ name: 'production' });
const old = { id: 'ftjob-1', ageMinutes: 400.5 };
/** The tally of one project, with this listing and these decisions. */
function tallyOf({
  listing = listingOf(),
  decisions = [],
}: {
  listing?: Listing;
  decisions?: readonly DecisionFields[];
}) {
  const tally = new Tally([listing.project]);
  for (const decision of decisions.map(decisionOn)) {
    tally.addFound(decision.job, decision.judgement, {}, now);
    tally.addDecision(decision);
  }
  tally.addListing({ ...listing, inspected: decisions.length });
  return tally;
}

describe('a decision is one log line', () => {
  test('with what was decided and why, but without metadata, which may contain anything', () => {
    const { report, lines } = startReport();
    report.decided(decisionOn({ project: research, job: jobOf({ ...old, metadata: { team: 'search' } }) }));
    assert.match(String(lines[0]?.['message']), /^Fine-tuning job ftjob-1 of project research was cancelled as/);
    const { message, ...line } = ours(lines[0]);
    assert.deepEqual(line, {
      level: 'INFO',
      jobId: 'ftjob-1',
      project: 'research',
      outcome: 'cancelled',
      reason: 'requested',
      requestedBy: 'alice',
      initialStatus: 'running',
      finalStatus: 'cancelled',
      ageMinutes: 400,
      timeBudgetMinutes: 360,
      limit: 'budget',
      countsFrom: '2026-11-25T05:19:30.000Z',
      model: 'gpt-4o',
    });
  });

  test('with the error, if there was one', () => {
    const { report, lines } = startReport();
    report.decided(decisionOn({ outcome: 'failed', error: { name: 'QuotaError', message: 'No money.' } }));
    report.decided(decisionOn());
    assert.partialDeepStrictEqual(lines[0]?.['error'], { name: 'QuotaError', message: 'No money.' });
    assert.ok(!Object.hasOwn(lines[1] ?? {}, 'error'));
  });

  const levels: [outcome: Decision['outcome'], first: string, next: string][] = [
    ['cancelled', 'INFO', 'INFO'],
    ['cancelling', 'INFO', 'DEBUG'],
    ['already_finished', 'INFO', 'INFO'],
    ['would_cancel', 'INFO', 'INFO'],
    ['not_cancellable', 'WARN', 'DEBUG'],
    ['held_back', 'WARN', 'DEBUG'],
    ['failed', 'ERROR', 'ERROR'],
    ['within_budget', 'INFO', 'DEBUG'],
    ['exempt', 'INFO', 'DEBUG'],
  ];
  for (const [outcome, first, next] of levels) {
    test(`in a sweep, ${outcome}: ${first}, at the next sweep ${next}`, () => {
      const { report, lines } = startReport();
      for (const _sweep of [1, 2]) report.decided(decisionOn({ outcome, reason: 'time_budget' }));
      assert.deepEqual(
        lines.map(({ level }) => level),
        [first, next],
      );
    });
  }

  test('for a request, at its level every time, even if sweeps have seen the job', () => {
    const { report, lines } = startReport();
    const reasons = ['time_budget', 'requested', 'stop_all'] as const;
    for (const reason of reasons) report.decided(decisionOn({ outcome: 'not_cancellable', reason }));
    assert.ok(lines.every(({ level }) => level === 'WARN'));
  });

  const warnings: [name: string, fields: Partial<Job>, message: string][] = [
    [
      'a budget that cannot be read',
      { metadata: { time_budget_minutes: 'soon' } },
      "Job ftjob-1 has a budget in its metadata that cannot be read (time_budget_minutes: soon), so the project's applies. " +
        'Allowed in time_budget_minutes: 90, 1.5, 90m, 24h, 2d or none.',
    ],
    [
      'metadata of the wrong shape',
      { hasInvalidMetadata: true },
      "Job ftjob-1 has metadata that is not text or exceeds the API's limits. It is ignored.",
    ],
  ];
  for (const [name, fields, message] of warnings) {
    test(`with a warning about ${name}, while that is news`, () => {
      const { report, lines } = startReport();
      const job = jobOf({ ...old, ...fields });
      for (const _sweep of [1, 2]) report.decided(decisionOn({ job, outcome: 'within_budget', reason: 'time_budget' }));
      const others = lines.filter((line) => line['outcome'] === undefined);
      assert.deepEqual(others.map(ours), [{ level: 'WARN', message, jobId: 'ftjob-1', requestedBy: 'alice' }]);
    });
  }
});

describe('what a sweep finds again is logged at INFO', () => {
  const [job, later] = [jobOf(old), { row: { extendedUntil: now + 86_400 } }];
  const cases: [when: string, again: DecisionFields, level: string][] = [
    ['but not if nothing has changed', {}, 'DEBUG'],
    ['in another status', { job: jobOf({ ...old, status: 'resuming' }) }, 'INFO'],
    ['with another deadline', later, 'INFO'],
    ['in another project', { project: production }, 'INFO'],
  ];
  for (const [when, again, level] of cases) {
    test(when, () => {
      const { report, lines } = startReport();
      const first = { job, project: research, outcome: 'within_budget', reason: 'time_budget' } as const;
      for (const fields of [first, { ...first, ...again }]) report.decided(decisionOn(fields));
      assert.equal(lines.at(-1)?.['level'], level);
    });
  }
});

test('a lost event is an error in the log, and the decision stands', async () => {
  const { report, lines } = startReport();
  assert.equal(await report.publishCancellation(decisionOn()), false);
  const { message, ...line } = ours(lines[0]);
  assert.match(String(message), /^No event could be published for ftjob-1 \(.+\)\. The decision stands\.$/);
  assert.deepEqual(line, { level: 'ERROR', jobId: 'ftjob-1', requestedBy: 'alice' });
});

test('what is published is out', async () => {
  await using stub = await startAwsStub();
  const { report } = startReport('fine-tuning-curfew', stub.url);
  const { project, job, judgement } = decisionOn();
  const warning = { judgement, deadline: now, minutesLeft: 5, willNotFinish: false, dryRun: false };
  assert.equal(await report.publishCancellation(decisionOn()), true);
  assert.equal(await report.publishWarning({ project, job }, warning), true);
  assert.equal(stub.events.length, 2);
});

test('a problem with a job is a warning', () => {
  const { report, lines } = startReport();
  report.problem({ project: research, job: jobOf(old) }, new errors.StateError('The table is down.'), 2);
  const { error, ...line } = ours(lines[0]);
  const message = 'ftjob-1: The table is down. The same applies to 2 other jobs.';
  assert.deepEqual(line, { level: 'WARN', message, jobId: 'ftjob-1', project: 'research', requestedBy: 'alice' });
  report.problem({ project: research, job: jobOf(old) }, new errors.StateError('The table is down.'));
  assert.equal(lines[1]?.['message'], 'ftjob-1: The table is down.');
});

const failed = { outcome: 'failed', isCancelledNow: false } as const;
const heldBack = { outcome: 'held_back', isCancelledNow: false } as const;
const wouldCancel = { outcome: 'would_cancel', isCancelledNow: false } as const;

describe('a sweep ends', () => {
  test('in a line with its counts, and metrics with units and the deployment as dimension', () => {
    const { report, lines, documents } = startReport('my-curfew');
    const decisions = [{}, { outcome: 'cancelling', wasPublished: true }, heldBack, failed] as const;
    const tally = tallyOf({ decisions, listing: listingOf({ project: research }) });
    const { judgement } = decisionOn();
    tally.addFound(jobOf({ id: 'ftjob-2' }), judgement, { cancellingSince: now - 3_600 }, now);
    for (const status of ['paused', 'frozen', 'paused']) {
      const isKnownStatus = status === 'paused';
      tally.addFound(jobOf({ id: 'ftjob-3', phase: 'other', status, isKnownStatus }), judgement, {}, now);
    }
    report.swept(tally, false, 7);
    const message =
      'Swept: 4 inspected, 5 in progress, 4 overdue, 2 cancelled, 1 held back, 1 failed, ' +
      '3 left alone (paused, unknown: frozen).';
    const counts = { inspected: 4, inProgress: 5, overdue: 4, notCancellable: 3, cancelled: 2, heldBack: 1, failed: 1 };
    const rest = { alreadyFinished: 0, wouldCancel: 0, complete: true, dryRun: false, projects: 1 };
    assert.deepEqual(lines.map(ours), [{ level: 'INFO', message, requestedBy: 'alice', ...counts, ...rest }]);

    const { _aws, service, ...values } = documents[0] ?? {};
    assert.equal(service, 'my-curfew');
    const found = { Inspected: 4, InProgress: 5, Overdue: 4, UnknownStatus: 1, StuckCancelling: 1, FailedProjects: 0 };
    const done = { Cancelled: 1, CancelFailures: 1, HeldBack: 1, IncompleteSweeps: 0 };
    assert.deepEqual(values, { ...found, ...done, OldestJobInProgressAge: 24_030, SweepDuration: 7 });
    const units: Record<string, string> = { OldestJobInProgressAge: 'Seconds', SweepDuration: 'Milliseconds' };
    const Metrics = Object.keys(values).map((Name) => ({ Name, Unit: units[Name] ?? 'Count' }));
    const expected = [{ Namespace: 'FineTuningCurfew', Dimensions: [['service']], Metrics }];
    assert.deepEqual((_aws as { CloudWatchMetrics: object }).CloudWatchMetrics, expected);
  });

  const late = new errors.RateLimitError('OpenAI answered 429.');
  const unreadable = {
    unreadable: [
      { jobId: 'ftjob-9', unreadableFields: ['status', 'created_at'] },
      { jobId: undefined, unreadableFields: ['id'] },
    ],
  };
  const incomplete: [name: string, listing: Listing, why: string, level: string, lines: string[]][] = [
    [
      'cut short by time',
      listingOf({ project: research, cutShortBy: late }),
      'time ran out',
      'WARN',
      ['Project "research": Time ran out before all jobs were listed. OpenAI answered 429.'],
    ],
    [
      'whose project was not read at all',
      listingOf({ project: research, cutShortBy: late, hasFirstPage: false }),
      'time ran out and listing failed',
      'ERROR',
      ['Project "research": Time ran out before the first page of jobs came. OpenAI answered 429.'],
    ],
    [
      'whose listing failed',
      listingOf({ project: research, error: late }),
      'listing failed',
      'ERROR',
      ['Project "research": OpenAI answered 429.'],
    ],
    [
      'with unreadable entries',
      listingOf(unreadable),
      'a job could not be judged',
      'WARN',
      [
        'Job ftjob-9 cannot be judged: unreadable status, created_at. It was left alone.',
        'A job without a readable id cannot be judged: unreadable id. It was left alone.',
      ],
    ],
  ];
  for (const [name, listing, why, level, others] of incomplete) {
    test(`in a warning for one ${name}, and a line about that`, () => {
      const { report, lines, documents } = startReport();
      report.swept(tallyOf({ listing }), true, 7);
      const [line, ...more] = lines;
      assert.ok(String(line?.['message']).startsWith(`Swept in part, because ${why} (dry run): `));
      assert.deepEqual([line?.['level'], line?.['complete']], ['WARN', false]);
      assert.deepEqual(
        brief(more),
        others.map((message) => [level, message]),
      );
      assert.ok(lines.every(({ requestedBy }) => requestedBy === 'alice'));
      const named = lines.filter((one) => Object.hasOwn(one, 'jobId')).map(({ jobId }) => jobId);
      assert.deepEqual(named, name === 'with unreadable entries' ? ['ftjob-9'] : []);
      const { IncompleteSweeps, FailedProjects } = documents[0] ?? {};
      assert.deepEqual([IncompleteSweeps, FailedProjects], [1, level === 'ERROR' ? 1 : 0]);
    });
  }
});

describe('other requests end', () => {
  const unreadable = listingOf({ unreadable: [{ jobId: 'ftjob-9', unreadableFields: ['status'] }] });
  const stops: [tally: Parameters<typeof tallyOf>[0], level: string, message: string, metrics: object][] = [
    [{ decisions: [{}] }, 'INFO', ': 1 inspected, 1 in progress, 1 cancelled, 0 failed.', { Cancelled: 1 }],
    [{ decisions: [failed] }, 'WARN', ': 1 inspected, 1 in progress, 0 cancelled, 1 failed.', { CancelFailures: 1 }],
    [
      { decisions: [wouldCancel], listing: unreadable },
      'WARN',
      ' in part, because a job could not be judged (dry run): 1 inspected, 1 in progress, 1 would be cancelled, 0 failed.',
      {},
    ],
  ];
  for (const [tally, level, message, metrics] of stops) {
    test(`a stop-all${message}`, () => {
      const { report, lines, documents } = startReport();
      report.stopped(tallyOf(tally), message.includes('dry run'));
      assert.partialDeepStrictEqual(lines[0], { level, message: `Stop all${message}`, requestedBy: 'alice' });
      assert.deepEqual(valuesIn(documents), [metrics]);
    });
  }

  const lists: [jobsOmitted: number, readError: Error | undefined, level: string, message: string][] = [
    [1, undefined, 'INFO', 'Listed 1 job.'],
    [2, undefined, 'INFO', 'Listed 2 jobs.'],
    [2, new Error('No table.'), 'WARN', 'Listed 2 jobs, but the list is incomplete: No table.'],
  ];
  for (const [jobsOmitted, readError, level, message] of lists) {
    test(`a list: ${message}`, () => {
      const { report, lines, documents } = startReport();
      const complete = readError === undefined;
      report.listed({ answer: { complete, jobs: [], jobsOmitted }, tally: tallyOf({}), readError });
      assert.deepEqual(lines.map(ours), [{ level, message, requestedBy: 'alice', complete, jobs: jobsOmitted }]);
      assert.deepEqual(documents, []);
    });
  }

  test('an extension', () => {
    const { report, lines } = startReport();
    const answer = { jobId: 'ftjob-1', status: 'running', previousDeadline: 'noon', deadline: 'midnight' };
    report.extended(answer, 600);
    report.extended({ ...answer, previousDeadline: null, deadline: null }, 600);
    assert.deepEqual(brief(lines), [
      ['INFO', 'Fine-tuning job ftjob-1 may run until midnight, as requested (alice); it was noon.'],
      ['INFO', 'Fine-tuning job ftjob-1 (running) keeps its deadline (none); 600 minutes were requested (alice).'],
    ]);
    assert.partialDeepStrictEqual(lines[0], { ...answer, minutes: 600, requestedBy: 'alice' });
  });

  test('a cancel: its metrics count accepted cancels and unknown statuses', () => {
    const { report, documents } = startReport();
    report.cancelled(decisionOn());
    report.cancelled(decisionOn({ outcome: 'already_finished', isCancelledNow: false }));
    report.cancelled(decisionOn({ job: jobOf({ ...old, isKnownStatus: false }), isCancelledNow: false }));
    assert.deepEqual(valuesIn(documents), [{ Cancelled: 1 }, { UnknownStatus: 1 }]);
  });
});

describe('a failed request is an error in the log, and counts in Errors unless the caller is at fault', () => {
  const callers: Error[] = [new errors.InvalidRequestError('It failed.'), new errors.JobNotFoundError('It failed.')];
  const others = [new errors.ApiKeyError('It failed.'), new errors.IncompleteError('It failed.')];
  for (const failure of [...callers, ...others]) {
    test(failure.name, () => {
      const { report, lines, documents } = startReport();
      report.failed(failure);
      const { error, ...line } = ours(lines[0]);
      assert.deepEqual(line, { level: 'ERROR', message: 'It failed.', requestedBy: 'alice' });
      assert.equal((error as LogLine)['name'], failure.name);
      assert.deepEqual(valuesIn(documents), callers.includes(failure) ? [] : [{ Errors: 1 }]);
    });
  }
});
