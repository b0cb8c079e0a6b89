import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ErrorAnswer, UnreadableAnswer } from '../../../lambda/openai/answer.ts';
import { AttemptTooLong, backoffMilliseconds, waitBeforeRetry } from '../../../lambda/openai/backoff.ts';

const now = Date.parse('2026-11-23T12:00:00Z');
const never = undefined;
const connectionError = Object.assign(new Error('no'), { code: 'ECONNREFUSED' });

describe('the wait after an answer', () => {
  const cases: [status: number, headers: Record<string, string>, waitMilliseconds: number | undefined][] = [
    [408, {}, 300],
    [429, {}, 300],
    [500, {}, 300],
    [503, {}, 300],
    [400, {}, never],
    [401, {}, never],
    [404, {}, never],
    [409, {}, 300],
    [499, {}, never],
    [302, {}, never],
    [503, { 'x-should-retry': 'false' }, never],
    [409, { 'x-should-retry': 'false' }, never],
    [400, { 'x-should-retry': 'true' }, 300],
    [503, { 'x-should-retry': 'perhaps' }, 300],
    [400, { 'x-should-retry': 'perhaps' }, never],
    [429, { 'retry-after-ms': '800' }, 800],
    [429, { 'retry-after-ms': '0' }, 0],
    [429, { 'retry-after-ms': '0.5', 'retry-after': '2' }, 0.5],
    [429, { 'retry-after-ms': '-1', 'retry-after': '2' }, 2_000],
    [429, { 'retry-after-ms': 'soon' }, 300],
    [429, { 'retry-after': '0' }, 0],
    [429, { 'retry-after': '1.5' }, 1_500],
    [429, { 'retry-after': 'soon' }, 300],
    [429, { 'retry-after': 'Mon, 23 Nov 2026 12:00:02 GMT' }, 2_000],
    [429, { 'retry-after': 'Mon, 23 Nov 2026 11:00:00 GMT' }, 0],
    [429, { 'retry-after': '30' }, 30_000],
    [429, { 'retry-after': '3600' }, 3_600_000],
    [429, { 'retry-after': '' }, 300],
    [429, { 'retry-after': 'Monday, 23-Nov-26 12:00:02 GMT' }, 2_000],
    [503, { 'retry-after': '2' }, 2_000],
    [503, { 'retry-after-ms': '800' }, 800],
    [400, { 'retry-after': '1' }, never],
  ];
  for (const [status, headers, waitMilliseconds] of cases) {
    test(`${status} ${JSON.stringify(headers)}: ${waitMilliseconds ?? 'no retry'}`, (t) => {
      const refusal = new ErrorAnswer({ status, headers }, undefined);
      t.mock.timers.enable({ apis: ['Date'], now });
      t.mock.method(Math, 'random', () => 0.5);
      assert.equal(waitBeforeRetry(refusal, 1), waitMilliseconds);
    });
  }
});

describe('the wait after something else', () => {
  const cases: [name: string, error: () => unknown, waitMilliseconds: number | undefined][] = [
    ['a failed connection', () => connectionError, 300],
    ['an attempt that takes too long', () => new AttemptTooLong(), 300],
    ['an error in the code', () => new TypeError('no'), never],
    ['an answer that is no JSON', () => new UnreadableAnswer('is not JSON'), never],
    ['nothing in particular', () => undefined, never],
  ];
  for (const [name, error, waitMilliseconds] of cases) {
    test(`${name}: ${waitMilliseconds ?? 'no retry'}`, async (t) => {
      t.mock.method(Math, 'random', () => 0.5);
      assert.equal(waitBeforeRetry(await error(), 1), waitMilliseconds);
    });
  }
});

for (const headers of [{}, { 'x-should-retry': 'true' }]) {
  test(`a 429 for a spent quota is not tried again (${JSON.stringify(headers)})`, () => {
    const body = { error: { code: 'insufficient_quota' } };
    const refusal = new ErrorAnswer({ status: 429, headers }, body);
    assert.equal(waitBeforeRetry(refusal, 1), never);
  });
}

describe('if nobody says how long, the wait doubles up to half a minute, and is spread by a quarter', () => {
  const cases: [failures: number, random: number, waitMilliseconds: number][] = [
    [1, 0, 225],
    [1, 1, 375],
    [2, 0.5, 600],
    [3, 0.5, 1_200],
    [7, 0.5, 19_200],
    [8, 0.5, 30_000],
    [50, 1, 30_000],
    [0, 0.5, 300],
  ];
  for (const [failures, random, waitMilliseconds] of cases) {
    test(`failure ${failures}: ${waitMilliseconds} ms`, (t) => {
      t.mock.method(Math, 'random', () => random);
      assert.equal(backoffMilliseconds(failures), waitMilliseconds);
      assert.equal(waitBeforeRetry(connectionError, failures), waitMilliseconds);
    });
  }
});
