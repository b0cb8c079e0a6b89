import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { askedWaitMs, type HttpAnswer, readRefusal } from '../../../lambda/openai/failure.ts';
import { quotaCodes } from '../../support/wire-faults.ts';

type Refusal = [status: number, error?: object, headers?: Record<string, string>];
const answer = ([status, error = {}, headers = {}]: Refusal): HttpAnswer => ({
  status,
  headers: new Headers(headers),
  body: JSON.stringify({ error }),
});

describe('a refusal about money, quota or the account is not worth a retry', () => {
  const listed = [...quotaCodes, 'billing_not_active'].flatMap((code): Refusal[] => [
    [400, { code }],
    [403, { code: null, type: code }],
    [429, { code: 'rate_limit_exceeded', type: code }, { 'retry-after': '20', 'x-should-retry': 'true' }],
  ]);
  const cases: Refusal[] = [
    ...listed,
    [402],
    [402, { code: 'rate_limit_exceeded' }, { 'retry-after': '1' }],
    [429, { code: 'QuotaExceeded' }],
    [400, { code: 'payment_required' }],
    [403, { code: 'account_suspended' }],
    [429, { code: 'unpaid_invoice' }],
    [429, { type: 'no_funds_left' }],
    [403, { code: 'subscription_inactive' }],
    [400, { code: 'user_deactivated' }],
    [429, { code: 'low_balance' }],
  ];
  for (const refusal of cases) {
    test(JSON.stringify(refusal), () => {
      const { isAboutQuota, isThrottled, isTemporary } = readRefusal(answer(refusal));
      assert.deepEqual([isAboutQuota, isThrottled, isTemporary], [true, false, false]);
    });
  }
});

describe('a refusal about anything else is told apart', () => {
  const cases: Refusal[] = [
    [429],
    [429, { code: 'rate_limit_exceeded', type: 'requests' }],
    [429, { code: 'quota_exceeded', type: 'tokens' }],
    [429, { code: 'account_rate_limit' }],
    [429, { code: 'ThrottlingException', type: 'account_limit' }],
    [429, { code: 'model_overloaded', type: 'quota' }],
    [429, { code: 'quota_exceeded' }, { 'retry-after': '20' }],
    [429, { code: 'quota_exceeded' }, { 'retry-after-ms': '20' }],
    [429, { message: 'You exceeded your current quota, please check your plan and billing details.' }],
    [400, { code: 'invalid_request' }],
    [403, { code: 'permission_denied' }],
    [401, { code: 'insufficient_quota' }],
    [404, { code: 'billing_not_active' }],
    [500, { code: 'insufficient_quota' }],
  ];
  for (const refusal of cases) {
    test(JSON.stringify(refusal), () => {
      const { isAboutQuota, isThrottled } = readRefusal(answer(refusal));
      assert.deepEqual([isAboutQuota, isThrottled], [false, refusal[0] === 429]);
    });
  }
});

test('408, 409, 429 and 5xx are worth a retry, unless the provider says otherwise', () => {
  for (const status of [408, 409, 429, 500, 502, 503, 504, 529, 301, 400, 401, 404, 422, 499]) {
    const byDefault = [408, 409, 429].includes(status) || status >= 500;
    for (const [told, expected] of Object.entries({ true: true, false: false, yes: byDefault, '': byDefault })) {
      const { isTemporary } = readRefusal(answer([status, {}, { 'x-should-retry': told }]));
      assert.equal(isTemporary, expected, `${status} ${told}`);
    }
  }
});

test('only a code and a type that look like codes are read from the body', () => {
  const bodies: [body: string, codes: string[]][] = [
    ['{"error": {"code": "a_b", "type": "c.d-e"}}', ['a_b', 'c.d-e']],
    ['{"error": {"code": null, "type": "requests"}}', ['requests']],
    ['{"error": {"code": "sk key", "type": 7}}', []],
    ['{"error": {}}', []],
    [`{"error": {"code": "${'a'.repeat(65)}"}}`, []],
    ...['{"error": "sk-key"}', '{"code": "a_b"}', '["a_b"]', 'null', '<html>', ''].map((body): [string, string[]] => [
      body,
      [],
    ]),
  ];
  for (const [body, codes] of bodies) assert.deepEqual(readRefusal({ ...answer([400]), body }).codes, codes, body);
});

describe('the requested wait, in milliseconds', () => {
  const noon = 'Mon, 23 Nov 2026 12:00:00 GMT';
  const cases: [headers: Record<string, string>, waitMs: number | undefined][] = [
    [{}, undefined],
    [{ 'retry-after-ms': '12.5' }, 12.5],
    [{ 'retry-after-ms': '0', 'retry-after': '7' }, 0],
    [{ 'retry-after-ms': 'soon', 'retry-after': '7' }, 7_000],
    [{ 'retry-after-ms': '-1', 'retry-after': '7' }, 7_000],
    [{ 'retry-after': '1.5' }, 1_500],
    [{ 'retry-after': 'soon' }, undefined],
    [{ 'retry-after': '' }, undefined],
    // The provider's clock differs from ours: only the difference between its two dates counts.
    [{ 'retry-after': noon, date: 'Mon, 23 Nov 2026 11:59:50 GMT' }, 10_000],
    [{ 'retry-after': 'Monday, 23-Nov-26 13:00:02 GMT', date: 'Mon, 23 Nov 2026 13:00:00 GMT' }, 2_000],
    [{ 'retry-after': noon, date: 'Mon, 23 Nov 2026 12:00:10 GMT' }, 0],
    // Without a `Date` header, our clock has to do.
    [{ 'retry-after': noon }, 60_000],
    [{ 'retry-after': noon, date: 'today' }, 60_000],
  ];
  for (const [headers, waitMs] of cases) {
    test(`${JSON.stringify(headers)}: ${waitMs}`, (t) => {
      t.mock.timers.enable({ apis: ['Date'], now: Date.parse('2026-11-23T11:59:00Z') });
      assert.equal(askedWaitMs(new Headers(headers)), waitMs);
    });
  }
});
