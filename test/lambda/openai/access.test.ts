import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { bedrockTokenProblem } from '../../../infra/local/providers/bedrock-token.ts';
import { simulatedJob } from '../../../infra/local/providers/simulated-job.ts';
import {
  type FineTuningSimulator,
  startFineTuningSimulator,
} from '../../../infra/local/providers/simulator.ts';
import { type Provider, providers } from '../../../lambda/providers.ts';
import type { ProjectOverrides } from '../../../lambda/settings.ts';
import { awsCredentials, startCurfew } from '../../support/curfew.ts';

const bedrockSigner = { ...awsCredentials, region: 'us-east-1' };

/** A provider with an overdue job, and a project there with its own credential. */
async function startProject(provider: Provider, name: string) {
  const key = `sk-key-of-${name}`;
  const simulator = await startFineTuningSimulator({
    provider,
    jobs: [simulatedJob({ id: `ftjob-${name}`, status: 'running', ageMinutes: 400 })],
    apiKeys: [key],
    bedrockSigner,
  });
  const settings: ProjectOverrides = {
    provider,
    openaiBaseUrl: simulator.baseUrl,
    ...(provider !== 'bedrock' && { secretName: name }),
  };
  return { simulator, key, settings };
}

/** Every header of every call. */
const headersAt = ({ calls }: FineTuningSimulator) => calls.map(({ headers }) => headers);

for (const provider of providers) {
  test(`${provider} gets its credential in its own header and in no other`, async () => {
    const { simulator, key, settings } = await startProject(provider, 'project');
    await using _simulator = simulator;
    await using curfew = await startCurfew({
      secrets: { project: { SecretString: key } },
      projects: { project: settings },
    });
    const { cancelled, failedProjects } = await curfew.sweep();
    assert.deepEqual({ cancelled, failedProjects }, { cancelled: 1, failedProjects: [] });
    assert.equal((await curfew.list()).complete, true);
    assert.equal((await curfew.cancel('ftjob-project')).outcome, 'already_finished');
    assert.ok(simulator.calls.length >= 4);
    for (const { authorization, 'api-key': apiKey, 'openai-project': project } of headersAt(simulator)) {
      const bearer = authorization?.replace(/^Bearer /, '');
      assert.equal(apiKey, provider === 'azure' ? key : undefined);
      if (provider === 'openai') assert.equal(bearer, key);
      if (provider === 'azure') assert.equal(bearer, undefined);
      if (provider === 'bedrock') assert.equal(bedrockTokenProblem(bearer ?? '', bedrockSigner), undefined);
      assert.equal(project, undefined);
    }
    assert.deepEqual(curfew.aws.secretReads, provider === 'bedrock' ? [] : ['project']);
  });

  test(`${provider} is told the project, if one is named`, async () => {
    const { simulator, key, settings } = await startProject(provider, 'project');
    await using _simulator = simulator;
    await using curfew = await startCurfew({
      secrets: { project: { SecretString: key } },
      projects: { project: { ...settings, openaiProject: 'proj_abc123' } },
    });
    assert.equal((await curfew.sweep()).cancelled, 1);
    for (const headers of headersAt(simulator)) assert.equal(headers['openai-project'], 'proj_abc123');
  });
}

test('every call says who calls, and a cancel that it has no body, which some gateways insist on', async () => {
  await using curfew = await startCurfew({ jobs: [simulatedJob({ id: 'ftjob-1', status: 'running' })] });
  await curfew.cancel('ftjob-1');
  const [retrieve, cancel] = headersAt(curfew.openai);
  assert.partialDeepStrictEqual(retrieve, { 'user-agent': 'fine-tuning-curfew', accept: 'application/json' });
  assert.partialDeepStrictEqual(cancel, { 'user-agent': 'fine-tuning-curfew', 'content-length': '0' });
});

test('the token for Bedrock is made once for an invocation, and anew for the next', async () => {
  const { simulator, settings } = await startProject('bedrock', 'project');
  await using _simulator = simulator;
  await using curfew = await startCurfew({ projects: { project: settings } });
  const tokens = () => new Set(headersAt(simulator).map(({ authorization }) => authorization));
  await curfew.sweep();
  assert.equal(tokens().size, 1);
  // Signatures tell seconds apart.
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  await curfew.sweep();
  assert.equal(tokens().size, 2);
});

test('a token for Bedrock that is refused is AuthenticationError, and no secret is asked for', async () => {
  await using simulator = await startFineTuningSimulator({
    provider: 'bedrock',
    bedrockSigner: { ...bedrockSigner, region: 'eu-west-1' },
  });
  const projects = { project: { provider: 'bedrock' as const, openaiBaseUrl: simulator.baseUrl } };
  await using curfew = await startCurfew({ projects });
  await assert.rejects(curfew.cancel('ftjob-1'), { name: 'AuthenticationError', message: /answered 401/ });
  assert.equal(simulator.calls.length, 1);
  assert.deepEqual(curfew.aws.secretReads, []);
});

describe('no host sees the credential of another', () => {
  for (const one of providers) {
    for (const other of providers) {
      test(`${one} beside ${other}`, async () => {
        const first = await startProject(one, 'first');
        await using _first = first.simulator;
        const second = await startProject(other, 'second');
        await using _second = second.simulator;
        await using curfew = await startCurfew({
          secrets: { first: { SecretString: first.key }, second: { SecretString: second.key } },
          projects: { first: first.settings, second: second.settings },
        });
        // A job that neither has makes both look; one that is found ends the search.
        await assert.rejects(curfew.cancel('ftjob-nowhere'), { name: 'JobNotFoundError' });
        await curfew.cancel('ftjob-second', { dryRun: true });
        assert.equal((await curfew.sweep()).cancelled, 2);
        assert.equal((await curfew.stopAll()).complete, true);
        for (const [{ simulator }, { key }] of [
          [first, second],
          [second, first],
        ] as const) {
          assert.ok(simulator.calls.length > 0);
          for (const { url, headers } of simulator.calls) {
            const seen = `${url.href} ${JSON.stringify(headers)}`;
            assert.ok(!seen.includes(key), 'the key of the other');
            const isForeignToken = simulator.provider !== 'bedrock' && seen.includes('bedrock-api-key-');
            assert.ok(!isForeignToken, 'a token for Bedrock');
          }
        }
        const top = curfew.openai.calls;
        assert.deepEqual(top, []);
      });
    }
  }
});
