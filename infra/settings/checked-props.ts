import { type Stack, Token } from 'aws-cdk-lib';
import { nameOf } from '../function/secret.ts';
import type { FineTuningCurfewProps } from '../props.ts';
import { type CurfewSettings, checkedSettings, closestName, settingNames } from './settings.ts';

/** Whether a value has this member, as topics have that are imported or of any version of CDK. */
const has = (member: string) => (value: unknown) => typeof value === 'object' && value !== null && member in value;
const isObject = (value: unknown) => typeof value === 'object' && value !== null;
const areGroups = (value: unknown) => Array.isArray(value) && value.every(has('securityGroupId'));

/** The props that are no settings, which only a CDK app can give: whether a value is right, and what is allowed. */
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

/** Which resources there are, and how they look, depends on these. */
const knownAtSynth = ['enabled', 'sweepEveryMinutes'];
const alternatives = [
  ['secret', 'secretName'],
  ['topic', 'notifyTopicArn'],
] as const;

/**
 * Checks the props of the construct, and fills in the defaults of the settings in them.
 *
 * @param stack that the construct is in.
 * @throws Error naming each prop that is wrong or not ours, and what is allowed.
 */
export function checkedProps(props: FineTuningCurfewProps, stack: Stack): CurfewSettings {
  const given = new Map<string, unknown>(Object.entries(props).filter(([, value]) => value !== undefined));
  const complaints = [
    ...[...given.keys()].filter((name) => !propNames.includes(name)).map(unknownProp),
    ...alternatives
      .filter((names) => names.every((name) => given.has(name)))
      .map(([one, other]) => `props "${one}" and "${other}" say the same thing: leave one of them out`),
    ...knownAtSynth
      .filter((name) => Token.isUnresolved(given.get(name)))
      .map((name) => `prop "${name}" must be known at synth: resources depend on it, so give no token`),
    ...Object.entries(otherProps)
      .filter(([name, [isRight]]) => given.has(name) && !isRight(given.get(name)))
      .map(([name, [, allowed]]) => `prop "${name}" must be ${allowed}`),
  ];
  if (complaints.length > 0) throw new Error(complaints.join('\n'));
  const { secret } = props;
  return checkedSettings({ ...props, ...(secret && { secretName: nameOf(secret, stack) }) }, 'prop');
}

/** A misspelt prop would leave its default in force without a word: a curfew that cancels where a dry run was meant. */
function unknownProp(name: string): string {
  const meant = closestName(name, propNames);
  const hint = meant ? `: did you mean "${meant}"?` : `: there are ${propNames.join(', ')}`;
  return `prop "${name}" is not a setting${hint}`;
}
