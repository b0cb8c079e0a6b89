import assert from 'node:assert/strict';
import { after, beforeEach, describe, test } from 'node:test';
import { Hash } from '@smithy/hash-node';
import { SignatureV4 } from '@smithy/signature-v4';
import OpenAI from 'openai';
import { bedrock } from 'openai/providers/bedrock/aws';
import {
  type BedrockSigner,
  signatureProblem,
  signedRegion,
} from '../../../../infra/local/providers/bedrock-signature.ts';
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
  /** What differs from a list of two jobs. */
  call?: Partial<Call>;
  unsignableHeaders?: string[];
}

/** Returns a call as the SDK signs it. */
async function sign(signing: Signing = {}): Promise<Call> {
  const { region = '', ...credentials } = signing.signer ?? signer;
  const { service = 'bedrock-mantle', secondsAgo = 0 } = signing;
  const sdk = new SignatureV4({ credentials, region, service, sha256: Hash.bind(null, 'sha256') });
  const path = '/v1/fine_tuning/jobs';
  const call = { method: 'GET', path, query: { limit: '2' }, headers: { host }, ...signing.call };
  const { headers } = await sdk.sign(
    { ...call, protocol: 'http:', hostname: '127.0.0.1' },
    {
      signingDate: new Date(Date.now() - secondsAgo * 1_000),
      unsignableHeaders: new Set(signing.unsignableHeaders),
    },
  );
  return { ...call, headers };
}

async function send({ method, path, query, headers: { host: _, ...headers }, body }: Call) {
  const url = `http://${host}${path}?${new URLSearchParams(query)}`;
  const response = await fetch(url, { method, headers, ...(body !== undefined && { body }) });
  return { status: response.status, body: await response.json() };
}

// From AWS's test suite for Signature Version 4: get-vanilla and get-vanilla-query-order-key-case.
const published = [
  ['', '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
  ['?Param2=value2&Param1=value1', 'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500'],
] as const;

for (const [query, signature] of published) {
  test(`the signature that AWS publishes for GET /${query} is right`, (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: Date.parse('2015-08-30T12:36:00Z') });
    const example = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };
    const credential = 'AKIDEXAMPLE/20150830/us-east-1/service/aws4_request';
    const authorization = `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=host;x-amz-date, Signature=`;
    const problemWith = (signature: string) => {
      const headers = { host: ['example.amazonaws.com'], 'x-amz-date': ['20150830T123600Z'] };
      const headersDistinct = { ...headers, authorization: [authorization + signature] };
      const request = { method: 'GET', url: `/${query}`, headersDistinct };
      return signatureProblem({ request, body: Buffer.alloc(0) }, 'service', example);
    };
    assert.equal(problemWith(signature), undefined);
    assert.equal(problemWith(signature.replace(/.$/, '9'))?.type, 'InvalidSignatureException');
    assert.equal(signedRegion(authorization), 'us-east-1');
  });
}

