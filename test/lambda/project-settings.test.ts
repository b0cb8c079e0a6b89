import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { onlyProject, projectWith } from '../../lambda/project-settings.ts';
import { defaultSettings, type ProjectOverrides, type Settings } from '../../lambda/settings.ts';

const region = 'eu-central-1';
const kmsKeyArn = (id: string) => `arn:aws:kms:eu-central-1:123456789012:key/${id}`;

/** Top-level settings that set everything. */
const settings: Settings = {
  ...defaultSettings,
  openaiBaseUrl: 'https://proxy.example.com/v1',
  provider: 'openai',
  openaiProject: 'proj_top',
  secretName: 'top/key',
  secretField: 'topField',
  secretKmsKeyArn: kmsKeyArn('top'),
  timeBudgetMinutes: 100,
  lookbackDays: 7,
  cancelLimit: 5,
};
const azureUrl = 'https://research.openai.azure.com/openai/v1';
const bedrockUrl = (where: string) => `https://bedrock-mantle.${where}.api.aws/v1`;
const project = (overrides: ProjectOverrides, over: Partial<Settings> = {}) =>
  projectWith('research', { ...settings, ...over }, overrides, region);

test('a deployment without projects has one, without a name, made of the top-level settings', () => {
  assert.deepEqual(onlyProject(settings, region), {
    name: undefined,
    provider: 'openai',
    openaiBaseUrl: 'https://proxy.example.com/v1',
    openaiProject: 'proj_top',
    secretName: 'top/key',
    secretField: 'topField',
    secretKmsKeyArn: kmsKeyArn('top'),
    timeBudgetMinutes: 100,
    budgetFrom: 'default',
    lookbackDays: 7,
    cancelLimit: 5,
    dryRun: false,
  });
});

test('a project that sets nothing is the same, with its name', () => {
  assert.deepEqual(project({}), { ...onlyProject(settings, region), name: 'research' });
});

describe('a project inherits what it does not set', () => {
  const cases: ProjectOverrides[] = [
    { openaiProject: 'proj_own' },
    { secretName: 'own/key' },
    { secretField: 'ownField' },
    { secretKmsKeyArn: kmsKeyArn('own') },
    { lookbackDays: 0 },
    { cancelLimit: 'none' },
    { dryRun: true },
    { secretName: 'own/key', secretField: 'ownField', dryRun: true, cancelLimit: 1 },
  ];
  for (const overrides of cases) {
    test(JSON.stringify(overrides), () => {
      assert.deepEqual(project(overrides), { ...project({}), ...overrides });
    });
  }

  test('and its budget is its own only if it sets one', () => {
    assert.deepEqual(project({ timeBudgetMinutes: 60 }), {
      ...project({}),
      timeBudgetMinutes: 60,
      budgetFrom: 'project',
    });
    assert.equal(project({ timeBudgetMinutes: 100 }).budgetFrom, 'project');
  });
});

describe('a project that says where it is inherits nothing of how another place is reached', () => {
  const bare = { openaiProject: undefined, secretKmsKeyArn: undefined };
  const cases: [name: string, overrides: ProjectOverrides, expected: object][] = [
    [
      'a URL of Azure',
      { openaiBaseUrl: azureUrl, secretName: 'azure/key' },
      { ...bare, provider: 'azure', openaiBaseUrl: azureUrl, secretName: 'azure/key' },
    ],
    [
      'a URL of Foundry',
      { openaiBaseUrl: 'https://x.services.ai.azure.com/openai/v1', secretName: 'azure/key' },
      { ...bare, provider: 'azure', secretName: 'azure/key' },
    ],
    [
      'a URL that we do not know',
      { openaiBaseUrl: 'https://other.example.com/v1', secretName: 'other/key' },
      { ...bare, provider: 'openai', secretName: 'other/key' },
    ],
    [
      'the very URL of the top level',
      { openaiBaseUrl: settings.openaiBaseUrl, secretName: 'other/key' },
      { ...bare, provider: 'openai', secretName: 'other/key' },
    ],
    [
      'all that belongs to it',
      {
        provider: 'azure',
        openaiBaseUrl: 'https://gateway.example.com/openai/v1',
        openaiProject: 'proj_own',
        secretName: 'own/key',
        secretKmsKeyArn: kmsKeyArn('own'),
      },
      {
        provider: 'azure',
        openaiBaseUrl: 'https://gateway.example.com/openai/v1',
        openaiProject: 'proj_own',
        secretName: 'own/key',
        secretKmsKeyArn: kmsKeyArn('own'),
      },
    ],
    [
      'Bedrock',
      { provider: 'bedrock' },
      { ...bare, provider: 'bedrock', openaiBaseUrl: bedrockUrl(region), secretName: undefined },
    ],
    [
      'a URL of Bedrock in another region',
      { openaiBaseUrl: bedrockUrl('us-west-2') },
      { ...bare, provider: 'bedrock', openaiBaseUrl: bedrockUrl('us-west-2'), secretName: undefined },
    ],
    [
      'Bedrock on loopback',
      { provider: 'bedrock', openaiBaseUrl: 'http://127.0.0.1:8080/v1' },
      { ...bare, provider: 'bedrock', openaiBaseUrl: 'http://127.0.0.1:8080/v1', secretName: undefined },
    ],
    [
      'Bedrock, which needs no secret, with one',
      { provider: 'bedrock', secretName: 'own/key', secretKmsKeyArn: kmsKeyArn('own') },
      { ...bare, provider: 'bedrock', secretName: undefined },
    ],
  ];
  for (const [name, overrides, expected] of cases) {
    test(name, () => {
      const resolved = project(overrides);
      assert.deepEqual(resolved, { ...resolved, ...expected });
      // What has to do with no provider is inherited all the same.
      assert.deepEqual(
        [resolved.timeBudgetMinutes, resolved.lookbackDays, resolved.cancelLimit, resolved.secretField],
        [100, 7, 5, 'topField'],
      );
    });
  }
});

