import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseRequest, requestedByIn, selectionOf } from '../../lambda/request.ts';

const jobIdRule = /must be a letter or digit, then up to 127 letters, digits or any of "-_.:"/;
const requestedByRule = /must be 1 to 100 characters, not all blank, without control characters/;
const minutesRule = /must be a whole number of minutes, 1 to 43200/;
const limitRule = /must be a whole number, 1 or more, or "none"/;
const extend = { jobId: 'ftjob-1', minutes: 5 };
const arn = 'arn:aws:bedrock:us-east-1:111122223333:model-customization-job/amazon.nova-lite-v1:0/abcdefghij12';

/** The request as parsed. dryRun defaults to false, except in a sweep, where the setting applies. */
const parsed = (request: object) => {
  if ('jobId' in request) return { dryRun: false, ...request };
  if (!('stopAll' in request)) return request;
  return { ...request, stopAll: { dryRun: false, ...Object(request.stopAll) } };
};

describe('a request has one of five forms', () => {
  const requests = [
    { jobId: 'ftjob-1' },
    { jobId: 'ftjob-1', dryRun: true, project: 'research', requestedBy: 'alice, INC-1234' },
    { sweep: {} },
    {
      sweep: { timeBudgetMinutes: 0.5, dryRun: false, lookbackDays: 0, cancelLimit: 3, project: 'research' },
      requestedBy: 'alice',
    },
    { sweep: { timeBudgetMinutes: 0, cancelLimit: 'none' } },
    { stopAll: {} },
    { stopAll: { dryRun: true, project: 'research' }, requestedBy: 'alice' },
    { list: {} },
    { extend },
  ];
  for (const request of requests) {
    test(JSON.stringify(request), () => assert.deepEqual(parseRequest(request), parsed(request)));
  }
});

describe('a field may be', () => {
  const requests: Record<string, object> = {
    'a job id of one character': { jobId: '7' },
    'a job id of 128 characters': { jobId: 'j'.repeat(128) },
    'a job id with every allowed character': { jobId: 'aZ0-_.:' },
    'the ARN of a Bedrock customization job': { jobId: arn },
    'an ARN of another partition': { jobId: arn.replace('arn:aws:', 'arn:aws-us-gov:') },
    'an extension of one minute': { extend: { ...extend, minutes: 1 } },
    'an extension of thirty days': { extend: { ...extend, minutes: 43_200 } },
    'a limit of one': { sweep: { cancelLimit: 1 } },
    'a requester of one character': { jobId: 'ftjob-1', requestedBy: 'a' },
    'a requester of 100 characters': { jobId: 'ftjob-1', requestedBy: '😀'.repeat(100) },
    'a requester with spaces around it': { jobId: 'ftjob-1', requestedBy: ' alice ' },
  };
  for (const [name, request] of Object.entries(requests)) {
    test(name, () => assert.deepEqual(parseRequest(request), parsed(request)));
  }
});

