import {
  Aws,
  CfnCondition,
  CfnMapping,
  CfnResource,
  CfnRule,
  Duration,
  Fn,
  type ICfnConditionExpression,
  Stack,
  type StackProps,
  Token,
} from 'aws-cdk-lib';
import { CfnAlarm } from 'aws-cdk-lib/aws-cloudwatch';
import { CfnRule as CfnEventRule, Schedule } from 'aws-cdk-lib/aws-events';
import { CfnFunction } from 'aws-cdk-lib/aws-lambda';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct, IConstruct } from 'constructs';
import { defaultBaseUrl } from '../../lambda/settings.ts';
import { FineTuningCurfew } from '../fine-tuning-curfew.ts';
import { alarmPeriod } from '../monitoring/alarms.ts';
import { addOutputs } from '../stack.ts';
import { addParameter, intervals } from './parameters.ts';

export interface TemplateStackProps extends StackProps {
  /** Where the function's code is, seen from the template. */
  code: string;
}

/**
 * How often sweeps come, as far as CDK knows, which can make neither a schedule nor an alarm of a token. All that has
 * this length follows the parameter instead.
 */
const standIn = Duration.hours(1);

/** Fine-tuning curfew for whoever has no CDK: its settings are parameters of the template. */
export class TemplateStack extends Stack {
  constructor(scope: Construct, id: string, { code, ...props }: TemplateStackProps) {
    super(scope, id, props);
    const name = addParameter(this, 'name').valueAsString;
    const secretName = addParameter(this, 'secretName').valueAsString;
    const secretField = addParameter(this, 'secretField').valueAsString;
    const timeBudgetMinutes = addParameter(this, 'timeBudgetMinutes').value;
    const queueLimitMinutes = addParameter(this, 'queueLimitMinutes').value;
    const sweepEveryMinutes = addParameter(this, 'sweepEveryMinutes').valueAsString;
    const lookbackDays = addParameter(this, 'lookbackDays').value;
    const cancelLimit = addParameter(this, 'cancelLimit').value;
    const warnBeforeMinutes = addParameter(this, 'warnBeforeMinutes').value;
    const openaiBaseUrl = addParameter(this, 'openaiBaseUrl').valueAsString;
    const provider = addParameter(this, 'provider').value;
    const dryRun = addParameter(this, 'dryRun').value;
    const notifyEmail = addParameter(this, 'notifyEmail').valueAsString;
    const logLevel = addParameter(this, 'logLevel').value;

    const when = (conditionId: string, expression: ICfnConditionExpression) =>
      new CfnCondition(this, conditionId, { expression });
    const hasEmail = when('HasEmail', Fn.conditionNot(Fn.conditionEquals(notifyEmail, '')));
    const isBedrock = when('IsBedrock', Fn.conditionEquals(provider, 'bedrock'));
    const isCustomization = when('IsBedrockCustomization', Fn.conditionEquals(provider, 'bedrock-customization'));

    const curfew = new FineTuningCurfew(this, 'Curfew', {
      name,
      secret: Secret.fromSecretNameV2(this, 'Secret', secretName),
      secretField,
      timeBudgetMinutes: Token.asNumber(timeBudgetMinutes),
      queueLimitMinutes,
      sweepEveryMinutes: standIn.toMinutes(),
      lookbackDays: Token.asNumber(lookbackDays),
      cancelLimit,
      warnBeforeMinutes: Token.asNumber(warnBeforeMinutes),
      openaiBaseUrl,
      provider,
      dryRun,
      notifyEmail,
      logLevel,
    });
    addOutputs(curfew);
    for (const part of ['MailKey', 'Mail', 'EventMail']) makeOptional(curfew.node.findChild(part), hasEmail);
    const policyOf = (policyId: string) => curfew.node.findChild('Curfew').node.findChild(policyId);
    makeOptional(policyOf('IfBedrock'), isBedrock);
    makeOptional(policyOf('IfBedrockCustomization'), isCustomization);
    mailAlarms(curfew, hasEmail);
    followInterval(curfew, sweepEveryMinutes);
    for (const part of curfew.node.findAll()) if (part instanceof CfnFunction) part.addPropertyOverride('Code', code);

    const isDefault = Fn.conditionEquals(openaiBaseUrl, defaultBaseUrl);
    const rule = (
      ruleId: string,
      ruleCondition: ICfnConditionExpression,
      assert: ICfnConditionExpression,
      assertDescription: string,
    ) => new CfnRule(this, ruleId, { ruleCondition, assertions: [{ assert, assertDescription }] });
    rule(
      'TimeBudget',
      Fn.conditionEquals(timeBudgetMinutes, '0'),
      Fn.conditionEquals(dryRun, 'true'),
      'TimeBudgetMinutes 0 would cancel every job at once: allowed only with DryRun true. To stop everything now, send {"stopAll": {}}',
    );
    rule(
      'AzureHost',
      Fn.conditionEquals(provider, 'azure'),
      Fn.conditionNot(isDefault),
      'OpenaiBaseUrl must be that of your Azure resource for Provider azure',
    );
    rule(
      'BedrockHost',
      Fn.conditionOr(Fn.conditionEquals(provider, 'bedrock'), Fn.conditionEquals(provider, 'bedrock-customization')),
      isDefault,
      'Leave OpenaiBaseUrl as it is for Bedrock, which is that of the region of this stack. For another region, deploy the stack there',
    );
  }
}

/** All of a construct is there only if the condition holds. */
function makeOptional(construct: IConstruct, condition: CfnCondition): void {
  for (const part of construct.node.findAll()) if (part instanceof CfnResource) part.cfnOptions.condition = condition;
}

/** Alarms must not refer to a topic that is not there. */
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

/** Takes from a mapping what depends on how often sweeps come. */
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
    if (part instanceof CfnEventRule && part.scheduleExpression === Schedule.rate(standIn).expressionString)
      part.scheduleExpression = mapping.findInMap(minutes, 'Expression');
    if (part instanceof CfnAlarm && part.period === standIn.toSeconds()) {
      const column = part.metricName === 'SweepDuration' ? 'Seconds' : 'AlarmSeconds';
      part.period = Token.asNumber(mapping.findInMap(minutes, column));
    }
  }
}