test("the vendor's own client signs calls that are let in", async () => {
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
  ['a call of a session', {}, signer],
  ['a call of long-lived keys', { signer: { ...keys, region } }, { ...keys, region }],
  ['a call with a body', { call: { ...cancel, body: '{"a":1}' } }, signer],
  ['a call of four minutes ago', { secondsAgo: 240 }, signer],
  ['a call of four minutes ahead', { secondsAgo: -240 }, signer],
  ['a call for any region, if the signer has none', { signer: elsewhere }, { ...keys, sessionToken: 'session/+=' }],
  ['a call of anybody, if the signer is unknown', { signer: { ...elsewhere, accessKeyId: 'ASIAOTHER' } }, undefined],
];

describe('let in:', () => {
  for (const [name, signing, bedrockSigner] of accepted) {
    test(name, async () => {
      simulator.bedrockSigner = bedrockSigner;
      const { status, body } = await send(await sign(signing));
      assert.notEqual(status, 403, JSON.stringify(body));
    });
  }
});

type Change = (call: Call) => Call;
const header =
  (name: string, value: string): Change =>
  (call) => ({ ...call, headers: { ...call.headers, [name]: value } });
const without =
  (name: string): Change =>
  (call) => ({ ...call, headers: Object.fromEntries(Object.entries(call.headers).filter(([key]) => key !== name)) });
const authorization =
  (pattern: RegExp, text: string): Change =>
  (call) =>
    header('authorization', (call.headers['authorization'] ?? '').replace(pattern, text))(call);
const same: Change = (call) => call;
const changed =
  (fields: Partial<Call>): Change =>
  (call) => ({ ...call, ...fields });

const token = 'x-amz-security-token';
const other = 'another-of-these';
const unequal = /does not match the signature you provided.*GET\n\/v1/s;
const withProject = { call: { headers: { host, 'openai-project': 'a' } } };
const toAws = { call: { headers: { host: 'bedrock-mantle.eu-west-1.api.aws' } } };

/** By the code of the refusal: what is wrong, its message, how the call is signed and what is changed afterwards. */
const refused: Record<string, [string, RegExp, Signing, Change?][]> = {
  missing_authentication_token: [['no credential', /Missing Authentication/, {}, without('authorization')]],
  unrecognized_client: [
    ['another access key', /security token/, { signer: { ...signer, accessKeyId: 'ASIAOTHER' } }],
    ['another session token', /security token/, { signer: { ...signer, sessionToken: other } }],
    ['a session left out', /security token/, { signer: { ...keys, region } }],
  ],
  incomplete_signature: [
    ['a bearer token', /=Bearer bedrock-api-key-1/, {}, header('authorization', 'Bearer bedrock-api-key-1')],
    ['another algorithm', /requires AWS4-HMAC-SHA256/, {}, authorization(/SHA256/, 'SHA1')],
    ['no signature', /'Signature'/, {}, authorization(/, Signature=.*/, '')],
    ['another end of the scope', /terminator/, {}, authorization(/aws4_request/, 'aws5_request')],
    ['headers out of order', /in order/, {}, authorization(/(host);([\w-]+)/, '$2;$1')],
    ['no session token', /'x-amz-security-token'.*not in/, {}, without(token)],
    ['no date', /'x-amz-date'.*not in/, {}, without('x-amz-date')],
    ['a date that is none', /Got 'today'/, {}, header('x-amz-date', 'today')],
    ['a signed header left out', /'openai-project'.*not in/, withProject, without('openai-project')],
  ],
  invalid_signature: [
    ['another service', /correct service: 'bedrock-mantle'/, { service: 'bedrock' }],
    ['another region', /valid region, not 'us-west-2'/, { signer: elsewhere }],
    ['another secret', unequal, { signer: { ...signer, secretAccessKey: other } }],
    ['a session token that is not signed', /'x-amz-security-token' must be/, { unsignableHeaders: [token] }],
    ['a host that is not signed', /'host' must be/, { unsignableHeaders: ['host'] }],
    ['a date that is not signed', /'x-amz-date' must be/, { unsignableHeaders: ['x-amz-date'] }],
    ['another host', unequal, toAws],
    ['another method', /does not match the signature/, {}, changed({ method: 'POST' })],
    ['another path', unequal, {}, changed({ path: '/v1/fine_tuning/jobs/ft%3Ajob.1' })],
    ['another query', unequal, {}, changed({ query: { limit: '3' } })],
    ['one more parameter', unequal, {}, changed({ query: { limit: '2', after: 'ft:job.1' } })],
    ['another body', /x-amz-content-sha256/, { call: { ...cancel, body: 'a' } }, changed({ body: 'b' })],
    ['another value of a signed header', unequal, withProject, header('openai-project', 'b')],
    ['another day in the scope', /scope does not match/, {}, authorization(/\/\d{8}\//, '/20200101/')],
    ['a call of six minutes ago', /Signature expired/, { secondsAgo: 360 }],
    ['a call of six minutes ahead', /not yet current/, { secondsAgo: -360 }],
  ],
};

describe('refused with 403:', () => {
  for (const [code, rows] of Object.entries(refused)) {
    for (const [name, expected, signing, change = same] of rows) {
      test(name, async () => {
        const { status, body } = await send(change(await sign(signing)));
        const { message, ...error } = body.error;
        assert.deepEqual([status, error], [403, { type: 'invalid_request_error', param: null, code }]);
        assert.match(message, expected);
      });
    }
  }

  test('what is out of form, even if the signer is unknown', async () => {
    simulator.bedrockSigner = undefined;
    assert.equal((await send(await sign({ secondsAgo: 360 }))).status, 403);
  });
});
