import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { bedrockRegionOf, isLoopback, type Provider, providerOf } from '../../lambda/providers.ts';

describe('whose host it is', () => {
  const hosts: [host: string, provider: Provider, region?: string][] = [
    ['api.openai.com', 'openai'],
    ['team.openai.azure.com', 'azure'],
    ['team.services.ai.azure.com', 'azure'],
    ['openai.azure.com', 'openai'],
    ['team.openai.azure.com.example.com', 'openai'],
    ['teamopenai.azure.com', 'openai'],
    ['bedrock-mantle.eu-west-1.api.aws', 'bedrock', 'eu-west-1'],
    ['bedrock-mantle.eu-west-1.api.aws.example.com', 'openai'],
    ['my-bedrock-mantle.eu-west-1.api.aws', 'openai'],
    ['bedrock-mantle.api.aws', 'openai'],
    ['bedrock-mantle.a.b.api.aws', 'openai'],
    ['127.0.0.1:8080', 'openai'],
  ];
  for (const [host, provider, region] of hosts) {
    test(`${host}: ${provider}${region === undefined ? '' : ` in ${region}`}`, () => {
      const url = `https://${host}/v1`;
      assert.deepEqual([providerOf(url), bedrockRegionOf(url)], [provider, region]);
    });
  }

  test('a token, which is no URL yet, could be anybody', () => {
    assert.deepEqual([providerOf('a token'), bedrockRegionOf('a token')], ['openai', undefined]);
    assert.deepEqual([providerOf(''), bedrockRegionOf('')], ['openai', undefined]);
  });
});

describe('whether a URL stays on this machine', () => {
  for (const [host, stays] of Object.entries({
    localhost: true,
    '127.0.0.1': true,
    '127.10.20.30': true,
    '[::1]': true,
    'localhost.example.com': false,
    'my-localhost': false,
    '127.0.0.1.example.com': false,
    '128.0.0.1': false,
    '[::2]': false,
  })) {
    test(`${host}: ${stays}`, () => assert.equal(isLoopback(new URL(`http://${host}:80/`)), stays));
  }
});
