import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { App, Stack } from 'aws-cdk-lib';
import { FineTuningCurfew } from '../../infra/index.ts';
import type { FineTuningCurfewProps } from '../../infra/props.ts';
import { addOutputs } from '../../infra/stack.ts';
import { parseSettings, settingsVariable } from '../../lambda/settings.ts';
import { evaluated, isObject, type Json, type JsonObject } from './evaluated.ts';
import { pascalCase, releaseTemplate as template } from './release-template.ts';

const parametersFor = (settings: FineTuningCurfewProps) =>
  Object.fromEntries(Object.entries(settings).map(([key, value]) => [pascalCase(key), String(value)]));

const cases: Record<string, FineTuningCurfewProps> = {
  'nothing said': {},
  'another name': { name: 'second' },
  'a secret': { secretName: 'team/key', secretField: 'key' },
  'budgets and limits': { timeBudgetMinutes: 90, lookbackDays: 0, cancelLimit: 5, warnBeforeMinutes: 0 },
  'no limit': { cancelLimit: 'none' },
  'a queue limit': { queueLimitMinutes: 600 },
  'no queue limit': { queueLimitMinutes: 'none' },
  'a dry run': { dryRun: true, timeBudgetMinutes: 0 },
  mail: { notifyEmail: 'ops@example.com' },
  'how to log': { logLevel: 'DEBUG' },
  Azure: { openaiBaseUrl: 'https://mine.openai.azure.com/openai/v1', provider: 'azure' },
  Bedrock: { provider: 'bedrock' },
  'customization jobs of Bedrock': { provider: 'bedrock-customization' },
  ...Object.fromEntries(
    [1, 5, 10, 15, 30, 60].map((minutes) => [`sweeps every ${minutes} minutes`, { sweepEveryMinutes: minutes }]),
  ),
};

describe('the template makes the same of its parameters as the CDK stack of its props', () => {
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
      const isSecret = ({ Action }: JsonObject) => Action === 'secretsmanager:GetSecretValue';
      const more = statementsOf(byTemplate.resources).filter((each) => !isSecret(each));
      assert.deepEqual(
        more,
        statementsOf(byCdk.resources).filter((each) => !isSecret(each)),
      );
      if (settings.provider !== 'bedrock' && settings.provider !== 'bedrock-customization') {
        assert.deepEqual(
          statementsOf(byTemplate.resources).filter(isSecret),
          statementsOf(byCdk.resources).filter(isSecret),
        );
      }
    });
  }
});

/**
 * The resources but policies, without where the code is, and what follows from how the address is known. The settings of
 * the function are what it reads.
 */
function comparable(resources: JsonObject): JsonObject {
  const others = Object.entries(resources).filter(([, resource]) => typeOf(resource) !== 'AWS::IAM::Policy');
  return Object.fromEntries(
    others.map(([id, resource]) => {
      const { DependsOn: _, Metadata: __, Properties, ...rest } = isObject(resource) ? resource : {};
      const { Code: ___, Environment, ...properties } = isObject(Properties) ? Properties : {};
      if (typeOf(resource) === 'AWS::Lambda::Function') properties['Environment'] = asRead(Environment);
      else if (Environment !== undefined) properties['Environment'] = Environment;
      return [id.replace(/^CurfewMail(Email|ops).*/, 'Subscription'), { ...rest, Properties: properties }];
    }),
  );
}

/** The environment of the function, with its settings as it reads them: parameters arrive as text, and empty is none. */
function asRead(environment: Json | undefined): JsonObject {
  const { Variables } = isObject(environment) ? environment : {};
  const variables = isObject(Variables) ? Variables : {};
  const settings = parseSettings({
    [settingsVariable]: String(variables[settingsVariable]),
    AWS_REGION: 'eu-central-1',
  });
  return { ...variables, [settingsVariable]: JSON.parse(JSON.stringify(settings)) };
}

/** What the role may do, in whichever policy. */
function statementsOf(resources: JsonObject): JsonObject[] {
  const statements = Object.values(resources)
    .filter((resource) => typeOf(resource) === 'AWS::IAM::Policy')
    .flatMap((policy): Json[] => {
      const { Properties } = isObject(policy) ? policy : {};
      const { PolicyDocument } = isObject(Properties) ? Properties : {};
      const { Statement = [] } = isObject(PolicyDocument) ? PolicyDocument : {};
      return [Statement].flat();
    });
  return statements.filter(isObject).toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

const typeOf = (resource: Json) => (isObject(resource) ? resource['Type'] : undefined);

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

  test('and nothing that it takes', () => {
    for (const settings of Object.values(cases)) assert.deepEqual(brokenRules(parametersFor(settings)), []);
  });
});

function brokenRules(given: Record<string, string>): string[] {
  const { Parameters = {}, Rules = {} } = template;
  const { outputs } = evaluated({ Parameters, Outputs: Rules }, given);
  return Object.entries(outputs).flatMap(([name, rule]) => {
    const { RuleCondition, Assertions } = isObject(rule) ? rule : {};
    const asserted = Array.isArray(Assertions) ? Assertions.filter(isObject) : [];
    return RuleCondition && asserted.some(({ Assert }) => !Assert) ? [name] : [];
  });
}
