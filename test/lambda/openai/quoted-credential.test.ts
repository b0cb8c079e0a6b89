import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { describe, test } from 'node:test';
import { readAnswer } from '../../../lambda/openai/answer.ts';

const credential = 'ab+cd/ef-0123456789';
const read = (text: string, sentWith = credential) =>
  readAnswer({ status: 200, headers: {}, body: Readable.from([Buffer.from(text)]) }, 1_000, sentWith);

describe('an answer that quotes the credential is read without it', () => {
  const answers: [name: string, text: string, expected: object][] = [
    ['in a text', `{"model": "ft:${credential}:x"}`, { model: 'ft:(credential):x' }],
    ['twice in a text', `{"model": "${credential}${credential}"}`, { model: '(credential)(credential)' }],
    ['behind escapes', '{"status": "ab\\u002Bcd\\/ef-0123456789"}', { status: '(credential)' }],
    [
      'in metadata, as a value and as a name',
      `{"metadata": {"note": "${credential}", "${credential}": "x", "other": "y"}}`,
      { metadata: { note: '(credential)', '(credential)': 'x', other: 'y' } },
    ],
    [
      'in a list',
      `{"data": [{"status": "${credential}"}, 7, null]}`,
      { data: [{ status: '(credential)' }, 7, null] },
    ],
  ];
  for (const [name, text, expected] of answers) {
    test(name, async () => assert.deepEqual(await read(text), expected));
  }

  test('in a header of an error', async () => {
    const headers = { 'x-request-id': `req_${credential}`, 'retry-after': '1' };
    const body = Readable.from([Buffer.from('{}')]);
    await assert.rejects(readAnswer({ status: 500, headers, body }, 1_000, credential), {
      name: 'ErrorAnswer',
      headers: { 'x-request-id': 'req_(credential)', 'retry-after': '1' },
    });
  });

  for (const dummy of ['none', '1', 'running', 'fifteen-letters']) {
    test(`but "${dummy}" is no secret, and stays where it stands`, async () => {
      const answer = { id: `ftjob-${dummy}-1`, status: dummy, metadata: { time_budget_minutes: dummy } };
      assert.deepEqual(await read(JSON.stringify(answer), dummy), answer);
    });
  }
});
