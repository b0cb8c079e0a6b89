import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createAwsClients } from '../../../lambda/aws/clients.ts';
import { createReport, createSeenJobs } from '../../../lambda/aws/report.ts';
import type { Decision } from '../../../lambda/curfew/cancel.ts';
import type { Listing } from '../../../lambda/curfew/listing.ts';
import { Tally } from '../../../lambda/curfew/tally.ts';
import * as errors from '../../../lambda/errors.ts';
import { parseSettings } from '../../../lambda/settings.ts';
import { environmentWith } from '../../support/curfew.ts';
import { decisionOn, jobNamed, now, projectNamed } from '../../support/decisions.ts';
import { type LogLine, RecordingLogger, RecordingMetrics } from '../../support/recorders.ts';

/** A report, and the lines and metrics that it writes. Nobody listens to its events. */
function startReport(name = 'fine-tuning-curfew') {
  const logger = new RecordingLogger(name);
  const metrics = new RecordingMetrics(name);
  const aws = createAwsClients({ region: 'us-east-1', endpoint: 'http://127.0.0.1:2' });
  const settings = parseSettings(environmentWith({ name }));
  const report = createReport({ settings, aws, logger, metrics, seen: createSeenJobs() }, 'alice', 1_000);
  return { report, lines: logger.lines, documents: metrics.documents };
}

/** Level and message of each line. */
const brief = (lines: LogLine[]) => lines.map(({ level, message }) => [level, message]);
/** The part of a line that we write. */
const ours = ({ timestamp, service, sampling_rate, ...line }: LogLine = {}) => line;
/** The metrics, without those of zero and how long a sweep took. */
const valuesIn = (documents: LogLine[]) =>
  documents.map(({ _aws, service, SweepDuration, ...values }) =>
    Object.fromEntries(Object.entries(values).filter(([, value]) => value !== 0)),
  );

const research = projectNamed('research');
const production = projectNamed('production');
const listingOf = (fields: Partial<Listing> = {}): Listing => ({
  project: projectNamed(),
  unfinished: [],
  inspected: 0,
  odd: [],
  hasFirstPage: true,
  ...fields,
});
/** The tally of one project, with its listing and what was decided. */
function tallyOf({ listing = listingOf(), decisions = [] }: { listing?: Listing; decisions?: Decision[] } = {}) {
  const tally = new Tally([listing.project]);
  for (const { job, judgement } of decisions) tally.addFound(job, judgement, {}, now);
  for (const decision of decisions) tally.addDecision(decision);
  tally.addListing({ ...listing, inspected: decisions.length });
  return tally;
}

describe('a decision is a line', () => {
  test('with what was decided and why, but without metadata, which may hold anything', () => {
    const { report, lines } = startReport();
    report.decided(decisionOn({ project: research }));
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
      ageMinutes: 100,
      timeBudgetMinutes: 90,
      limit: 'budget',
      countsFrom: '2026-11-25T10:20:00.000Z',
      model: 'gpt-4o-mini',
    });
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
    test(`of a sweep, ${outcome}: ${first}, at the next sweep ${next}`, () => {
      const { report, lines } = startReport();
      for (const _sweep of [1, 2]) report.decided(decisionOn({ outcome, reason: 'time_budget' }));
      assert.deepEqual(
        lines.map(({ level }) => level),
        [first, next],
      );
    });
  }

  test('of a request at its level every time, though sweeps have seen the job', () => {
    const { report, lines } = startReport();
    const outcome = 'not_cancellable';
    for (const reason of ['time_budget', 'requested', 'stop_all'] as const)
      report.decided(decisionOn({ outcome, reason }));
    assert.deepEqual(
      lines.map(({ level }) => level),
      ['WARN', 'WARN', 'WARN'],
    );
  });

  const warnings: [name: string, fields: Parameters<typeof jobNamed>[1], message: string][] = [
    [
      'a budget that cannot be read',
      { metadata: { time_budget_minutes: 'soon' } },
      "Job ftjob-1 has a budget in its metadata that cannot be read (time_budget_minutes: soon), so the project's holds. " +
        'Allowed in time_budget_minutes: 90, 1.5, 90m, 24h, 2d or none.',
    ],
    [
      'metadata of a wrong shape',
      { hasOddMetadata: true },
      'Job ftjob-1 has metadata that is not text or exceeds the limits of the API. It is ignored.',
    ],
  ];
  for (const [name, fields, message] of warnings) {
    test(`with a warning about ${name}, while that is news`, () => {
      const { report, lines } = startReport();
      const job = jobNamed('ftjob-1', fields);
      for (const _sweep of [1, 2]) report.decided(decisionOn({ job, outcome: 'within_budget', reason: 'time_budget' }));
      const others = lines.filter((line) => line['outcome'] === undefined);
      assert.deepEqual(brief(others), [['WARN', message]]);
    });
  }
});

