import type { Stack } from 'aws-cdk-lib';
import { nameOf } from '../function/secret.ts';
import type { FineTuningCurfewProps } from '../props.ts';
import { type CurfewSettings, checkedSettings, settingNames } from './settings.ts';
import { checkSpelling } from './spelling.ts';

/** The props that are no settings, which only a CDK app can give. */
const otherProps: Record<Exclude<keyof FineTuningCurfewProps, keyof CurfewSettings>, true> = {
  secret: true,
  topic: true,
  eventBus: true,
  vpc: true,
  vpcSubnets: true,
  securityGroups: true,
  savedQueries: true,
};

/**
 * The settings in the props of the construct, with the defaults for the rest.
 *
 * @param stack that the construct is in.
 * @throws Error naming each prop that is wrong or misspelt, and what is allowed.
 */
export function checkedProps(props: FineTuningCurfewProps, stack: Stack): CurfewSettings {
  checkSpelling(Object.keys(props), [...settingNames, ...Object.keys(otherProps)], 'prop');
  refuseBoth(props, 'secret', 'secretName');
  refuseBoth(props, 'topic', 'notifyTopicArn');
  const { secret } = props;
  return checkedSettings({ ...props, ...(secret && { secretName: nameOf(secret, stack) }) }, 'prop');
}

function refuseBoth(
  props: FineTuningCurfewProps,
  one: keyof FineTuningCurfewProps,
  other: keyof FineTuningCurfewProps,
) {
  if (props[one] !== undefined && props[other] !== undefined) {
    throw new Error(`props "${one}" and "${other}" say the same thing: leave one of them out`);
  }
}
