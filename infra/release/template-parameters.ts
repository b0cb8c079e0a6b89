import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { type CurfewSettings, defaults } from '../settings/settings.ts';
import type { Json, JsonObject } from './json.ts';

type Setting = Exclude<keyof CurfewSettings, 'projects'>;

interface Parameter {
  Description: string;
  Type?: 'Number';
  AllowedValues?: (string | number)[];
  AllowedPattern?: string;
  ConstraintDescription?: string;
}

/** A whole number, 0 or more, and written in one way only: a rule compares it as text. */
const wholeNumber = {
  AllowedPattern: '^(0|[1-9]\\d{0,8})$',
  ConstraintDescription: 'a whole number, 0 or more',
};
const port = '(6553[0-5]|655[0-2]\\d|65[0-4]\\d{2}|6[0-4]\\d{3}|[1-5]\\d{4}|[1-9]\\d{0,3})';
const yesOrNo = { AllowedValues: ['true', 'false'] };

/** How often the template can sweep. CloudFormation cannot reckon, so a table holds what follows from each. */
export const sweepsEveryMinutes = [1, 5, 10, 15, 30, 60];

/** What each parameter is, by the name of its setting. It refuses whatever the stack refuses at synth. */
const settings: Record<Setting, Parameter> = {
  name: {
    Description: 'Of this deployment and all its parts',
    AllowedPattern: '^[A-Za-z][A-Za-z0-9-]{0,39}$',
    ConstraintDescription: 'a letter, then up to 39 letters, digits or "-"',
  },
  secretName: {
    Description: 'Secret with the key: its name or its whole ARN. Bedrock needs none',
    AllowedPattern:
      '^([A-Za-z0-9_/+=.@-]{1,505}|arn:[\\w-]+:secretsmanager:[\\w-]+:\\d{12}:secret:[\\w/+=.@-]{1,400}-[A-Za-z0-9]{6})$',
    ConstraintDescription: 'the name of a secret, or its whole ARN',
  },
  secretField: {
    Description: 'Field with the key, if the secret is a JSON object',
    AllowedPattern: '^\\S{1,128}$',
    ConstraintDescription: 'the name of a field, without spaces',
  },
  secretKmsKeyArn: {
    Description: 'KMS key of your own that encrypts the secret',
    AllowedPattern: '^(arn:[\\w-]+:kms:[\\w-]+:\\d{12}:key/[\\w-]+)?$',
    ConstraintDescription: 'the ARN of a key, not of an alias',
  },
  timeBudgetMinutes: { Description: 'Budget of a job that names none; 0 only with DryRun', ...wholeNumber },
  sweepEveryMinutes: {
    Description: 'How often jobs are swept',
    AllowedValues: sweepsEveryMinutes.map(String),
  },
  lookbackDays: {
    Description: 'How far these sweeps look back; a daily one looks at everything',
    ...wholeNumber,
  },
  cancelLimit: {
    Description: 'A sweep that finds more overdue jobs cancels none',
    AllowedPattern: '^([1-9]\\d{0,8}|none)$',
    ConstraintDescription: 'a whole number, 1 or more, or none',
  },
  warnBeforeMinutes: {
    Description: 'How long before its deadline a job is announced; 0 for never',
    ...wholeNumber,
  },
  openaiBaseUrl: {
    Description: "The provider's URL; for Bedrock leave it as it is, and set Provider",
    // Only by Provider the template knows that the function needs the permissions for Bedrock.
    AllowedPattern: `^(https://(?!(?i:bedrock-mantle)\\.)([A-Za-z0-9-]+\\.)*[A-Za-z][A-Za-z0-9-]*|http://(localhost|127\\.0\\.0\\.1))(:${port})?(/[A-Za-z0-9._~/-]*)?$`,
    ConstraintDescription:
      'an https URL, or http on loopback, without user, query or fragment; not that of Bedrock, which is Provider bedrock',
  },
  provider: {
    Description: 'Whose API it is: bedrock is that of this region; empty: as the host of OpenaiBaseUrl says',
    AllowedValues: ['', 'openai', 'azure', 'bedrock'],
  },
  openaiProject: {
    Description: "Id of a project at the provider's",
    AllowedPattern: '^[\\w-]{0,128}$',
    ConstraintDescription: "the id of a project at the provider's",
  },
  dryRun: { Description: 'Sweeps report, and cancel nothing', ...yesOrNo },
  enabled: { Description: 'Whether there are sweeps at all', ...yesOrNo },
  notifyEmail: {
    Description: 'Gets cancellations, warnings and alarms',
    AllowedPattern: '^([^\\s@]+@[^\\s@]+)?$',
    ConstraintDescription: 'an e-mail address',
  },
  notifyTopicArn: {
    Description: 'Topic that gets the same',
    AllowedPattern: '^(arn:[\\w-]+:sns:[\\w-]+:\\d{12}:[\\w-]{1,256})?$',
    ConstraintDescription: 'the ARN of a topic',
  },
  logLevel: {
    Description: 'Least severe level that is logged',
    AllowedValues: ['DEBUG', 'INFO', 'WARN', 'ERROR'],
  },
  logRetentionDays: {
    Description: 'How long logs are kept',
    Type: 'Number',
    AllowedValues: Object.values(RetentionDays).filter(
      (days) => typeof days === 'number' && days !== RetentionDays.INFINITE,
    ),
  },
};

/** The name of a setting as that of a parameter. */
export const pascalCase = (setting: string) => setting.charAt(0).toUpperCase() + setting.slice(1);

/** The parameters of the template: every setting but `projects`, each with its default; empty stands for none. */
export function templateParameters(): JsonObject {
  const all: Readonly<Record<string, unknown>> = defaults;
  return Object.fromEntries(
    Object.entries(settings).map(([setting, parameter]): [string, Json] => {
      const text = String(all[setting] ?? '');
      const Default = parameter.Type === 'Number' ? Number(text) : text;
      return [pascalCase(setting), { Type: 'String', Default, ...parameter }];
    }),
  );
}
