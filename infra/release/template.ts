import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  App,
  Aws,
  CfnCondition,
  CfnMapping,
  CfnResource,
  CfnRule,
  DefaultStackSynthesizer,
  Duration,
  Fn,
  type ICfnConditionExpression,
  type IStackSynthesizer,
  Stack,
  Token,
  Validations,
} from 'aws-cdk-lib';
import { CfnAlarm } from 'aws-cdk-lib/aws-cloudwatch';
import { CfnRule as CfnEventRule, Schedule } from 'aws-cdk-lib/aws-events';
import { CfnFunction } from 'aws-cdk-lib/aws-lambda';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { IConstruct } from 'constructs';
import { defaultBaseUrl } from '../../lambda/settings.ts';
import { FineTuningCurfew } from '../fine-tuning-curfew.ts';
import { alarmPeriod } from '../monitoring/alarms.ts';
import { addOutputs } from '../stack.ts';
import { addParameter, intervals, type TemplateSetting } from './parameters.ts';

/**
 * Returns the stack as a CloudFormation template, for use without CDK.
 *
 * @param code the path of the function's code, relative to the template.
 */
export function curfewTemplate(code: string): object {
  const outdir = mkdtempSync(join(tmpdir(), 'curfew-'));
  try {
    const app = new App({ outdir, analyticsReporting: false });
    const stack = new Stack(app, 'FineTuningCurfew', {
      description: 'A run-time limit for fine-tuning jobs',
      // The cast is safe: CDK's types do not support exactOptionalPropertyTypes.
      synthesizer: new DefaultStackSynthesizer({ generateBootstrapVersionRule: false }) as IStackSynthesizer,
    });
    addCurfew(stack, code);
    const reasons = {
      'CloudFormation-Validate::W2509': 'The name of a secret is not a secret.',
      'CloudFormation-Validate::W3002': '`aws cloudformation package` replaces the path of the code.',
    };
    for (const [id, reason] of Object.entries(reasons)) Validations.of(stack).acknowledge({ id, reason });
    return app.synth().getStackByName(stack.stackName).template;
  } finally {
    rmSync(outdir, { recursive: true });
  }
}

/**
 * Stands for the sweep interval: CDK cannot build schedules and alarms from tokens. Everything with this duration
 * is replaced to follow the parameter.
 */
const dummyInterval = Duration.hours(1);

