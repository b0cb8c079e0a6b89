import { CfnParameter, type CfnParameterProps, type Stack } from 'aws-cdk-lib';
import { type CurfewSettings, defaults } from '../settings/settings.ts';

/** A whole number, 0 or more, without leading zeros: a rule compares it as text. */
const wholeNumber = {
  allowedPattern: '^(0|[1-9]\\d{0,8})$',
  constraintDescription: 'a whole number, 0 or more',
};
const port = '(6553[0-5]|655[0-2]\\d|65[0-4]\\d{2}|6[0-4]\\d{3}|[1-5]\\d{4}|[1-9]\\d{0,3})';

/** The allowed sweep intervals. CloudFormation cannot calculate, so a mapping holds the values derived from each. */
export const intervals = [1, 5, 10, 15, 30, 60];

/** The parameters, by setting. They refuse the same values as the stack does at synth. */
const parameters = {
  name: {
    description: 'Name of this deployment and all its parts',
    allowedPattern: '^[A-Za-z][A-Za-z0-9-]{0,39}$',
    constraintDescription: 'a letter, then up to 39 letters, digits or "-"',
  },
  secretName: {
    description: 'Name of the secret with the key. Bedrock needs none',
    allowedPattern: '^[A-Za-z0-9_/+=.@-]{1,505}$',
    constraintDescription: 'the name of a secret in Secrets Manager, not its ARN',
  },
  secretField: {
    description: 'Field with the key if the secret is a JSON object',
    allowedPattern: '^[^\\s"\\\\]{1,128}$',
    constraintDescription: 'the name of a field, without spaces, quotes or backslashes',
  },
  timeBudgetMinutes: { description: 'Budget of a job without its own; 0 only with DryRun', ...wholeNumber },
  queueLimitMinutes: {
    description: 'How long a job may wait before its training starts; none for no limit. Empty: as long as its budget',
    allowedPattern: '^([1-9]\\d{0,8}|none)?$',
    constraintDescription: 'a whole number of minutes, 1 or more, none, or empty',
  },
  sweepEveryMinutes: { description: 'How often jobs are swept', allowedValues: intervals.map(String) },
  lookbackDays: { description: 'How far these sweeps look back; a daily one looks at everything', ...wholeNumber },
  cancelLimit: {
    description: 'A sweep that finds more overdue jobs cancels none',
    allowedPattern: '^([1-9]\\d{0,8}|none)$',
    constraintDescription: 'a whole number, 1 or more, or none',
  },
  warnBeforeMinutes: { description: 'How long before its deadline a job is warned about; 0 for never', ...wholeNumber },
  openaiBaseUrl: {
    description: "The provider's URL; for Bedrock leave it as it is and set Provider",
    // The permissions for Bedrock depend on Provider: conditions cannot parse a URL.
    allowedPattern: `^(https://(?!(?i:bedrock-mantle)\\.)([A-Za-z0-9-]+\\.)*[A-Za-z][A-Za-z0-9-]*|http://(localhost|127\\.0\\.0\\.1))(:${port})?(/[A-Za-z0-9._~/-]*)?$`,
    constraintDescription:
      'an https URL, or http on loopback, without user, query or fragment; for Bedrock, set Provider=bedrock instead',
  },
  provider: {
    description: 'The provider; bedrock is the one in this region. Empty: derived from the host of OpenaiBaseUrl',
    allowedValues: ['', 'openai', 'azure', 'bedrock', 'bedrock-customization'],
  },
  dryRun: { description: 'Sweeps report, and cancel nothing', allowedValues: ['true', 'false'] },
  notifyEmail: {
    description: 'Address that gets cancellations, warnings and alarms',
    allowedPattern: '^([^\\s@"\\\\]+@[^\\s@"\\\\]+)?$',
    constraintDescription: 'an e-mail address',
  },
  logLevel: {
    description: 'Lowest level that is logged',
    allowedValues: ['DEBUG', 'INFO', 'WARN', 'ERROR'],
  },
} satisfies Partial<Record<keyof CurfewSettings, CfnParameterProps>>;

export type TemplateSetting = keyof typeof parameters;

/** Adds a setting to a stack as a parameter with its default; an empty value means unset. */
export function addParameter(stack: Stack, setting: TemplateSetting): CfnParameter {
  const name = setting.charAt(0).toUpperCase() + setting.slice(1);
  return new CfnParameter(stack, name, { ...parameters[setting], default: String(defaults[setting] ?? '') });
}
