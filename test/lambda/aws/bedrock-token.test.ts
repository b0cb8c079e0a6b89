import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { inspect } from 'node:util';
import { bedrockTokenProblem } from '../../../infra/local/providers/bedrock-token.ts';
import { simulatedJob } from '../../../infra/local/providers/simulated-job.ts';
import { startFineTuningSimulator } from '../../../infra/local/providers/simulator.ts';
import { createBedrockTokens } from '../../../lambda/aws/bedrock-token.ts';
import { awsCredentials, startCurfew } from '../../support/curfew.ts';
import { answers } from '../../support/wire-faults.ts';

const { signal } = new AbortController();
const tokens = () => createBedrockTokens(async () => awsCredentials);

describe('a token is made from the credentials of the function', () => {
  test('and signed for its region', async () => {
    const token = await tokens()('eu-central-1').current(signal);
    const signer = { ...awsCredentials, region: 'eu-central-1' };
    assert.equal(bedrockTokenProblem(token, signer), undefined);
    assert.equal(
      bedrockTokenProblem(token, { ...signer, region: 'us-east-1' }),
      'The token is for eu-central-1.',
    );
  });

  test('with the session of a role in it', async () => {
    const ofRole = createBedrockTokens(async () => ({ ...awsCredentials, sessionToken: 'session-of-role' }));
    const token = await ofRole('us-east-1').current(signal);
    const presigned = Buffer.from(token.replace('bedrock-api-key-', ''), 'base64').toString();
    assert.match(presigned, /X-Amz-Security-Token=session-of-role/);
  });

  test('once for each region of an invocation', async () => {
    let asked = 0;
    const tokenFor = createBedrockTokens(async () => {
      asked += 1;
      return awsCredentials;
    });
    const [first, second] = [tokenFor('us-east-1'), tokenFor('us-east-1')];
    const all = [first.current(signal), second.current(signal), first.refreshed('refused', signal)];
    assert.equal(new Set(await Promise.all(all)).size, 1);
    await tokenFor('eu-central-1').current(signal);
    assert.equal(asked, 2);
  });

  test('or is an ApiKeyError that names no credential, if there are none', async () => {
    const tokenFor = createBedrockTokens(() => Promise.reject(new Error('no AKIASECRET')));
    await assert.rejects(tokenFor('us-east-1').current(signal), {
      name: 'ApiKeyError',
      message:
        "No bearer token for Bedrock could be made from the function's role (Error). Check that the function has a role.",
    });
  });
});

describe('a project on Bedrock', () => {
  const bedrock = () =>
    startFineTuningSimulator({
      provider: 'bedrock',
      jobs: [simulatedJob({ id: 'ftjob-1', status: 'running' })],
      bedrockSigner: { ...awsCredentials, region: 'us-east-1' },
    });

  test('is let in by a token, and no secret is read', async () => {
    await using simulator = await bedrock();
    const settings = { provider: 'bedrock', openaiBaseUrl: simulator.baseUrl } as const;
    await using curfew = await startCurfew({ settings });
    assert.equal((await curfew.cancel('ftjob-1')).outcome, 'cancelled');
    assert.deepEqual(curfew.aws.secretReads, []);
  });

  test('has one token in an invocation, and another in the next', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
    await using simulator = await bedrock();
    const here = { provider: 'bedrock', openaiBaseUrl: simulator.baseUrl } as const;
    await using curfew = await startCurfew({ projects: { one: here, two: here } });
    const bearers = () => new Set(simulator.calls.map(({ headers }) => headers.authorization));
    await curfew.list();
    assert.equal(simulator.calls.length, 2);
    assert.equal(bearers().size, 1);
    t.mock.timers.tick(1_000);
    await curfew.list();
    assert.equal(bearers().size, 2);
  });

  test('that refuses the token is asked once', async () => {
    await using simulator = await bedrock();
    simulator.faultFor = () => answers(403);
    const settings = { provider: 'bedrock', openaiBaseUrl: simulator.baseUrl } as const;
    await using curfew = await startCurfew({ settings });
    await assert.rejects(curfew.cancel('ftjob-1'), { name: 'AuthenticationError' });
    assert.equal(simulator.calls.length, 1);
  });

  test('leaves no trace of its token or of the credentials behind it', async () => {
    await using simulator = await bedrock();
    const settings = { provider: 'bedrock', openaiBaseUrl: simulator.baseUrl } as const;
    await using curfew = await startCurfew({ settings });
    const answer = await curfew.cancel('ftjob-1');
    simulator.faultFor = () => answers(403);
    const error: unknown = await curfew.cancel('ftjob-1').catch((thrown: unknown) => thrown);
    assert.ok(error instanceof Error);
    const output = inspect([answer, error, curfew.logLines, curfew.metricDocuments, curfew.aws.events], {
      depth: Number.POSITIVE_INFINITY,
      maxArrayLength: null,
      showHidden: true,
    });
    for (const secret of [/bedrock-api-key-/, /X-Amz-/, new RegExp(awsCredentials.secretAccessKey)]) {
      assert.doesNotMatch(output, secret);
    }
    assert.match(output, /AuthenticationError/);
  });
});
