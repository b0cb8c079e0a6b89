import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Match, type Template } from 'aws-cdk-lib/assertions';
import { synthesize, templateWith } from '../synthesize.ts';
import { resourcesOf } from '../template.ts';

const { template } = synthesize('defaults');

const ours = { Namespace: 'FineTuningCurfew', Dimensions: [{ Name: 'service', Value: 'fine-tuning-curfew' }] };
const sumOf = (metric: object) => ({
  ...metric,
  Statistic: 'Sum',
  Threshold: 1,
  ComparisonOperator: 'GreaterThanOrEqualToThreshold',
  EvaluationPeriods: 1,
  Period: 300,
  TreatMissingData: 'notBreaching',
});
const lasting = (metric: object) => ({ ...sumOf(metric), EvaluationPeriods: 3, DatapointsToAlarm: 1 });
const alarms: Record<string, object> = {
  Errors: lasting({ ...ours, MetricName: 'Errors' }),
  Crashes: lasting({
    Namespace: 'FineTuningCurfew',
    MetricName: 'fine-tuning-curfew-Crashes',
    Dimensions: Match.absent(),
  }),
  CancelFailures: lasting({ ...ours, MetricName: 'CancelFailures' }),
  IncompleteSweeps: lasting({ ...ours, MetricName: 'IncompleteSweeps' }),
  HeldBack: { ...lasting({ ...ours, MetricName: 'HeldBack' }), Statistic: 'Maximum' },
  UnknownStatus: lasting({ ...ours, MetricName: 'UnknownStatus' }),
  StuckCancelling: lasting({ ...ours, MetricName: 'StuckCancelling' }),
  FailedProjects: lasting({ ...ours, MetricName: 'FailedProjects' }),
  Throttles: sumOf({ Namespace: 'AWS/Lambda', MetricName: 'Throttles' }),
  DeadLetters: {
    ...sumOf({ Namespace: 'AWS/SQS', MetricName: 'ApproximateNumberOfMessagesVisible' }),
    Statistic: 'Maximum',
  },
  NoSweep: {
    ...ours,
    MetricName: 'SweepDuration',
    Statistic: 'SampleCount',
    Threshold: 1,
    ComparisonOperator: 'LessThanThreshold',
    EvaluationPeriods: 3,
    Period: 300,
    TreatMissingData: 'missing',
  },
};

/** The alarms of a deployment with the default name, keyed by what follows that name. */
const alarmsOf = (from: Template) =>
  new Map(
    Object.values(resourcesOf(from, 'AWS::CloudWatch::Alarm')).map((alarm) => [
      String(alarm['AlarmName']).replace('fine-tuning-curfew-', ''),
      alarm,
    ]),
  );

describe('an alarm', () => {
  for (const [name, properties] of Object.entries(alarms)) {
    test(`${name} says what to do, refers to no document, and fits into a description`, () => {
      template.hasResourceProperties('AWS::CloudWatch::Alarm', {
        AlarmName: `fine-tuning-curfew-${name}`,
        AlarmDescription: Match.stringLikeRegexp('^(?!.*(#|README|docs/|[.]md)).{80,1024}(?<=[.])$'),
        // Metric math, which not every AWS emulator supports.
        Metrics: Match.absent(),
        ...properties,
      });
    });
  }

  test('exists for each of these, and for nothing else', () => {
    template.resourceCountIs('AWS::CloudWatch::Alarm', Object.keys(alarms).length);
  });

  test('on held back jobs names the two ways out', () => {
    const description = alarmsOf(template).get('HeldBack')?.['AlarmDescription'];
    assert.match(String(description), /sweep with a higher cancelLimit.*extend them or raise/);
  });
});

// An alarm starts in INSUFFICIENT_DATA, and acts only if its state changes.
test('the alarm on missing sweeps is silent before the first one, and fires once sweeps stop', () => {
  const { template: withMail } = synthesize('mail');
  const [topic] = Object.keys(withMail.findResources('AWS::SNS::Topic'));
  withMail.hasResourceProperties('AWS::CloudWatch::Alarm', {
    AlarmName: 'fine-tuning-curfew-NoSweep',
    TreatMissingData: 'missing',
    InsufficientDataActions: [{ Ref: topic }],
  });
});

