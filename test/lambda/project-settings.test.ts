import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { resolveProject } from '../../lambda/project-settings.ts';
import { defaultBaseUrl, type ProjectOverrides, type Settings } from '../../lambda/settings.ts';

const region = 'eu-central-1';
const kmsKeyArn = (id: string) => `arn:aws:kms:eu-central-1:123456789012:key/${id}`;
const azureUrl = 'https://research.openai.azure.com/openai/v1';
const bedrockUrl = (where: string) => `https://bedrock-mantle.${where}.api.aws/v1`;

/** Top-level settings with every key set. */
const settings: Settings = {
  name: 'fine-tuning-curfew',
  openaiBaseUrl: 'https://proxy.example.com/v1',
  provider: 'openai',
  openaiProject: 'proj_top',
  secretName: 'top/key',
  secretField: 'topField',
  secretKmsKeyArn: kmsKeyArn('top'),
  timeBudgetMinutes: 100,
  queueLimitMinutes: 200,
  lookbackDays: 7,
  cancelLimit: 5,
  warnBeforeMinutes: 30,
  dryRun: false,
};
const project = (overrides: ProjectOverrides, over: Partial<Settings> = {}) =>
  resolveProject('research', { ...settings, ...over }, overrides, region);

test('a deployment without `projects` has one project, made from the settings', () => {
  const only = resolveProject(undefined, settings, {}, region);
  assert.deepEqual(only, { ...settings, name: undefined, region, budgetFrom: 'default' });
});

describe('a project inherits what it does not set', () => {
  const cases: ProjectOverrides[] = [
    {},
    { openaiProject: 'proj_own' },
    { secretName: 'own/key' },
    { secretField: 'ownField' },
    { secretKmsKeyArn: kmsKeyArn('own') },
    { queueLimitMinutes: 'none' },
    { lookbackDays: 0 },
    { cancelLimit: 'none', dryRun: true },
  ];
  for (const overrides of cases) {
    test(JSON.stringify(overrides), () => {
      const only = resolveProject(undefined, settings, {}, region);
      assert.deepEqual(project(overrides), { ...only, name: 'research', ...overrides });
    });
  }

  test('and its budget counts as its own if it sets one, even an equal one', () => {
    for (const timeBudgetMinutes of [60, 100]) {
      assert.deepEqual(project({ timeBudgetMinutes }), { ...project({}), timeBudgetMinutes, budgetFrom: 'project' });
    }
  });
});

describe('a project that names a URL or a provider inherits nothing about how another provider is reached', () => {
  const bare = { openaiProject: undefined, secretKmsKeyArn: undefined };
  const own = {
    provider: 'azure',
    openaiBaseUrl: 'https://gateway.example.com/openai/v1',
    openaiProject: 'proj_own',
    secretName: 'own/key',
    secretKmsKeyArn: kmsKeyArn('own'),
  } as const;
  const cases: [name: string, overrides: ProjectOverrides, expected: object][] = [
    ['a URL of Azure', { openaiBaseUrl: azureUrl, secretName: 'azure/key' }, { provider: 'azure' }],
    [
      'an unknown URL',
      { openaiBaseUrl: 'https://other.example.com/v1', secretName: 'other/key' },
      { provider: 'openai' },
    ],
    [
      'the very URL of the settings',
      { openaiBaseUrl: settings.openaiBaseUrl, secretName: 'other/key' },
      { provider: 'openai' },
    ],
    ['everything of its own', own, own],
    ['Bedrock', { provider: 'bedrock' }, { openaiBaseUrl: bedrockUrl(region), secretName: undefined }],
    [
      'a URL of Bedrock in another region',
      { openaiBaseUrl: bedrockUrl('us-west-2') },
      { provider: 'bedrock', region: 'us-west-2', secretName: undefined },
    ],
    [
      'Bedrock on loopback',
      { provider: 'bedrock', openaiBaseUrl: 'http://127.0.0.1:8080/v1' },
      { secretName: undefined },
    ],
    [
      'Bedrock with a secret, which it does not need',
      { provider: 'bedrock', secretName: 'own/key', secretKmsKeyArn: kmsKeyArn('own') },
      { openaiBaseUrl: bedrockUrl(region), secretName: undefined, secretKmsKeyArn: undefined },
    ],
  ];
  for (const [name, overrides, expected] of cases) {
    test(name, () => {
      // Settings unrelated to a provider are still inherited.
      assert.deepEqual(project(overrides), { ...project({}), ...bare, ...overrides, ...expected });
    });
  }
});

describe('a deployment on Bedrock', () => {
  const cases: [name: string, over: Partial<Settings>, openaiBaseUrl: string][] = [
    ['by its provider has the URL of the region', { openaiBaseUrl: defaultBaseUrl }, bedrockUrl(region)],
    ['may name its URL', { openaiBaseUrl: bedrockUrl('us-east-1') }, bedrockUrl('us-east-1')],
  ];
  for (const [name, over, openaiBaseUrl] of cases) {
    test(`${name}, and no secret`, () => {
      const top: Settings = { ...settings, provider: 'bedrock', ...over };
      const { provider, secretName, ...only } = resolveProject(undefined, top, {}, region);
      assert.deepEqual([provider, only.openaiBaseUrl, secretName], ['bedrock', openaiBaseUrl, undefined]);
    });
  }

  test('is inherited as a whole', () => {
    const { provider: _, ...others } = settings;
    const top = { ...others, openaiBaseUrl: bedrockUrl('us-east-1') };
    assert.deepEqual(resolveProject('research', top, {}, region), {
      ...resolveProject(undefined, top, {}, region),
      name: 'research',
    });
  });
});

describe('settings that do not fit together are an error', () => {
  const cases: [overrides: ProjectOverrides, message: RegExp][] = [
    [{ openaiBaseUrl: azureUrl }, /must name its own "secretName"/],
    [{ provider: 'openai', openaiBaseUrl: defaultBaseUrl }, /must name its own "secretName"/],
    [{ provider: 'azure', secretName: 'azure/key' }, /must name its own "openaiBaseUrl"/],
    [{ provider: 'openai', secretName: 'own/key' }, /must name its own "openaiBaseUrl"/],
    [{ provider: 'bedrock', openaiBaseUrl: 'https://proxy.example.com/v1' }, /bedrock-mantle.REGION.api.aws/],
    [{ provider: 'bedrock', openaiBaseUrl: defaultBaseUrl }, /bedrock-mantle.REGION.api.aws/],
    [
      { provider: 'bedrock', openaiBaseUrl: `${bedrockUrl('us-east-1').replace('/v1', '.example.com/v1')}` },
      /bedrock-mantle.REGION.api.aws/,
    ],
    [{ provider: 'azure', openaiBaseUrl: defaultBaseUrl, secretName: 'azure/key' }, /your Azure resource/],
    [{ provider: 'azure', openaiBaseUrl: bedrockUrl('us-east-1'), secretName: 'azure/key' }, /your Azure resource/],
    [{ timeBudgetMinutes: 0 }, /"timeBudgetMinutes" is 0.*only with "dryRun" true.*"stopAll"/],
  ];
  for (const [overrides, message] of cases) {
    test(JSON.stringify(overrides), () => assert.throws(() => project(overrides), { message }));
  }

  test('a budget of 0 in a deployment that only reports, if the project is armed', () => {
    const over = { timeBudgetMinutes: 0, dryRun: true };
    assert.equal(project({}, over).timeBudgetMinutes, 0);
    assert.throws(() => project({ dryRun: false }, over), { message: /"timeBudgetMinutes" is 0/ });
  });
});
