import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { bundleFunction } from '../../infra/function/bundling.ts';
import { isolatedEnvironment, newRunDirectory } from '../../infra/local/aws/workspace.ts';
import type { FineTuningCurfewProps } from '../../infra/props.ts';
import { changed, isObject, type Json } from '../../infra/release/json.ts';
import { synthesized } from '../../infra/release/synthesized.ts';
import { curfewTemplate } from '../../infra/release/template.ts';
import { pascalCase, sweepsEveryMinutes } from '../../infra/release/template-parameters.ts';
import { evaluated } from './evaluated.ts';

// CDK writes below the home directory.
Object.assign(process.env, isolatedEnvironment(newRunDirectory()));
await bundleFunction();
const template = curfewTemplate('code.zip');

/** Both without what must differ: where the code is, ids that hold the address, how targets are numbered, and what is said twice. */
function comparable(part: Json): Json {
  if (!isObject(part)) return part;
  const { Resource } = part;
  if (Array.isArray(Resource)) {
    const [resource = null, ...others] = new Set(Resource);
    return { ...part, Resource: others.length === 0 ? resource : [resource, ...others] };
  }
  if ('S3Bucket' in part) return 'code.zip';
  const { Id: _, ...others } = part;
  return Object.fromEntries(
    Object.entries('Arn' in part ? others : part).map(([id, value]) => [
      id.replace(/^CurfewMail(Email|ops).*/, 'Subscription'),
      value,
    ]),
  );
}

const parametersFor = (settings: FineTuningCurfewProps) =>
  Object.fromEntries(Object.entries(settings).map(([key, value]) => [pascalCase(key), String(value)]));

const secretArn = 'arn:aws:secretsmanager:us-east-1:999999999999:secret:team/key-AbCdEf';
const topic = 'arn:aws:sns:eu-central-1:123456789012:alarms';
const cases: Record<string, FineTuningCurfewProps> = {
  'nothing said': {},
  'another name': { name: 'second' },
  'a secret by name': { secretName: 'team/key', secretField: 'key' },
  'a secret by ARN, with a key': {
    secretName: secretArn,
    secretKmsKeyArn: 'arn:aws:kms:eu-central-1:123456789012:key/1234abcd',
  },
  'budgets and limits': { timeBudgetMinutes: 90, lookbackDays: 0, cancelLimit: 5, warnBeforeMinutes: 0 },
  'no limit': { cancelLimit: 'none' },
  'a dry run': { dryRun: true, timeBudgetMinutes: 0 },
  'no sweeps': { enabled: false },
  mail: { notifyEmail: 'ops@example.com' },
  'a topic': { notifyTopicArn: topic },
  'mail and a topic': { notifyEmail: 'ops@example.com', notifyTopicArn: topic },
  'how to log': { logLevel: 'DEBUG', logRetentionDays: 365 },
  Azure: { openaiBaseUrl: 'https://mine.openai.azure.com/openai/v1', provider: 'azure' },
  'a project of OpenAI': { openaiProject: 'proj_1' },
  Bedrock: { provider: 'bedrock' },
  'one project of Bedrock': { provider: 'bedrock', openaiProject: 'proj_1' },
  ...Object.fromEntries(
    sweepsEveryMinutes.map((minutes) => [`sweeps every ${minutes} minutes`, { sweepEveryMinutes: minutes }]),
  ),
};

describe('the template makes the same of its parameters as the CDK stack of its context', () => {
  for (const [name, settings] of Object.entries(cases)) {
    test(name, () => {
      const byTemplate = evaluated(template, parametersFor(settings));
      const byCdk = evaluated(synthesized(() => ({ ...settings, savedQueries: false })));
      assert.deepEqual(changed(byTemplate.resources, comparable), changed(byCdk.resources, comparable));
      assert.deepEqual(byTemplate.outputs, byCdk.outputs);
    });
  }
});

describe('a rule refuses what the stack refuses', () => {
  const refused: [rule: string, given: Record<string, string>][] = [
    ['TimeBudget', { TimeBudgetMinutes: '0' }],
    ['AzureHost', { Provider: 'azure' }],
    ['BedrockHost', { Provider: 'bedrock', OpenaiBaseUrl: 'https://mine.openai.azure.com/openai/v1' }],
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
