import assert from 'node:assert/strict';
import { after, beforeEach, describe, test } from 'node:test';
import { Hash } from '@smithy/hash-node';
import { SignatureV4 } from '@smithy/signature-v4';
import OpenAI from 'openai';
import { bedrock } from 'openai/providers/bedrock/aws';
import type { BedrockSigner } from '../../../../infra/local/providers/bedrock-signature.ts';
import { simulatedJob } from '../../../../infra/local/providers/simulated-job.ts';
import { startFineTuningSimulator } from '../../../../infra/local/providers/simulator.ts';

const keys = { accessKeyId: 'ASIASIMULATOR', secretAccessKey: 'a-secret/with+signs' };
const region = 'eu-west-1';
const signer = { ...keys, sessionToken: 'session/+=', region };
const team = "o'brien(a+b)*~é";
const job = simulatedJob({ id: 'ft:job.1', status: 'running', metadata: { team } });
const simulator = await startFineTuningSimulator({ provider: 'bedrock', jobs: [job] });
const { host } = new URL(simulator.baseUrl);
after(() => simulator[Symbol.asyncDispose]());
beforeEach(() => {
  simulator.bedrockSigner = signer;
});

interface Call {
  method: string;
  path: string;
  query: Record<string, string>;
  headers: Record<string, string>;
  body?: string;
}
interface Signing {
  signer?: BedrockSigner;
  service?: string;
  secondsAgo?: number;
  /** How the call differs from listing two jobs. */
  call?: Partial<Call>;
  unsignableHeaders?: string[];
}

/** Returns a call as the SDK signs it. */
async function sign(signing: Signing): Promise<Call> {
  const { region = '', ...credentials } = signing.signer ?? signer;
  const { service = 'bedrock-mantle', secondsAgo = 0 } = signing;
  const sdk = new SignatureV4({ credentials, region, service, sha256: Hash.bind(null, 'sha256') });
  const path = '/v1/fine_tuning/jobs';
  const call = { method: 'GET', path, query: { limit: '2' }, headers: { host }, ...signing.call };
  const { headers } = await sdk.sign(
    { ...call, protocol: 'http:', hostname: '127.0.0.1' },
    { signingDate: new Date(Date.now() - secondsAgo * 1_000), unsignableHeaders: new Set(signing.unsignableHeaders) },
  );
  return { ...call, headers };
}

async function send({ method, path, query, headers: { host: _, ...headers }, body }: Call) {
  const url = `http://${host}${path}?${new URLSearchParams(query)}`;
  const response = await fetch(url, { method, headers, ...(body !== undefined && { body }) });
  return { status: response.status, body: await response.json() };
}

test("calls signed by the vendor's own client are let in", async () => {
  const { baseUrl: baseURL } = simulator;
  const client = new OpenAI({ provider: bedrock({ ...signer, baseURL, endpoint: 'mantle' }), maxRetries: 0 });
  const { jobs } = client.fineTuning;
  const listed = await Array.fromAsync(jobs.list({ limit: 1, metadata: { team } }));
  assert.deepEqual(
    listed.map(({ id }) => id),
    [job.id],
  );
  assert.equal((await jobs.retrieve(job.id)).id, job.id);
  assert.equal((await jobs.cancel(job.id)).status, 'cancelled');
});

const cancel = { method: 'POST', path: '/v1/fine_tuning/jobs/ft%3Ajob.1/cancel' };
const elsewhere = { ...signer, region: 'us-west-2' };
const accepted: [string, Signing, BedrockSigner | undefined][] = [
  ['long-lived keys', { signer: { ...keys, region } }, { ...keys, region }],
  ['a body', { call: { ...cancel, body: '{"a":1}' } }, signer],
  ['a date four minutes ago', { secondsAgo: 240 }, signer],
  ['a date four minutes ahead', { secondsAgo: -240 }, signer],
  ['any region, if the signer has none', { signer: elsewhere }, { ...keys, sessionToken: 'session/+=' }],
  ['any keys, if the signer is unknown', { signer: { ...elsewhere, accessKeyId: 'ASIAOTHER' } }, undefined],
];

