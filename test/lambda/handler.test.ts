import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startAwsStub } from '../../infra/local/aws/stub/server.ts';
import { simulatedJob } from '../../infra/local/providers/simulated-job.ts';
import { startFineTuningSimulator } from '../../infra/local/providers/simulator.ts';
import { defaultSettings, environmentFor } from '../../lambda/settings.ts';
import { apiKey, startCurfew } from '../support/curfew.ts';
import { busEvent } from '../support/envelopes.ts';
import { lambdaContext } from '../support/lambda-context.ts';
import { noAnswer } from '../support/wire-faults.ts';

test('the entry point takes all that it needs from the environment', async (t) => {
  await using openai = await startFineTuningSimulator({
    jobs: [simulatedJob({ id: 'ftjob-1', status: 'running', ageMinutes: 400 })],
    apiKeys: [apiKey],
  });
  await using aws = await startAwsStub({ secret: { SecretString: apiKey } });
  const written: Record<string, unknown>[] = [];
  for (const method of ['info', 'log'] as const) {
    t.mock.method(console, method, (line: string) => written.push(JSON.parse(line)));
  }
  const before = { ...process.env };
  t.after(() => {
    process.env = before;
  });
  const settings = { ...defaultSettings, name: 'my-curfew', openaiBaseUrl: openai.baseUrl };
  Object.assign(process.env, environmentFor(settings), {
    TABLE_NAME: 'table',
    AWS_ENDPOINT_URL: aws.url,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    // Powertools writes to the console that others can see, too.
    POWERTOOLS_DEV: 'true',
    POWERTOOLS_METRICS_DISABLED: 'false',
  });
  const { handler } = await import('../../lambda/handler.ts');

  const answer = await handler({ sweep: {} }, lambdaContext(60_000));

  assert.equal((answer as { cancelled: number }).cancelled, 1);
  const [line, , metrics] = written;
  assert.deepEqual([line?.['service'], line?.['jobId']], ['my-curfew', 'ftjob-1']);
  assert.equal(metrics?.['service'], 'my-curfew');
  assert.match(JSON.stringify(metrics['_aws']), /"Namespace":"FineTuningCurfew"/);
  assert.equal(aws.events[0]?.detail['curfew'], 'my-curfew');
  assert.equal(aws.table.reads, 1);
});

test('an environment that the stack did not write is an error at the start', async () => {
  await assert.rejects(startCurfew({ environment: { TIME_BUDGET_MINUTES: 'soon' } }), {
    name: 'ValiError',
    message: 'a whole number of minutes, 0 or more',
  });
});

describe('who waits for one job or a list gets an answer within 50 seconds, who waits for more has all the time', () => {
  const extend = { jobId: 'ftjob-1', minutes: 5 };
  const cases: [event: object, seconds: number][] = [
    [{ jobId: 'ftjob-1' }, 50],
    [{ list: {} }, 50],
    [{ extend }, 50],
    [{ sweep: {} }, 900],
    [{ stopAll: {} }, 900],
    [busEvent({ jobId: 'ftjob-1' }), 900],
  ];
  for (const [event, seconds] of cases) {
    test(`${JSON.stringify(event).slice(0, 50)}: ${seconds} seconds`, async (t) => {
      const timeouts: number[] = [];
      const timeout = AbortSignal.timeout;
      t.mock.method(AbortSignal, 'timeout', (milliseconds: number) => {
        timeouts.push(milliseconds);
        return timeout.call(AbortSignal, milliseconds);
      });
      await using curfew = await startCurfew({
        jobs: [simulatedJob({ id: 'ftjob-1', status: 'running', ageMinutes: 5 })],
      });
      await curfew.invoke(event);
      // The last moment at which anything may still be published.
      const last = Math.max(...timeouts) / 1_000;
      assert.ok(last < seconds && last > seconds - 2, `${last} seconds`);
    });
  }

  for (const event of [{ jobId: 'ftjob-1' }, { list: {} }]) {
    test(`${JSON.stringify(event)}: less, if Lambda gives less`, async () => {
      await using curfew = await startCurfew();
      curfew.openai.faultFor = () => noAnswer;
      const startedAt = performance.now();
      await curfew.invoke(event, 2_000).catch(() => {});
      assert.ok(performance.now() - startedAt < 2_000);
    });
  }
});

describe('what is no object is InvalidRequestError', () => {
  for (const event of [null, 'ftjob-1', 7, true, [{ jobId: 'ftjob-1' }]]) {
    test(JSON.stringify(event), async () => {
      await using curfew = await startCurfew();
      await assert.rejects(curfew.invoke(event), {
        name: 'InvalidRequestError',
        message: /^The request is not a JSON object: send one of /,
      });
    });
  }
});

test('an invocation that its own limits do not end is ended before Lambda does, logged and counted', async () => {
  await using curfew = await startCurfew({ projects: { research: {} } });
  // The time that reading the projects may take is bounded, but not by the time that is left.
  curfew.aws.parameterStore = 'silent';
  const startedAt = performance.now();
  await assert.rejects(curfew.list({}, { remainingMilliseconds: 2_000 }), {
    name: 'OpenAIError',
    message: 'Time ran out before the answer was ready. Try again.',
  });
  assert.ok(performance.now() - startedAt < 2_000);
  assert.deepEqual(
    curfew.logLines.map(({ level, message, requestedBy }) => [level, message, requestedBy]),
    [['ERROR', 'Time ran out before the answer was ready. Try again.', 'unknown']],
  );
  assert.deepEqual(
    curfew.metricDocuments.map(({ Errors }) => Errors),
    [1],
  );
});