describe('what a sweep finds again is news', () => {
  const [job, later] = [jobNamed('ftjob-1'), { row: { extendedUntil: now + 86_400 } }];
  const cases: [when: string, again: Parameters<typeof decisionOn>[0], level: string][] = [
    ['not if nothing has changed', {}, 'DEBUG'],
    ['in another status', { job: jobNamed('ftjob-1', { status: 'resuming' }) }, 'INFO'],
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

test('an event that is lost is an error in the log, and what was decided holds', async () => {
  const { report, lines } = startReport();
  assert.equal(await report.publishCancellation(decisionOn()), false);
  assert.match(
    String(lines[0]?.['message']),
    /^No event could be published for ftjob-1 \(.+\)\. What was decided holds\.$/,
  );
  assert.deepEqual(
    [lines[0]?.['level'], lines[0]?.['jobId'], lines[0]?.['requestedBy']],
    ['ERROR', 'ftjob-1', 'alice'],
  );
});

test('a problem with a job is a warning', () => {
  const { report, lines } = startReport();
  report.problem({ project: research, job: jobNamed('ftjob-1') }, new errors.StateError('The table is down.'), 2);
  const { error, ...line } = ours(lines[0]);
  const message = 'ftjob-1: The table is down. The same holds for 2 other jobs.';
  assert.deepEqual(line, { level: 'WARN', message, jobId: 'ftjob-1', project: 'research', requestedBy: 'alice' });
});

const failed = { outcome: 'failed', isCancelledNow: false } as const;
const stuckRow = { cancellingSince: now - 3_600 };

describe('a sweep ends', () => {
  test('in a line with its counts', () => {
    const { report, lines } = startReport();
    const decisions = [decisionOn(), decisionOn({ job: jobNamed('ftjob-2'), ...failed })];
    report.swept(tallyOf({ decisions }), false, 7);
    assert.deepEqual(lines.map(ours), [
      {
        level: 'INFO',
        message: 'Swept: 2 inspected, 2 in progress, 2 overdue, 1 cancelled, 0 held back, 1 failed.',
        requestedBy: 'alice',
        complete: true,
        dryRun: false,
        inspected: 2,
        inProgress: 2,
        overdue: 2,
        notCancellable: 0,
        cancelled: 1,
        alreadyFinished: 0,
        wouldCancel: 0,
        heldBack: 0,
        failed: 1,
      },
    ]);
  });

  test('in a line that names the statuses of jobs left alone, each once, and dry runs', () => {
    const { report, lines } = startReport();
    const tally = new Tally([research, production]);
    for (const [status, isKnownStatus] of [
      ['paused', true],
      ['frozen', false],
      ['paused', true],
    ] as const) {
      const { job, judgement } = decisionOn({ job: jobNamed('ftjob-1', { status, phase: 'other', isKnownStatus }) });
      tally.addFound(job, judgement, {}, now);
    }
    for (const project of [research, production]) tally.addListing(listingOf({ project }));
    report.swept(tally, true, 7);
    assert.match(String(lines[0]?.['message']), /^Swept \(dry run\): .*, 3 left alone \(paused, unknown: frozen\)\.$/);
    assert.equal(lines[0]?.['projects'], 2);
  });

  test('in a document of metrics, with units and the deployment as dimension', () => {
    const { report, documents } = startReport('my-curfew');
    report.swept(new Tally([]), false, 7);
    const { _aws, service, ...values } = documents[0] ?? {};
    const counts = Object.keys(values).slice(0, -2);
    assert.equal(service, 'my-curfew');
    assert.deepEqual((_aws as { CloudWatchMetrics: object }).CloudWatchMetrics, [
      {
        Namespace: 'FineTuningCurfew',
        Dimensions: [['service']],
        Metrics: [
          ...counts.map((Name) => ({ Name, Unit: 'Count' })),
          { Name: 'OldestJobInProgressAge', Unit: 'Seconds' },
          { Name: 'SweepDuration', Unit: 'Milliseconds' },
        ],
      },
    ]);
    const zeros = { Inspected: 0, InProgress: 0, Overdue: 0, Cancelled: 0, CancelFailures: 0, HeldBack: 0 };
    const more = { UnknownStatus: 0, StuckCancelling: 0, FailedProjects: 0, IncompleteSweeps: 0 };
    assert.deepEqual(values, { ...zeros, ...more, OldestJobInProgressAge: 0, SweepDuration: 7 });
  });

  test('in metrics of what it found and did', () => {
    const { report, documents } = startReport();
    const decisions = [
      decisionOn(),
      decisionOn({ outcome: 'cancelling', wasPublished: true }),
      decisionOn({ outcome: 'held_back', isCancelledNow: false }),
      decisionOn(failed),
    ];
    const tally = tallyOf({ decisions, listing: listingOf({ project: research }) });
    const frozen = decisionOn({ job: jobNamed('ftjob-2', { status: 'frozen', phase: 'other', isKnownStatus: false }) });
    tally.addFound(frozen.job, frozen.judgement, {}, now);
    tally.addFound(jobNamed('ftjob-3'), frozen.judgement, stuckRow, now);
    tally.addFailure(research, new errors.OpenAIError('No.'));
    report.swept(tally, false, 7);
    assert.deepEqual(valuesIn(documents), [
      {
        Inspected: 4,
        InProgress: 5,
        Overdue: 4,
        Cancelled: 1,
        CancelFailures: 1,
        HeldBack: 1,
        UnknownStatus: 1,
        StuckCancelling: 1,
        FailedProjects: 1,
        IncompleteSweeps: 1,
        OldestJobInProgressAge: 6_000,
      },
    ]);
  });

  const late = new errors.RateLimitError('OpenAI answered 429.');
  const isOdd = {
    odd: [
      { jobId: 'ftjob-9', unreadableFields: ['created_at'] },
      { jobId: undefined, unreadableFields: ['id'] },
    ],
  };
  const incomplete: [name: string, listing: Listing, intro: RegExp, level: string, lines: string[]][] = [
    [
      'cut short by time',
      listingOf({ project: research, cutShortBy: late }),
      /^Swept in part, because time ran out: /,
      'WARN',
      ['Project "research": Time ran out before all jobs were listed. OpenAI answered 429.'],
    ],
    [
      'whose project was not read at all',
      listingOf({ project: research, cutShortBy: late, hasFirstPage: false }),
      /^Swept in part, because time ran out and listing failed: /,
      'ERROR',
      ['Project "research": Time ran out before the first page of jobs came. OpenAI answered 429.'],
    ],
    [
      'whose listing failed',
      listingOf({ project: research, error: late }),
      /^Swept in part, because listing failed: /,
      'ERROR',
      ['Project "research": OpenAI answered 429.'],
    ],
    [
      'with odd jobs',
      listingOf(isOdd),
      /^Swept in part, because a job could not be judged: /,
      'WARN',
      [
        'Job ftjob-9 cannot be judged: unreadable created_at. It was left alone.',
        'A job without a readable id cannot be judged: unreadable id. It was left alone.',
      ],
    ],
  ];
  for (const [name, listing, intro, level, others] of incomplete) {
    test(`in a warning if it is one ${name}, and a line about that`, () => {
      const { report, lines, documents } = startReport();
      report.swept(tallyOf({ listing }), false, 7);
      const [line, ...more] = lines;
      assert.match(String(line?.['message']), intro);
      assert.deepEqual([line?.['level'], line?.['complete']], ['WARN', false]);
      assert.deepEqual(
        brief(more),
        others.map((message) => [level, message]),
      );
      assert.ok(lines.every(({ requestedBy }) => requestedBy === 'alice'));
      assert.equal(documents[0]?.['IncompleteSweeps'], 1);
    });
  }
});

describe('other requests end', () => {
  const odd = listingOf({ odd: [{ jobId: 'ftjob-9', unreadableFields: ['status'] }] });
  const stops: [name: string, tally: Tally, dryRun: boolean, level: string, message: string, metrics: object][] = [
    [
      'a stop-all',
      tallyOf({ decisions: [decisionOn()] }),
      false,
      'INFO',
      'Stop all: 1 inspected, 1 in progress, 1 cancelled, 0 failed.',
      { Cancelled: 1 },
    ],
    [
      'a stop-all that failed in part',
      tallyOf({ decisions: [decisionOn(failed)] }),
      false,
      'WARN',
      'Stop all: 1 inspected, 1 in progress, 0 cancelled, 1 failed.',
      { CancelFailures: 1 },
    ],
    [
      'a dry run of a stop-all that did not see everything',
      tallyOf({ listing: odd, decisions: [decisionOn({ outcome: 'would_cancel', isCancelledNow: false })] }),
      true,
      'WARN',
      'Stop all in part, because a job could not be judged (dry run): ' +
        '1 inspected, 1 in progress, 1 would be cancelled, 0 failed.',
      {},
    ],
  ];
  for (const [name, tally, dryRun, level, message, metrics] of stops) {
    test(`${name}: ${level}`, () => {
      const { report, lines, documents } = startReport();
      report.stopped(tally, dryRun);
      assert.deepEqual(brief(lines)[0], [level, message]);
      assert.equal(lines[0]?.['requestedBy'], 'alice');
      assert.deepEqual(valuesIn(documents), [metrics]);
    });
  }

  const stateError = new errors.StateError('The table is down.');
  const lists: [jobs: number, complete: boolean, error: typeof stateError | undefined, level: string, line: string][] =
    [
      [1, true, undefined, 'INFO', 'Listed 1 job.'],
      [2, true, undefined, 'INFO', 'Listed 2 jobs.'],
      [2, false, stateError, 'WARN', 'Listed 2 jobs, but the list is incomplete: The table is down.'],
    ];
  for (const [jobsOmitted, complete, error, level, message] of lists) {
    test(`a list: ${message}`, () => {
      const { report, lines, documents } = startReport();
      const answer = { complete, jobs: [], jobsOmitted };
      report.listed({ answer, tally: tallyOf(), unreadable: error });
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

  test('a cancel: its metrics count what was accepted, and unknown statuses', () => {
    const { report, documents } = startReport();
    report.cancelled(decisionOn());
    report.cancelled(decisionOn({ outcome: 'already_finished', isCancelledNow: false }));
    report.cancelled(decisionOn({ job: jobNamed('ftjob-1', { isKnownStatus: false }), isCancelledNow: false }));
    assert.deepEqual(valuesIn(documents), [{ Cancelled: 1 }, { UnknownStatus: 1 }]);
  });
});

describe('a failed request is an error in the log, and counts in Errors unless it is the fault of the caller', () => {
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