describe('a call is let in with', () => {
  for (const [name, signing, bedrockSigner] of accepted) {
    test(name, async () => {
      simulator.bedrockSigner = bedrockSigner;
      const { status, body } = await send(await sign(signing));
      assert.notEqual(status, 403, JSON.stringify(body));
    });
  }
});

const changed = (call: Partial<Call>) => () => call;
const header =
  (name: string, value: string) =>
  ({ headers }: Call) => ({ headers: { ...headers, [name]: value } });
const authorization = (pattern: RegExp, text: string) => (call: Call) =>
  header('authorization', (call.headers['authorization'] ?? '').replace(pattern, text))(call);

const token = 'x-amz-security-token';
const withProject = { call: { headers: { host, 'openai-project': 'a' } } };
const toAws = { call: { headers: { host: 'bedrock-mantle.eu-west-1.api.aws' } } };
const unequal = /does not match the signature you provided.*(GET|POST)\n\/v1/s;

/** By the refusal's code: what is wrong, its message, how the call is signed and what changes afterwards. */
const refused: Record<string, [string, RegExp, Signing, ((call: Call) => Partial<Call>)?][]> = {
  missing_authentication_token: [['no credential', /Missing Authentication/, {}, changed({ headers: {} })]],
  unrecognized_client: [
    ['another access key', /security token/, { signer: { ...signer, accessKeyId: 'ASIAOTHER' } }],
    ['another session token', /security token/, { signer: { ...signer, sessionToken: 'another' } }],
    ['no session token', /security token/, { signer: { ...keys, region } }],
  ],
  incomplete_signature: [
    ['a bearer token', /=Bearer bedrock-api-key-1/, {}, header('authorization', 'Bearer bedrock-api-key-1')],
    ['another algorithm', /whole signature/, {}, authorization(/SHA256/, 'SHA1')],
    ['no signature', /whole signature/, {}, authorization(/, Signature=.*/, '')],
  ],
  invalid_signature: [
    ['another service', /scoped to 'bedrock-mantle'/, { service: 'bedrock' }],
    ['another region', /not .* in 'us-west-2'/, { signer: elsewhere }],
    ['another secret', unequal, { signer: { ...signer, secretAccessKey: 'another' } }],
    ['an unsigned session token', /'x-amz-security-token' must be/, { unsignableHeaders: [token] }],
    ['an unsigned host', /'host' must be/, { unsignableHeaders: ['host'] }],
    ['an unsigned date', /'x-amz-date' must be/, { unsignableHeaders: ['x-amz-date'] }],
    ['headers out of order', unequal, {}, authorization(/(host);([\w-]+)/, '$2;$1')],
    ['another host', unequal, toAws],
    ['another method', unequal, {}, changed({ method: 'POST' })],
    ['another path', unequal, {}, changed({ path: '/v1/fine_tuning/jobs/ft%3Ajob.1' })],
    ['another query', unequal, {}, changed({ query: { limit: '3' } })],
    ['another body', /x-amz-content-sha256/, { call: { ...cancel, body: 'a' } }, changed({ body: 'b' })],
    ['another value of a signed header', unequal, withProject, header('openai-project', 'b')],
    ['another day in its scope', /Signature expired/, {}, authorization(/\/\d{8}\//, '/20200101/')],
    ['an invalid date', /Signature expired/, {}, header('x-amz-date', 'today')],
    ['a date six minutes ago', /Signature expired/, { secondsAgo: 360 }],
    ['a date six minutes ahead', /not yet current/, { secondsAgo: -360 }],
  ],
};

describe('a call gets a 403 with', () => {
  for (const [code, rows] of Object.entries(refused)) {
    for (const [name, expected, signing, change = changed({})] of rows) {
      test(name, async () => {
        const call = await sign(signing);
        const { status, body } = await send({ ...call, ...change(call) });
        const { message, ...error } = body.error;
        assert.deepEqual([status, error], [403, { type: 'invalid_request_error', param: null, code }]);
        assert.match(message, expected);
      });
    }
  }

  test('a stale date, even if the signer is unknown', async () => {
    simulator.bedrockSigner = undefined;
    assert.equal((await send(await sign({ secondsAgo: 360 }))).status, 403);
  });
});
