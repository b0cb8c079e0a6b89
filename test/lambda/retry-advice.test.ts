import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { waitBeforeRetry } from '../../lambda/retry-advice.ts';
import { kyErrorFor, kyTimeoutError } from '../support/ky-errors.ts';

const now = Date.parse('2026-11-23T12:00:00Z');
const never = undefined;

describe('the wait after an answer', () => {
  const cases: [status: number, headers: Record<string, string>, waitMilliseconds: number | undefined][] = [
    [408, {}, 300],
    [429, {}, 300],
    [500, {}, 300],
    [503, {}, 300],
    [400, {}, never],
    [401, {}, never],
    [404, {}, never],
    [409, {}, never],
    [499, {}, never],
    [302, {}, never],
    [503, { 'x-should-retry': 'false' }, never],
    [409, { 'x-should-retry': 'true' }, 300],
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
    [429, { 'retry-after': '30.001' }, never],
    [400, { 'retry-after': '1' }, never],
  ];
  for (const [status, headers, waitMilliseconds] of cases) {
    test(`${status} ${JSON.stringify(headers)}: ${waitMilliseconds ?? 'no retry'}`, async (t) => {
      const error = await kyErrorFor(new Response(null, { status, headers }));
      t.mock.timers.enable({ apis: ['Date'], now });
      t.mock.method(Math, 'random', () => 0.5);
      assert.equal(waitBeforeRetry(error, 1), waitMilliseconds);
    });
  }
});

describe('the wait after something else', () => {
  const cases: [name: string, error: () => unknown, waitMilliseconds: number | undefined][] = [
    ['a failed connection', () => kyErrorFor(new TypeError('fetch failed')), 300],
    ['a body that breaks off', () => new TypeError('terminated'), 300],
    ['a time-out', kyTimeoutError, 300],
    ['an answer that is no JSON', () => new SyntaxError('Unexpected token'), never],
    ['nothing in particular', () => undefined, never],
  ];
  for (const [name, error, waitMilliseconds] of cases) {
    test(`${name}: ${waitMilliseconds ?? 'no retry'}`, async (t) => {
      t.mock.method(Math, 'random', () => 0.5);
      assert.equal(waitBeforeRetry(await error(), 1), waitMilliseconds);
    });
  }
});

describe('where nobody says how long, the wait doubles, and is spread by a quarter', () => {
  const cases: [failures: number, random: number, waitMilliseconds: number][] = [
    [1, 0, 225],
    [1, 1, 375],
    [2, 0.5, 600],
    [3, 0.5, 1_200],
  ];
  for (const [failures, random, waitMilliseconds] of cases) {
    test(`failure ${failures}: ${waitMilliseconds} ms`, (t) => {
      t.mock.method(Math, 'random', () => random);
      assert.equal(waitBeforeRetry(new TypeError('fetch failed'), failures), waitMilliseconds);
    });
  }
});
