import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import * as v from 'valibot';
import { checkedSettings } from '../../infra/settings/settings.ts';
import { pascalCase, releaseTemplate } from './release-template.ts';

const parameterSchema = v.object({
  Default: v.union([v.string(), v.number()]),
  AllowedPattern: v.optional(v.string()),
  AllowedValues: v.optional(v.array(v.union([v.string(), v.number()]))),
});
type Parameter = v.InferOutput<typeof parameterSchema>;
const parameters = v.parse(v.record(v.string(), parameterSchema), releaseTemplate['Parameters']);
const parameterOf = (setting: string) => parameters[pascalCase(setting)] ?? assert.fail(setting);

/** Whether CloudFormation accepts this value. */
function isTaken({ AllowedPattern, AllowedValues }: Parameter, value: string): boolean {
  return AllowedValues ? AllowedValues.map(String).includes(value) : new RegExp(AllowedPattern ?? '').test(value);
}

/** Whether the stack does. A budget of 0 has a rule of its own, and the template says none with an empty value. */
function isAllowed(setting: string, value: string): boolean {
  if (value === '' && parameterOf(setting).Default === '') return true;
  const settings: Record<string, unknown> = { dryRun: true, [setting]: value };
  try {
    checkedSettings(settings, 'prop');
    return true;
  } catch {
    return false;
  }
}

/** What the stack refuses, for each setting that is a parameter. */
const wrong: Record<string, string[]> = {
  name: ['', '1st', 'a b', 'a_b', 'a'.repeat(41), 'curfew\n'],
  secretName: ['', 'a b', 'ä', 'a'.repeat(513)],
  secretField: ['', 'a b'],
  timeBudgetMinutes: ['', '-1', '1.5', '1e3', '9999999999', 'none'],
  queueLimitMinutes: ['0', '-1', '1.5', '1e3', '9999999999', 'None'],
  sweepEveryMinutes: ['0', '1441', '2.5', ''],
  lookbackDays: ['', '-1', '0.5'],
  cancelLimit: ['', '0', '-1', '1.5', 'None'],
  warnBeforeMinutes: ['', '-1', '1.5'],
  openaiBaseUrl: [
    ...['', 'api.openai.com', 'ftp://api.openai.com', 'http://api.openai.com/v1', 'https://'],
    ...['https://user@host/v1', 'https://user:secret@host/v1', 'https://host/v1?a=b', 'https://host/v1#a'],
    ...['http://localhost.example.com/v1', 'http://127.0.0.1.example.com', 'https://host:0x1', 'https://host:65536'],
    ...['https://1.2.3.4.5/v1', 'https://256.256.256.256', 'https://host name/v1'],
  ],
  provider: ['OpenAI', 'google', 'bedrock-mantle'],
  dryRun: ['', 'True', 'yes', '1'],
  notifyEmail: ['ops', '@example.com', 'ops@', 'a b@example.com', 'a@b@c'],
  logLevel: ['', 'debug', 'TRACE'],
};

test('the template has a parameter for each of these settings, with its default', () => {
  assert.deepEqual(Object.keys(parameters).sort(), Object.keys(wrong).map(pascalCase).sort());
  const defaults = new Map<string, unknown>(Object.entries(checkedSettings({}, 'prop')));
  for (const setting of Object.keys(wrong)) {
    assert.equal(String(parameterOf(setting).Default), String(defaults.get(setting) ?? ''), setting);
  }
});

test('a parameter accepts its default', () => {
  for (const [name, parameter] of Object.entries(parameters)) {
    assert.ok(isTaken(parameter, String(parameter.Default)), name);
  }
});

/** Excludes what the URL pattern excludes, which fast-check cannot express. */
const hostOfBedrock = '(?!(?i:bedrock-mantle)\\.)';

// From a URL, the template could not know that it needs other permissions.
test('OpenaiBaseUrl is never a Bedrock URL: only Provider selects Bedrock', () => {
  const parameter = parameterOf('openaiBaseUrl');
  assert.ok(parameter.AllowedPattern?.includes(hostOfBedrock));
  for (const host of ['bedrock-mantle.us-west-2.api.aws', 'Bedrock-Mantle.us-west-2.api.aws']) {
    for (const end of ['', '/', '/v1', ':443/v1']) {
      assert.ok(!isTaken(parameter, `https://${host}${end}`), `${host}${end}`);
    }
  }
  assert.ok(isTaken(parameter, 'https://mine.openai.azure.com/openai/v1'));
});

test('no parameter accepts what would end a JSON string', () => {
  for (const name of ['name', 'secretName', 'secretField', 'openaiBaseUrl', 'notifyEmail']) {
    for (const sign of ['"', '\\']) assert.ok(!isTaken(parameterOf(name), `https://a${sign}@b`), name);
  }
});

describe('a parameter refuses what the stack refuses', () => {
  for (const [setting, values] of Object.entries(wrong)) {
    test(`as ${pascalCase(setting)}`, () => {
      const parameter = parameterOf(setting);
      for (const value of values) {
        assert.ok(!isAllowed(setting, value), `the stack takes ${value}`);
        assert.ok(!isTaken(parameter, value), value);
      }
      const { AllowedPattern, AllowedValues = [] } = parameter;
      const taken =
        AllowedPattern === undefined
          ? fc.constantFrom(...AllowedValues.map(String))
          : fc
              .stringMatching(new RegExp(AllowedPattern.replace(hostOfBedrock, '')))
              .filter((value) => isTaken(parameter, value));
      fc.assert(fc.property(taken, (value) => assert.ok(isAllowed(setting, value), value)));
    });
  }
});
