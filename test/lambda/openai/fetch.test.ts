import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { listenOnLoopback } from '../../../infra/local/providers/loopback-server.ts';
import { simulatedJob } from '../../../infra/local/providers/simulated-job.ts';
import type { Fault } from '../../../infra/local/providers/simulator.ts';
import { apiKey } from '../../support/curfew.ts';
import * as support from '../../support/openai-client.ts';
import { startVirtualTime } from '../../support/virtual-time.ts';
import * as faults from '../../support/wire-faults.ts';

const { createClient, rotatingKey } = support;
const { answers, drips, noAnswer, says } = faults;

const stopTime = startVirtualTime();
const openai = await support.startProvider();

const jobId = 'ftjob-abc123';
const runningJob = simulatedJob({ id: jobId, status: 'running' });
const megabyte = 1024 * 1024;

/** Makes one call to an endpoint whose next calls have these faults. */
async function call(endpoint: support.Endpoint, given: Fault[], options?: support.ClientOptions) {
  openai.reset({ ...runningJob });
  openai.fail(endpoint, given);
  const { retrieve, pages, cancel } = createClient(openai, options);
  if (endpoint !== 'cancel') return endpoint === 'retrieve' ? retrieve(jobId) : pages();
  const reply = await cancel(jobId);
  if (reply.kind === 'failed') throw reply.error;
  return reply;
}
const keysSent = () => openai.calls.map(({ headers }) => headers.authorization?.replace('Bearer ', ''));

test('a request names its caller and project, and a cancel declares an empty body', async () => {
  const headers = {
    authorization: `Bearer ${apiKey}`,
    'user-agent': 'fine-tuning-curfew',
    accept: 'application/json',
    'openai-project': 'proj_abc123',
  };
  await call('cancel', [], { openaiProject: 'proj_abc123' });
  assert.partialDeepStrictEqual(openai.calls[0]?.headers, { ...headers, 'content-length': '0' });
  await call('list', []);
  assert.equal(openai.calls[0]?.headers['openai-project'], undefined);
});

describe('a call ends at once when time is up or its caller aborts it', () => {
  const never = new Promise<never>(() => {});
  const cases: Record<string, [Fault, support.ClientOptions?]> = {
    'without an answer': [noAnswer],
    'in the middle of an endless body': [drips()],
    'with a credential that never comes': [noAnswer, { credential: { authorize: () => never, refresh: () => never } }],
    'waiting for its turn': [noAnswer, { maxConcurrency: 1 }],
  };
  for (const [name, [fault, options]] of Object.entries(cases)) {
    test(name, async () => {
      openai.reset(runningJob);
      openai.fail('retrieve', [fault], 'forever');
      const search = new AbortController();
      const { retrieve, endTime } = createClient(openai, options);
      const looks = [retrieve(jobId), retrieve(jobId, search.signal)].map((look) => look.catch(String));
      for (const [index, end] of [() => search.abort(), endTime].entries()) {
        await sleep(50);
        const endedAt = performance.now();
        end();
        assert.match(`${await looks[1 - index]}`, /^OpenAIError: .*time ran out before the provider answered/);
        assert.ok(performance.now() - endedAt < 100);
      }
    });
  }
});

describe('an attempt ends after 10 seconds, body included, or a quarter of the time left', () => {
  const dripsLate: Fault = (answer, response) => {
    setTimeout(() => drips()(answer, response), 1_500);
    return undefined;
  };
  for (const [name, fault] of Object.entries({ 'no answer': noAnswer, drops: drips(), 'drops, late': dripsLate })) {
    test(name, async () => {
      for (const remainingMs of [900_000, 16_000]) {
        await call('retrieve', [fault], { remainingMs });
        const backoffMs = (openai.times('retrieve')[1] ?? 0) - Math.min(10_000, remainingMs / 4);
        assert.ok(backoffMs >= 200 && backoffMs <= 600, `${backoffMs} ms`);
      }
    });
  }
});