describe('an invalid request is refused, with the invalid field named', () => {
  const noArns = [
    arn.replace('111122223333', '1111'),
    arn.replace('abcdefghij12', 'abc'),
    `${arn}3`,
    `x${arn}`,
    arn.replace('model-customization-job', 'custom-model'),
    arn.replace('us-east-1', 'us east'),
    arn.replace('amazon.nova', '../amazon'),
  ];
  const cases: [event: unknown, message: RegExp][] = [
    [null, /not a JSON object/],
    ['ftjob-1', /not a JSON object/],
    [[], /not a JSON object/],
    [{}, /none of the keys that say what to do/],
    [{ requestedBy: 'alice' }, /none of the keys/],
    [Object.create({ jobId: 'ftjob-1' }), /none of the keys/],
    [{ jobId: 'ftjob-1', sweep: {} }, /both "jobId" and "sweep"/],
    [{ stopAll: {}, list: {} }, /both "stopAll" and "list"/],

    [{ jobId: null }, /"jobId" must be a string/],
    [{ jobId: '' }, jobIdRule],
    [{ jobId: 'ftjob-1/pause' }, jobIdRule],
    [{ jobId: 'ftjob-1\n' }, jobIdRule],
    [{ jobId: 'ftjob-é' }, jobIdRule],
    [{ jobId: '..' }, jobIdRule],
    [{ jobId: '-1' }, jobIdRule],
    [{ jobId: 'j'.repeat(129) }, jobIdRule],
    ...noArns.map((jobId): [object, RegExp] => [{ jobId }, jobIdRule]),
    [{ jobId: 'ftjob-1', dryRun: 'yes' }, /"dryRun" must be true or false/],
    [{ jobId: 'ftjob-1', dryRun: null }, /"dryRun" must be true or false/],
    [{ jobId: 'ftjob-1', force: true }, /"force" is not a known field/],
    [{ jobId: 'ftjob-1', constructor: 1 }, /"constructor" is not a known field/],
    [{ jobId: 'ftjob-1', project: null }, /"project" must be the name of a project/],
    [{ jobId: 'ftjob-1', project: ['research'] }, /"project" must be the name of a project/],

    [{ jobId: 'ftjob-1', requestedBy: null }, /"requestedBy" must be a string/],
    [{ jobId: 'ftjob-1', requestedBy: { name: 'alice' } }, /"requestedBy" must be a string/],
    [{ jobId: 'ftjob-1', requestedBy: '' }, requestedByRule],
    [{ sweep: {}, requestedBy: ' \u00a0 ' }, requestedByRule],
    [{ stopAll: {}, requestedBy: 'alice\n' }, requestedByRule],
    [{ list: {}, requestedBy: 'a\u0007' }, requestedByRule],
    [{ list: {}, requestedBy: 'a\u0085' }, requestedByRule],
    [{ extend, requestedBy: 'a'.repeat(101) }, requestedByRule],
    [{ sweep: { requestedBy: 'alice' } }, /"sweep.requestedBy" is not a known field/],

    [{ sweep: {}, dryRun: true }, /"dryRun" is not a known field/],
    [{ sweep: {}, ['x'.repeat(300_000)]: true }, /^The request is not valid: "x{50}" is not a known field\.$/],
    [{ sweep: { budget: 5 } }, /"sweep.budget" is not a known field/],
    [{ sweep: { timeBudgetMinutes: -1 } }, /"sweep.timeBudgetMinutes" must be 0 or more/],
    [{ sweep: { timeBudgetMinutes: '60' } }, /"sweep.timeBudgetMinutes" must be a number/],
    [{ sweep: { timeBudgetMinutes: null } }, /"sweep.timeBudgetMinutes" must be a number/],
    [{ sweep: { lookbackDays: Number.NaN } }, /"sweep.lookbackDays" must be a number/],
    [{ sweep: { lookbackDays: Number.POSITIVE_INFINITY } }, /"sweep.lookbackDays" must be a finite number/],
    [{ sweep: { dryRun: 1 } }, /"sweep.dryRun" must be true or false/],
    [{ sweep: { dryRun: null } }, /"sweep.dryRun" must be true or false/],
    [{ sweep: { cancelLimit: 0 } }, limitRule],
    [{ sweep: { cancelLimit: '20' } }, limitRule],
    [{ sweep: { cancelLimit: null } }, limitRule],

    [{ stopAll: { timeBudgetMinutes: 0 } }, /"stopAll.timeBudgetMinutes" is not a known field/],
    [{ list: { lookbackDays: 1 } }, /"list.lookbackDays" is not a known field/],

    [{ extend: {} }, /"extend.jobId" is missing; "extend.minutes" is missing/],
    [{ extend: { jobId: 'ftjob-1' } }, /"extend.minutes" is missing/],
    [{ extend: { ...extend, jobId: '..' } }, jobIdRule],
    [{ extend: { ...extend, minutes: 0 } }, minutesRule],
    [{ extend: { ...extend, minutes: 1.5 } }, minutesRule],
    [{ extend: { ...extend, minutes: 43_201 } }, minutesRule],
    [{ extend: { ...extend, minutes: '60' } }, minutesRule],
    [{ extend: { ...extend, dryRun: true } }, /"extend.dryRun" is not a known field/],
    [{ extend, minutes: 5 }, /"minutes" is not a known field/],
  ];
  for (const [event, message] of cases) {
    test(`${JSON.stringify(event)?.slice(0, 70)}: ${message.source}`, () => {
      assert.throws(() => parseRequest(event), { name: 'InvalidRequestError', message });
    });
  }
});

describe('the error', () => {
  test('names every invalid field once', () => {
    assert.throws(() => parseRequest({ jobId: 7, force: true, requestedBy: '' }), {
      message:
        'The request is not valid: "jobId" must be a string; ' +
        '"requestedBy" must be 1 to 100 characters, not all blank, without control characters; ' +
        '"force" is not a known field.',
    });
    assert.throws(() => parseRequest({ extend: { jobId: 'ftjob-1', minutes: 0.5 } }), {
      message: 'The request is not valid: "extend.minutes" must be a whole number of minutes, 1 to 43200.',
    });
  });

  const examples: Record<string, string> = {
    sweep: '{} or {"dryRun": true}',
    stopAll: '{} or {"dryRun": true}',
    list: '{}',
    extend: '{"jobId": "ftjob-…", "minutes": 120}',
  };
  for (const [key, example] of Object.entries(examples)) {
    test(`shows what "${key}" looks like`, () => {
      for (const value of [null, 'now', 7, true, []]) {
        assert.throws(() => parseRequest({ [key]: value }), {
          message: `The request is not valid: "${key}" must be an object, such as ${example}.`,
        });
      }
    });
  }

  test('names the first three keys if all are unknown, and shows every form', () => {
    assert.throws(() => parseRequest({ ['j'.repeat(51)]: 1, stop: 1, dryRun: true, force: true }), {
      message:
        'The request has none of the keys that say what to do: send one of {"jobId": "ftjob-…"}, {"sweep": {}}, ' +
        '{"stopAll": {}}, {"list": {}}, {"extend": {"jobId": "ftjob-…", "minutes": 120}}. ' +
        `It has "${'j'.repeat(50)}", "stop", "dryRun".`,
    });
  });

  test('quotes no value', () => {
    assert.throws(
      () => parseRequest({ jobId: 'my secret!', dryRun: 'my secret!', requestedBy: 'my secret!\n' }),
      ({ message }: Error) => !message.includes('my secret'),
    );
  });
});

test('every form may name a project', () => {
  const project = 'research';
  for (const request of [
    { jobId: 'ftjob-1', project },
    { sweep: { project } },
    { stopAll: { project } },
    { list: { project } },
    { extend: { ...extend, project } },
  ]) {
    assert.equal(selectionOf(parseRequest(request)).project, project, JSON.stringify(request));
  }
  assert.equal(selectionOf(parseRequest({ sweep: {} })).project, undefined);
});

test('who asked is known even if the rest of the request is invalid', () => {
  assert.equal(requestedByIn({ jobId: 7, requestedBy: 'alice' }), 'alice');
  for (const given of [{ jobId: 7, requestedBy: ' ' }, { jobId: 'ftjob-1' }, 'alice', null]) {
    assert.equal(requestedByIn(given), undefined);
  }
});
