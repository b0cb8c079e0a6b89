import { type Stack, Token } from 'aws-cdk-lib';
import { nameOf } from '../function/secret.ts';
import type { FineTuningCurfewProps } from '../props.ts';
import { type CurfewSettings, checkedSettings, closestName, settingNames } from './settings.ts';

/** Checks for a member instead of a class, so that imported constructs and any CDK version pass. */
const has = (member: string) => (value: unknown) => typeof value === 'object' && value !== null && member in value;
const isObject = (value: unknown) => typeof value === 'object' && value !== null;
const areGroups = (value: unknown) => Array.isArray(value) && value.every(has('securityGroupId'));

/** The props that are not settings, and so only for CDK apps: a check and the allowed values. */
const otherProps: Record<
  Exclude<keyof FineTuningCurfewProps, keyof CurfewSettings>,
  [isRight: (value: unknown) => boolean, allowed: string]
> = {
  secret: [has('secretArn'), 'an ISecret; a name or ARN is "secretName"'],
  topic: [has('topicArn'), 'an ITopic; an ARN is "notifyTopicArn"'],
  eventBus: [has('eventBusArn'), 'an IEventBus, such as EventBus.fromEventBusName(this, "Bus", "…")'],
  vpc: [has('vpcId'), 'an IVpc, such as Vpc.fromLookup(this, "Vpc", { vpcId: "…" })'],
  vpcSubnets: [isObject, 'a SubnetSelection, such as { subnetType: … }'],
  securityGroups: [areGroups, 'an array of ISecurityGroup'],
  savedQueries: [(value) => typeof value === 'boolean', 'true or false'],
};
const propNames = [...settingNames, ...Object.keys(otherProps)];

/** The set of resources depends on these. */
const knownAtSynth = ['enabled', 'sweepEveryMinutes'];
const alternatives = [
  ['secret', 'secretName'],
  ['topic', 'notifyTopicArn'],
] as const;

/**
 * Checks the props of the construct and fills in default settings.
 *
 * @param stack of the construct.
 * @throws Error naming each invalid or unknown prop, with the allowed values.
 */
export function checkedProps(props: FineTuningCurfewProps, stack: Stack): CurfewSettings {
  const given = new Map<string, unknown>(Object.entries(props).filter(([, value]) => value !== undefined));
  const complaints = [
    ...[...given.keys()].filter((name) => !propNames.includes(name)).map(unknownProp),
    ...alternatives
      .filter((names) => names.every((name) => given.has(name)))
      .map(([one, other]) => `props "${one}" and "${other}" set the same thing: leave out one of them`),
    ...knownAtSynth
      .filter((name) => Token.isUnresolved(given.get(name)))
      .map((name) => `prop "${name}" must be known at synth: resources depend on it, so it cannot be a token`),
    ...Object.entries(otherProps)
      .filter(([name, [isRight]]) => given.has(name) && !isRight(given.get(name)))
      .map(([name, [, allowed]]) => `prop "${name}" must be ${allowed}`),
  ];
  if (complaints.length > 0) throw new Error(complaints.join('\n'));
  const { secret } = props;
  return checkedSettings({ ...props, ...(secret && { secretName: nameOf(secret, stack) }) }, 'prop');
}

/** A misspelt prop would silently keep its default, and cancel jobs where a dry run was intended. */
function unknownProp(name: string): string {
  const meant = closestName(name, propNames);
  const hint = meant ? `: did you mean "${meant}"?` : `: the props are ${propNames.join(', ')}`;
  return `prop "${name}" is not a setting${hint}`;
}