describe('a top level that is Bedrock', () => {
  const bedrock: Settings = { ...defaultSettings, provider: 'bedrock' };

  test('has the URL of its region, and no secret', () => {
    const { provider, openaiBaseUrl, secretName } = onlyProject(bedrock, region);
    assert.deepEqual([provider, openaiBaseUrl, secretName], ['bedrock', bedrockUrl(region), undefined]);
  });

  test('is inherited whole', () => {
    assert.deepEqual(projectWith('research', bedrock, {}, region), {
      ...onlyProject(bedrock, region),
      name: 'research',
    });
  });

  test('is guessed from its URL', () => {
    const { provider, secretName } = onlyProject(
      { ...defaultSettings, openaiBaseUrl: bedrockUrl('us-east-1') },
      region,
    );
    assert.deepEqual([provider, secretName], ['bedrock', undefined]);
  });
});

describe('what does not fit together is an error', () => {
  const cases: [overrides: ProjectOverrides, message: RegExp][] = [
    [{ openaiBaseUrl: azureUrl }, /must name its own "secretName"/],
    [{ provider: 'openai', openaiBaseUrl: 'https://api.openai.com/v1' }, /must name its own "secretName"/],
    [{ provider: 'azure', secretName: 'azure/key' }, /must name its own "openaiBaseUrl"/],
    [{ provider: 'openai', secretName: 'own/key' }, /must name its own "openaiBaseUrl"/],
    [{ provider: 'bedrock', openaiBaseUrl: 'https://proxy.example.com/v1' }, /bedrock-mantle.REGION.api.aws/],
    [{ provider: 'bedrock', openaiBaseUrl: 'https://api.openai.com/v1' }, /bedrock-mantle.REGION.api.aws/],
    [
      { provider: 'bedrock', openaiBaseUrl: 'https://bedrock-mantle.us-east-1.api.aws.example.com/v1' },
      /bedrock-mantle.REGION.api.aws/,
    ],
    [
      { provider: 'azure', openaiBaseUrl: 'https://api.openai.com/v1', secretName: 'azure/key' },
      /your Azure resource/,
    ],
    [
      { provider: 'azure', openaiBaseUrl: bedrockUrl('us-east-1'), secretName: 'azure/key' },
      /your Azure resource/,
    ],
    [{ timeBudgetMinutes: 0 }, /"timeBudgetMinutes" is 0.*only with "dryRun" true.*"stopAll"/],
  ];
  for (const [overrides, message] of cases) {
    test(JSON.stringify(overrides), () => assert.throws(() => project(overrides), { message }));
  }

  test('a budget of 0 that the top level sets, if the project arms it', () => {
    const over = { timeBudgetMinutes: 0, dryRun: true };
    assert.equal(project({}, over).timeBudgetMinutes, 0);
    assert.throws(() => project({ dryRun: false }, over), { message: /"timeBudgetMinutes" is 0/ });
  });
});
