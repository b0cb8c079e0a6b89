import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { App, Stack } from 'aws-cdk-lib';
import { FineTuningCurfew } from '../../infra/index.ts';
import type { FineTuningCurfewProps } from '../../infra/props.ts';
import { addOutputs } from '../../infra/stack.ts';
import { parseSettings, settingsVariable } from '../../lambda/settings.ts';
import { at, evaluated, isObject, type Json, type JsonObject } from './evaluated.ts';
import { pascalCase, releaseTemplate as template } from './release-template.ts';

const parametersFor = (settings: FineTuningCurfewProps) =>
  Object.fromEntries(Object.entries(settings).map(([key, value]) => [pascalCase(key), String(value)]));

const cases: Record<string, FineTuningCurfewProps> = {
  defaults: {},
  'another name': { name: 'second' },
  'a secret': { secretName: 'team/key', secretField: 'key' },
  'budgets and limits': { timeBudgetMinutes: 90, lookbackDays: 0, cancelLimit: 5, warnBeforeMinutes: 0 },
  'no limit': { cancelLimit: 'none' },
  'a queue limit': { queueLimitMinutes: 600 },
  'no queue limit': { queueLimitMinutes: 'none' },
  'a dry run': { dryRun: true, timeBudgetMinutes: 0 },
  mail: { notifyEmail: 'ops@example.com' },
  'a log level': { logLevel: 'DEBUG' },
  Azure: { openaiBaseUrl: 'https://mine.openai.azure.com/openai/v1', provider: 'azure' },
  Bedrock: { provider: 'bedrock' },
  'customization jobs of Bedrock': { provider: 'bedrock-customization' },
  ...Object.fromEntries(
    [1, 5, 10, 15, 30, 60].map((minutes) => [`sweeps every ${minutes} minutes`, { sweepEveryMinutes: minutes }]),
  ),
};

describe('the template turns its parameters into the same stack as CDK does its props', () => {
  for (const [name, settings] of Object.entries(cases)) {
    test(name, () => {
      const app = new App();
      const stack = new Stack(app, 'FineTuningCurfew');
      addOutputs(new FineTuningCurfew(stack, 'Curfew', settings));
      const byCdk = evaluated(app.synth().getStackByName(stack.stackName).template);
      const byTemplate = evaluated(template, parametersFor(settings));
      assert.deepEqual(comparable(byTemplate.resources), comparable(byCdk.resources));
      assert.deepEqual(byTemplate.outputs, byCdk.outputs);
      // The template lets the function read the secret even for Bedrock, which needs none.
      const isSecret = (statement: Json) => at(statement, 'Action') === 'secretsmanager:GetSecretValue';
      const statements = (resources: JsonObject) =>
        statementsOf(resources).filter((each) => !String(settings.provider).startsWith('bedrock') || !isSecret(each));
      assert.deepEqual(statements(byTemplate.resources), statements(byCdk.resources));
    });
  }
});

/**
 * The resources except policies, without the code's location and what depends on how the address is known. The settings
 * are as the function reads them: parameters arrive as text, and empty is none.
 */
function comparable(resources: JsonObject): object {
  const others = Object.entries(resources).filter(([, resource]) => at(resource, 'Type') !== 'AWS::IAM::Policy');
  const entries = others.map(([id, resource]) => {
    const { DependsOn: _, Metadata: __, Properties, ...rest } = isObject(resource) ? resource : {};
    const { Code: ___, ...properties } = isObject(Properties) ? Properties : {};
    return [id.replace(/^CurfewMail(Email|ops).*/, 'Subscription'), { ...rest, Properties: properties }] as const;
  });
  const asRead = (key: string, value: unknown) =>
    key === settingsVariable ? parseSettings({ [key]: String(value), AWS_REGION: 'eu-central-1' }) : value;
  return JSON.parse(JSON.stringify(JSON.parse(JSON.stringify(Object.fromEntries(entries)), asRead)));
}

/** What the role may do, by any policy. */
function statementsOf(resources: JsonObject): Json[] {
  return Object.values(resources)
    .filter((resource) => at(resource, 'Type') === 'AWS::IAM::Policy')
    .flatMap((policy) => at(policy, 'Properties', 'PolicyDocument', 'Statement') ?? [])
    .toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

describe('a rule refuses what the stack refuses', () => {
  const refused: [rule: string, given: Record<string, string>][] = [
    ['TimeBudget', { TimeBudgetMinutes: '0' }],
    ['AzureHost', { Provider: 'azure' }],
    ...['bedrock', 'bedrock-customization'].map((Provider): [string, Record<string, string>] => [
      'BedrockHost',
      { Provider, OpenaiBaseUrl: 'https://mine.openai.azure.com/openai/v1' },
    ]),
  ];
  for (const [rule, given] of refused) {
    test(`${rule}: ${JSON.stringify(given)}`, () => assert.deepEqual(brokenRules(given), [rule]));
  }

  test('and nothing that it accepts', () => {
    for (const settings of Object.values(cases)) assert.deepEqual(brokenRules(parametersFor(settings)), []);
  });
});

function brokenRules(given: Record<string, string>): string[] {
  const { Parameters = {}, Rules = {} } = template;
  const { outputs } = evaluated({ Parameters, Outputs: Rules }, given);
  const isBroken = (rule: Json) =>
    at(rule, 'RuleCondition') && [at(rule, 'Assertions') ?? []].flat().some((each) => !at(each, 'Assert'));
  return Object.keys(outputs).filter((name) => isBroken(outputs[name] ?? null));
}
