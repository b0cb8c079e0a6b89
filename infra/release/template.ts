import { Token } from 'aws-cdk-lib';
import { environmentNames, settingsSchema } from '../../lambda/settings.ts';
import { asSubstitution, ifElse, inTable, isRef, ref } from './intrinsics.ts';
import { changed, isObject, type Json } from './json.ts';
import { type Resource, synthesized, type Template } from './synthesized.ts';
import { conditions, rules, sweepTable } from './template-conditions.ts';
import { pascalCase, templateParameters } from './template-parameters.ts';
import { policyFor } from './template-policy.ts';

/** An interval that the template does not offer, so what is made of it can be found: no other value is like these. */
const standIn = { minutes: 7, seconds: 420, expression: 'rate(7 minutes)' };

/**
 * The stack as a CloudFormation template, for whoever has no CDK. What CDK works out at synth from the settings, the
 * template says with conditions on its parameters.
 *
 * @param code the function's code: its path, from the template, or what else the property holds.
 */
export function curfewTemplate(code: Json): Template {
  const { Conditions, Outputs, Resources, ...others } = synthesized((parameter) => ({
    name: parameter('Name'),
    secretName: parameter('SecretName'),
    secretKmsKeyArn: parameter('SecretKmsKeyArn'),
    notifyEmail: parameter('NotifyEmail'),
    notifyTopicArn: parameter('NotifyTopicArn'),
    logRetentionDays: Token.asNumber(parameter('LogRetentionDays')),
    sweepEveryMinutes: standIn.minutes,
    savedQueries: false,
  }));
  const mailTopic = Object.keys(Resources).find((id) => Resources[id]?.Type === 'AWS::SNS::Topic') ?? '';
  const changes = [
    ({ Metadata: _, ...resource }: Resource) => resource,
    (resource: Resource) => withSettings(resource, code),
    (resource: Resource) => (resource.Type === 'AWS::IAM::Policy' ? policyFor(resource) : resource),
    withSchedule,
    withSwitch,
    (resource: Resource) => withTopics(resource, mailTopic),
    (resource: Resource) => withProperties(resource, asSubstitution),
  ];
  return {
    ...others,
    Parameters: templateParameters(),
    Mappings: { Sweeps: sweepTable },
    Rules: rules,
    Conditions: { ...conditions, ...Conditions },
    Resources: Object.fromEntries(
      Object.entries(Resources).map(([id, resource]) => [
        id,
        changes.reduce((result, change) => change(result), resource),
      ]),
    ),
    Outputs: Object.fromEntries(
      Object.entries(Outputs).map(([name, output]) => [name, changed(output, asSubstitution)]),
    ),
  };
}

/** The function with its code, and with its settings from the parameters; one that is empty is absent. */
function withSettings(resource: Resource, code: Json): Resource {
  if (resource.Type !== 'AWS::Lambda::Function') return resource;
  const emptyUnless: Record<string, string> = { provider: 'HasProvider', openaiProject: 'HasProject' };
  const given = Object.entries(environmentNames)
    .filter(([setting]) => setting in settingsSchema.entries)
    .map(([setting, variable]): [string, Json] => {
      const value = ref(pascalCase(setting));
      const condition = emptyUnless[setting];
      return [variable, condition === undefined ? value : ifElse(condition, value)];
    });
  const { Environment } = resource.Properties;
  const others = isObject(Environment) && isObject(Environment['Variables']) ? Environment['Variables'] : {};
  const Variables = { ...others, ...Object.fromEntries(given), LOG_LEVEL: ref('LogLevel') };
  return { ...resource, Properties: { ...resource.Properties, Code: code, Environment: { Variables } } };
}

/** How often sweeps come, and all that follows from it, from the table. */
function withSchedule(resource: Resource): Resource {
  const lookedUp = (column: string) => inTable('Sweeps', ref('SweepEveryMinutes'), column);
  const isAlarm = resource.Type === 'AWS::CloudWatch::Alarm';
  const seconds = isAlarm && !watchesSweeps(resource) ? 'AlarmSeconds' : 'Seconds';
  return withProperties(resource, (part) => {
    if (part === standIn.expression) return lookedUp('Expression');
    return part === standIn.seconds ? lookedUp(seconds) : part;
  });
}

/** Without sweeps the rules are off, and nobody is alarmed that none came. */
function withSwitch(resource: Resource): Resource {
  if ('ScheduleExpression' in resource.Properties) {
    const State = ifElse('IsEnabled', 'ENABLED', 'DISABLED');
    return { ...resource, Properties: { ...resource.Properties, State } };
  }
  return watchesSweeps(resource) ? { ...resource, Condition: 'IsEnabled' } : resource;
}

/** Whether it is the alarm on missing sweeps. */
const watchesSweeps = ({ Properties }: Resource) => Properties['MetricName'] === 'SweepDuration';

const ofEmail = ['AWS::KMS::Key', 'AWS::SNS::Topic', 'AWS::SNS::TopicPolicy', 'AWS::SNS::Subscription'];

/** The topic for mails and the one that was given are each there or not, and so is whatever uses them. */
function withTopics(resource: Resource, mailTopic: string): Resource {
  if (ofEmail.includes(resource.Type)) return { ...resource, Condition: 'HasEmail' };
  const isMail = 'EventPattern' in resource.Properties;
  const inLists = withProperties(resource, (part) =>
    Array.isArray(part) ? part.map((entry) => ifTopic(entry, mailTopic)) : part,
  );
  return isMail ? { ...inLists, Condition: 'HasTopic' } : inLists;
}

function ifTopic(entry: Json, mailTopic: string): Json {
  const topic = isObject(entry) && 'Arn' in entry ? entry['Arn'] : entry;
  if (isRef(topic, 'NotifyTopicArn')) return ifElse('HasTopicArn', entry);
  return isRef(topic, mailTopic) ? ifElse('HasEmail', entry) : entry;
}

function withProperties(resource: Resource, change: (part: Json) => Json): Resource {
  const properties = changed(resource.Properties, change);
  return isObject(properties) ? { ...resource, Properties: properties } : resource;
}