/** Adds fine-tuning curfew with parameters as its settings. */
function addCurfew(stack: Stack, code: string): void {
  const text = (setting: TemplateSetting) => addParameter(stack, setting).valueAsString;
  const any = (setting: TemplateSetting) => addParameter(stack, setting).value;
  const number = (setting: TemplateSetting) => Token.asNumber(any(setting));
  // The console shows the parameters in this order.
  const settings = {
    name: text('name'),
    secret: Secret.fromSecretNameV2(stack, 'Secret', text('secretName')),
    secretField: text('secretField'),
    timeBudgetMinutes: number('timeBudgetMinutes'),
    queueLimitMinutes: any('queueLimitMinutes'),
    sweepEveryMinutes: text('sweepEveryMinutes'),
    lookbackDays: number('lookbackDays'),
    cancelLimit: any('cancelLimit'),
    warnBeforeMinutes: number('warnBeforeMinutes'),
    openaiBaseUrl: text('openaiBaseUrl'),
    provider: any('provider'),
    dryRun: any('dryRun'),
    notifyEmail: text('notifyEmail'),
    logLevel: any('logLevel'),
  };
  const { timeBudgetMinutes, openaiBaseUrl, provider, dryRun, notifyEmail } = settings;

  const when = (conditionId: string, expression: ICfnConditionExpression) =>
    new CfnCondition(stack, conditionId, { expression });
  const hasEmail = when('HasEmail', Fn.conditionNot(Fn.conditionEquals(notifyEmail, '')));
  const isBedrock = when('IsBedrock', Fn.conditionEquals(provider, 'bedrock'));
  const isCustomization = when('IsBedrockCustomization', Fn.conditionEquals(provider, 'bedrock-customization'));

  const curfew = new FineTuningCurfew(stack, 'Curfew', { ...settings, sweepEveryMinutes: dummyInterval.toMinutes() });
  addOutputs(curfew);
  for (const part of ['MailKey', 'Mail', 'EventMail']) makeOptional(curfew.node.findChild(part), hasEmail);
  const policyOf = (policyId: string) => curfew.node.findChild('Curfew').node.findChild(policyId);
  makeOptional(policyOf('IfBedrock'), isBedrock);
  makeOptional(policyOf('IfBedrockCustomization'), isCustomization);
  mailAlarms(curfew, hasEmail);
  followInterval(curfew, settings.sweepEveryMinutes);
  for (const part of curfew.node.findAll()) if (part instanceof CfnFunction) part.addPropertyOverride('Code', code);

  const isDefault = Fn.conditionEquals(openaiBaseUrl, defaultBaseUrl);
  const rules: [id: string, condition: ICfnConditionExpression, assert: ICfnConditionExpression, why: string][] = [
    [
      'TimeBudget',
      Fn.conditionEquals(timeBudgetMinutes, '0'),
      Fn.conditionEquals(dryRun, 'true'),
      'TimeBudgetMinutes 0 would cancel every job at once: allowed only with DryRun true. To stop everything now, send {"stopAll": {}}',
    ],
    [
      'AzureHost',
      Fn.conditionEquals(provider, 'azure'),
      Fn.conditionNot(isDefault),
      'OpenaiBaseUrl must be that of your Azure resource for Provider azure',
    ],
    [
      'BedrockHost',
      Fn.conditionOr(Fn.conditionEquals(provider, 'bedrock'), Fn.conditionEquals(provider, 'bedrock-customization')),
      isDefault,
      'Leave OpenaiBaseUrl as it is for Bedrock, which is that of the region of this stack. For another region, deploy the stack there',
    ],
  ];
  for (const [ruleId, ruleCondition, assert, assertDescription] of rules) {
    new CfnRule(stack, ruleId, { ruleCondition, assertions: [{ assert, assertDescription }] });
  }
}

/** Makes all resources of a construct depend on a condition. */
function makeOptional(construct: IConstruct, condition: CfnCondition): void {
  for (const part of construct.node.findAll()) if (part instanceof CfnResource) part.cfnOptions.condition = condition;
}

/** Gives alarms the mail topic as an action, only if it exists. */
function mailAlarms({ alarms, topic }: FineTuningCurfew, condition: CfnCondition): void {
  const actions = [Fn.conditionIf(condition.logicalId, topic?.topicArn, Aws.NO_VALUE).toString()];
  for (const { node } of alarms) {
    const alarm = node.defaultChild;
    if (!(alarm instanceof CfnAlarm)) continue;
    alarm.alarmActions = actions;
    alarm.okActions = actions;
    if (node.id === 'NoSweep') alarm.insufficientDataActions = actions;
  }
}

/** Replaces everything that depends on the sweep interval by a mapping. */
function followInterval(curfew: FineTuningCurfew, minutes: string): void {
  const rows = intervals.map((interval) => [
    interval,
    {
      Expression: Schedule.rate(Duration.minutes(interval)).expressionString,
      Seconds: interval * 60,
      AlarmSeconds: alarmPeriod(interval).toSeconds(),
    },
  ]);
  const mapping = new CfnMapping(Stack.of(curfew), 'Sweeps', { mapping: Object.fromEntries(rows) });
  for (const part of curfew.node.findAll()) {
    if (part instanceof CfnEventRule && part.scheduleExpression === Schedule.rate(dummyInterval).expressionString)
      part.scheduleExpression = mapping.findInMap(minutes, 'Expression');
    if (part instanceof CfnAlarm && part.period === dummyInterval.toSeconds()) {
      const column = part.metricName === 'SweepDuration' ? 'Seconds' : 'AlarmSeconds';
      part.period = Token.asNumber(mapping.findInMap(minutes, column));
    }
  }
}