describe('a body', () => {
  const text = JSON.stringify({ ...runningJob, data: [], has_more: false });
  for (const endpoint of support.endpoints) {
    test(`of ${endpoint} may be 4 MiB long; a longer one is cut off, without a retry`, async () => {
      await call(endpoint, [says(text.padEnd(4 * megabyte))]);
      for (const fault of [says(text.padEnd(4 * megabyte + 1)), faults.endless()]) {
        await assert.rejects(call(endpoint, [fault]), { name: 'OpenAIError', message: /is longer than any/ });
        assert.equal(openai.calls.length, 1);
      }
    });
  }

  for (const coding of ['gzip', 'x-gzip', 'deflate', 'br']) {
    test(`is read in ${coding}, even if nobody asked for it, and so is that of an error`, async () => {
      using _decodedInOtherThreads = stopTime();
      assert.partialDeepStrictEqual(await call('retrieve', [faults.compressed(coding)]), { status: 'running' });
      const refusal = faults.compressed(coding, { status: 429, body: { error: { code: 'insufficient_quota' } } });
      await assert.rejects(call('retrieve', [refusal]), { name: 'QuotaError' });
      const bomb = faults.compressed(coding, { status: 200, body: text.padEnd(5 * megabyte) });
      await assert.rejects(call('retrieve', [bomb]), { name: 'OpenAIError', message: /is longer than any/ });
      const unreadable = says(text, { 'content-encoding': coding, 'x-should-retry': 'false' }, 503);
      await assert.rejects(call('retrieve', [unreadable]), { name: 'OpenAIError', message: /answered 503/ });
    });

    test(`that is not the ${coding} it claims to be is retried`, async () => {
      await call('retrieve', [says(text, { 'content-encoding': coding })]);
      assert.equal(openai.calls.length, 2);
    });
  }
});

describe('a refusal counts, whatever its body does', () => {
  const bodies: Record<string, (status: number) => Fault> = {
    'never comes': (status) => (_answer, response) => void response.writeHead(status).flushHeaders(),
    'drips forever': (status) => drips(status),
    'is endless': (status) => faults.endless(status),
    'breaks off': (status) => (_answer, response) => {
      response.writeHead(status, { 'content-length': '500' });
      response.write('{"error', () => response.socket?.resetAndDestroy());
      return undefined;
    },
  };
  for (const [name, body] of Object.entries(bodies)) {
    test(`if it ${name}`, async () => {
      const names = { 400: 'OpenAI', 401: 'Authentication', 402: 'Quota', 429: 'RateLimit', 503: 'OpenAI' };
      for (const [status, name] of Object.entries(names)) {
        const refusals = Array.from({ length: 30 }, () => body(Number(status)));
        const error = { name: `${name}Error`, message: new RegExp(`answered ${status}`) };
        await assert.rejects(call('retrieve', refusals, { remainingMs: 12_000 }), error);
      }
    });
  }
});

test('a redirect is not followed, so no other host sees the key', async () => {
  const elsewhere = await support.startProvider();
  const location = `${elsewhere.baseUrl}/fine_tuning/jobs/${jobId}`;
  for (const status of [301, 302, 303, 307, 308]) {
    for (const endpoint of support.endpoints) {
      await assert.rejects(call(endpoint, [answers(status, { location })]), { message: /Redirects are not followed/ });
    }
  }
  assert.deepEqual(elsewhere.calls, []);
});

test('an answer without a body is no job, whatever it sends', async () => {
  for (const [status, message] of [
    [204, /lacks what the API promises/],
    [205, /lacks what the API promises/],
    [304, /answered 304/],
  ] as const) {
    const answer = says(status === 205 ? runningJob : '', {}, status);
    await assert.rejects(call('retrieve', [answer]), { name: 'OpenAIError', message });
  }
});

test('a key quoted in an answer is removed before it is read', async () => {
  const key = 'ab+cd/ef-0123456789';
  const quoting =
    `{"id": "${jobId}", "model": "ft:${key}:${key}", "status": "ab\\u002Bcd\\/ef-0123456789", ` +
    `"metadata": {"a": "${key}", "${key}": "b"}}`;
  assert.partialDeepStrictEqual(await call('retrieve', [says(quoting)], { credential: rotatingKey(key) }), {
    model: 'ft:(credential):(credential)',
    status: '(credential)',
    metadata: { a: '(credential)', '(credential)': 'b' },
  });
  for (const dummy of ['none', 'running', 'fifteen-letters']) {
    const job = { id: jobId, status: dummy };
    assert.partialDeepStrictEqual(await call('retrieve', [says(job)], { credential: rotatingKey(dummy) }), job);
  }
});

