import { defaultBaseUrl } from '../lambda/settings.ts';
import type { Json, JsonObject } from './json.ts';
import { sweepsEveryMinutes } from './template-parameters.ts';

const ref = (parameter: string): JsonObject => ({ Ref: parameter });
const equals = (one: Json, other: Json): JsonObject => ({ 'Fn::Equals': [one, other] });
const not = (condition: JsonObject): JsonObject => ({ 'Fn::Not': [condition] });
const or = (...any: JsonObject[]): JsonObject => ({ 'Fn::Or': any });
const and = (...all: JsonObject[]): JsonObject => ({ 'Fn::And': all });
const condition = (name: string): JsonObject => ({ Condition: name });
const isGiven = (parameter: string) => not(equals(ref(parameter), ''));
const join = (separator: string, parts: Json[]): JsonObject => ({ 'Fn::Join': [separator, parts] });
/** One part of a text. There must be one, even in a branch that is not taken, so a few are appended. */
const partOf = (text: Json, separator: string, index: number): JsonObject => ({
  'Fn::Select': [index, { 'Fn::Split': [separator, join('', [text, separator.repeat(3)])] }],
});

const host = partOf(ref('OpenaiBaseUrl'), '/', 2);
const regionOfHost = partOf(host, '.', 1);

export const noValue: JsonObject = ref('AWS::NoValue');
export const ifElse = (name: string, then: Json, otherwise: Json = noValue): JsonObject => ({
  'Fn::If': [name, then, otherwise],
});

/** What resources and properties depend on. */
export const conditions: JsonObject = {
  IsEnabled: equals(ref('Enabled'), 'true'),
  HasEmail: isGiven('NotifyEmail'),
  HasTopicArn: isGiven('NotifyTopicArn'),
  HasTopic: or(condition('HasEmail'), condition('HasTopicArn')),
  HasProvider: isGiven('Provider'),
  HasProject: isGiven('OpenaiProject'),
  IsBedrockHost: equals(host, join('', ['bedrock-mantle.', regionOfHost, '.api.aws'])),
  IsBedrock: or(
    equals(ref('Provider'), 'bedrock'),
    and(not(condition('HasProvider')), condition('IsBedrockHost')),
  ),
  NeedsSecret: not(condition('IsBedrock')),
  NeedsKmsKey: and(condition('NeedsSecret'), isGiven('SecretKmsKeyArn')),
  IsSecretArn: equals(partOf(ref('SecretName'), ':', 0), 'arn'),
};

/** What no deployment must have, refused before it begins. */
export const rules: JsonObject = {
  TimeBudget: {
    RuleCondition: equals(ref('TimeBudgetMinutes'), '0'),
    Assertions: [
      {
        Assert: equals(ref('DryRun'), 'true'),
        AssertDescription:
          'TimeBudgetMinutes 0 would cancel every job at once: allowed only with DryRun true. To stop everything now, send {"stopAll": {}}',
      },
    ],
  },
  AzureHost: {
    RuleCondition: equals(ref('Provider'), 'azure'),
    Assertions: [
      {
        Assert: not(equals(ref('OpenaiBaseUrl'), defaultBaseUrl)),
        AssertDescription: 'OpenaiBaseUrl must be that of your Azure resource for Provider azure',
      },
    ],
  },
};

/** What follows from each interval between sweeps. */
export const sweepTable: JsonObject = Object.fromEntries(
  sweepsEveryMinutes.map((minutes) => [
    String(minutes),
    { Expression: `rate(${minutes} minute${minutes === 1 ? '' : 's'})`, Seconds: minutes * 60 },
  ]),
);

/** The ARN of the secret, whose last six characters Secrets Manager chose if only a name is given. */
export const secretArn = ifElse('IsSecretArn', ref('SecretName'), {
  'Fn::Sub':
    // biome-ignore lint/suspicious/noTemplateCurlyInString: CloudFormation fills it in.
    'arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:${SecretName}-??????',
});

/** The region of the Bedrock whose jobs these are. */
export const bedrockRegion = ifElse('IsBedrockHost', regionOfHost, ref('AWS::Region'));