describe('a finding that sweeps repeat stays one alarm until it is gone', () => {
  // Requests come at any time, however rare the sweeps.
  const ofRequests = ['Errors', 'Crashes', 'Throttles', 'DeadLetters'];
  const byDefault = alarmsOf(template);
  for (const sweepEveryMinutes of [1, 5, 6, 59, 60, 1440]) {
    test(`with sweeps every ${sweepEveryMinutes} minutes, give or take a few`, () => {
      for (const [name, alarm] of alarmsOf(templateWith({ sweepEveryMinutes }))) {
        const seconds = Number(alarm['Period']);
        assert.deepEqual({ ...alarm, Period: 300 }, { ...byDefault.get(name), Period: 300 });
        if (ofRequests.includes(name)) assert.equal(seconds, 300, name);
        else assert.equal(seconds, Math.max(name === 'NoSweep' ? 60 : 300, sweepEveryMinutes * 60), name);
        // CloudWatch's limit: a day in periods below an hour, otherwise a week.
        assert.ok(seconds * Number(alarm['EvaluationPeriods']) <= (seconds < 3600 ? 86_400 : 604_800), name);
      }
    });
  }
});

describe('time-outs and crashes', () => {
  const [filter] = Object.values(resourcesOf(template, 'AWS::Logs::MetricFilter'));
  const [, counted = ''] = /^%(.+)%$/.exec(String(filter?.['FilterPattern'])) ?? [];
  const isCounted = (line: string) => new RegExp(counted).test(line);

  test('are counted in the log, under this deployment’s name, by an expression that filters allow', () => {
    assert.match(counted, /^[\w:\-^?[\]{}|*+.]+$/);
    assert.deepEqual(filter?.['MetricTransformations'], [
      { MetricNamespace: 'FineTuningCurfew', MetricName: 'fine-tuning-curfew-Crashes', MetricValue: '1' },
    ]);
    assert.deepEqual(filter?.['LogGroupName'], { Ref: Object.keys(template.findResources('AWS::Logs::LogGroup'))[0] });
  });

  const query = Object.values(resourcesOf(template, 'AWS::Logs::QueryDefinition')).find(({ Name }) =>
    String(Name).endsWith('/failures'),
  );
  const [, pattern = ''] = /@message like \/(.+)\//.exec(String(query?.['QueryString'])) ?? [];

  const lines: [line: string, isCrash: boolean][] = [
    ['2026-11-25T12:00:00.000Z 8c2e Task timed out after 900.00 seconds', true],
    ['RequestId: 8c2e Error: Runtime exited with error: signal: killed', true],
    ['RequestId: 8c2e Error: Runtime exited with error: exit status 1', true],
    ['INIT_REPORT Init Duration: 80 ms Phase: init Status: error Error Type: Runtime.ExitError', true],
    ['2026-11-25T12:00:00.000Z undefined ERROR Uncaught Exception {"errorType":"Runtime.ImportModuleError"}', true],
    [
      '2026-11-25T12:00:00.000Z 8c2e ERROR Unhandled Promise Rejection {"errorType":"Runtime.UnhandledPromiseRejection"}',
      true,
    ],
    [
      'ERROR Invoke Error {"errorType":"ApiKeyError","stack":["at Runtime.handleOnceNonStreaming (index.mjs:1173:29)"]}',
      false,
    ],
    [
      '2026-11-25T12:00:00.000Z\t8c2e\tERROR\tInvoke Error \t{"errorType":"InvalidRequestError","errorMessage":"2026 8c2e Task timed out after 9 s"}',
      false,
    ],
    [
      '{"level":"INFO","message":"It was cancelled","requestedBy":"2026 8c2e Task timed out after 900.00 seconds"}',
      false,
    ],
    ['{"level":"INFO","requestedBy":"RequestId: 8c2e Error: Runtime exited"}', false],
    ['{"level":"INFO","requestedBy":"0 8c2e ERROR Uncaught Exception Runtime.ExitError signal: killed"}', false],
    ['REPORT RequestId: 8c2e Duration: 120.00 ms Billed Duration: 121 ms', false],
    ['{"level":"INFO","message":"Fine-tuning job ftjob-1 was cancelled"}', false],
  ];
  for (const [line, isCrash] of lines) {
    test(`${isCrash ? 'are' : 'are not'} such a line: ${line.slice(0, 80)}`, () => {
      assert.equal(isCounted(line), isCrash);
      assert.equal(new RegExp(pattern).test(line), isCrash);
    });
  }
});