describe('a refused key', () => {
  const rotated = () => ({ credential: rotatingKey('sk-old', apiKey) });
  const denied = [answers(401), answers(403)];
  test('is read again, and the call repeated if it has changed', async () => {
    for (const fault of denied) {
      await call('retrieve', [fault], rotated());
      assert.deepEqual(keysSent(), ['sk-old', apiKey]);
    }
  });

  test('is AuthenticationError if it has not changed, or the new one is refused too', async () => {
    for (const keys of [[apiKey], ['sk-old', 'sk-new']]) {
      const refused = call('list', denied, { credential: rotatingKey(...keys) });
      await assert.rejects(refused, { name: 'AuthenticationError' });
      assert.deepEqual(keysSent(), keys);
    }
  });

  test('is not read again for other refusals, and a cancel is never resent without a look', async () => {
    for (const fault of [answers(400), answers(404), faults.refuses(403, { code: 'insufficient_quota' })]) {
      await assert.rejects(call('list', [fault], rotated()));
      assert.deepEqual(keysSent(), ['sk-old']);
    }
    for (const fault of denied) {
      await assert.rejects(call('cancel', [fault], rotated()));
      assert.deepEqual(keysSent(), ['sk-old']);
    }
  });
});

test('a cancel that waited more than 5 seconds for its turn is not sent', async () => {
  for (const waitMs of [4_900, 5_100]) {
    openai.reset({ ...runningJob });
    openai.fail('list', [faults.late(waitMs)]);
    const { pages, cancel } = createClient(openai, { maxConcurrency: 1, remainingMs: 900_000 });
    const [, { kind }] = await Promise.all([pages(), cancel(jobId)]);
    assert.equal(kind, waitMs < 5_000 ? 'accepted' : 'not_sent');
    assert.deepEqual(openai.endpoints(), waitMs < 5_000 ? ['list', 'cancel'] : ['list']);
  }
});

describe('a connection', () => {
  test('that is refused, or switches protocols (101), ends the call at once', async () => {
    // A privileged port, which no server here gets by chance.
    const { retrieve } = createClient({ baseUrl: 'http://127.0.0.1:2/v1' });
    await assert.rejects(retrieve(jobId), { name: 'OpenAIError', message: /connection failed \(ECONNREFUSED\)/ });
    const switched = Array.from({ length: 4 }, () => faults.switchesProtocol);
    for (const endpoint of support.endpoints) {
      const startedAt = performance.now();
      await assert.rejects(call(endpoint, switched), { name: 'OpenAIError', message: /connection failed \(EPROTO\)/ });
      assert.ok(performance.now() - startedAt < 4_000);
    }
  });

  test('is kept for the next call, but only to the last hundred hosts', async () => {
    const body = JSON.stringify(runningJob);
    const servers = Array.from({ length: 150 }, () => createServer((_request, response) => response.end(body)));
    const hosts = await Promise.all(servers.map(listenOnLoopback));
    for (const { url } of [...hosts, ...hosts.slice(-1)]) await createClient({ baseUrl: url }).retrieve(jobId);
    const connections = (server: Server) =>
      new Promise<number>((resolve, reject) => {
        server.getConnections((error, count) => (error ? reject(error) : resolve(count)));
      });
    let open: number[] = [];
    const sum = () => open.reduce((total, count) => total + count, 0);
    // A closed connection takes a moment to reach the other end.
    for (let waits = 0; waits < 200 && (waits === 0 || sum() > 100); waits += 1) {
      await new Promise(setImmediate);
      open = await Promise.all(servers.map(connections));
    }
    assert.equal(sum(), 100);
    assert.equal(open.at(-1), 1);
    await Promise.all(hosts.map(({ close }) => close()));
  });
});
