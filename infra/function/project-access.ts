import { ArnFormat, type Stack, Token } from 'aws-cdk-lib';
import { type Conditions, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { ProjectSettings } from '../../lambda/project-settings.ts';

/** The maximum length of the ARNs in one statement. A managed policy holds 6,144 characters. */
const maxStatementLength = 3000;
/** The assumed length of ARNs with tokens, which is also CDK's default. */
const assumedArnLength = 150;

/** Matches the six random characters that Secrets Manager appends to an ARN. */
export const anySuffix = '-??????';

/** Returns the permissions to reach these projects: their secrets, keys and regions, and no others. */
export function accessStatements(projects: readonly ProjectSettings[], stack: Stack): PolicyStatement[] {
  const arnsPerStatement = Math.floor(maxStatementLength / maxArnLength(projects));
  /** Returns as many statements as needed for all of these ARNs. */
  const allow = (actions: string[], arns: Iterable<string | undefined>, conditions: Conditions = {}) => {
    const resources = distinct(arns);
    return Array.from({ length: Math.ceil(resources.length / arnsPerStatement) }, (_, index) => {
      const some = resources.slice(index * arnsPerStatement, (index + 1) * arnsPerStatement);
      return new PolicyStatement({ actions, resources: some, conditions });
    });
  };
  const secrets = distinct(projects.map(({ secretName }) => secretName));
  const keys = distinct(projects.map(({ secretKmsKeyArn }) => secretKmsKeyArn));
  const aliases = keys.filter((arn) => arn.includes(':alias/'));
  const viaSecretsManager = { StringEquals: { 'kms:ViaService': secretsManagerOf(keys, stack) } };

  const inBedrock = projects.filter(({ provider }) => provider === 'bedrock');
  const customizing = projects.filter(({ provider }) => provider === 'bedrock-customization');
  const regions = distinct(customizing.map(({ region }) => region));
  const inRegions = { StringEquals: { 'aws:RequestedRegion': regions } };
  return [
    ...allow(
      ['secretsmanager:GetSecretValue'],
      secrets.flatMap((secret) => secretArns(secret, stack)),
    ),
    ...allow(
      ['kms:Decrypt'],
      keys.filter((arn) => !aliases.includes(arn)),
      viaSecretsManager,
    ),
    ...aliases.flatMap((arn) => {
      const [place = '', name = ''] = arn.split('alias/');
      // Policies cannot name keys by alias. This allows whichever key has the alias.
      const hasAlias = { 'ForAnyValue:StringEquals': { 'kms:ResourceAliases': `alias/${name}` } };
      return allow(['kms:Decrypt'], [`${place}key/*`], { ...viaSecretsManager, ...hasAlias });
    }),
    ...allow(
      ['ListFineTuningJobs', 'GetFineTuningJob', 'CancelFineTuningJob'].map((action) => `bedrock-mantle:${action}`),
      inBedrock.map(({ region, openaiProject: resourceName = '*' }) =>
        stack.formatArn({ service: 'bedrock-mantle', region, resource: 'project', resourceName }),
      ),
    ),
    // This action does not support resources.
    ...allow(['bedrock:ListModelCustomizationJobs'], regions.length > 0 ? ['*'] : [], inRegions),
    ...allow(
      ['GetModelCustomizationJob', 'StopModelCustomizationJob', 'ListTagsForResource'].map(
        (action) => `bedrock:${action}`,
      ),
      regions.map((region) =>
        stack.formatArn({ service: 'bedrock', region, resource: 'model-customization-job', resourceName: '*' }),
      ),
    ),
  ];
}

/** Returns the maximum length of the ARNs of what these projects name. */
export function maxArnLength(projects: readonly ProjectSettings[]): number {
  const lengths = projects.map(({ secretName = '', openaiProject = '' }) =>
    Math.max(secretName.length, openaiProject.length),
  );
  const aroundNames = 'arn:aws-us-gov:secretsmanager:us-gov-west-1:111122223333:secret:-??????'.length;
  return Math.max(assumedArnLength, ...lengths.map((length) => length + aroundNames));
}

/** Returns the names of Secrets Manager for `kms:ViaService`, in the regions of these keys. */
function secretsManagerOf(keys: readonly string[], stack: Stack): string[] {
  const regionOf = (arn: string) =>
    Token.isUnresolved(arn) ? stack.region : stack.splitArn(arn, ArnFormat.SLASH_RESOURCE_NAME).region;
  // AWS does not document which of the two applies outside the partition `aws`.
  return distinct(keys.map(regionOf)).flatMap((region) =>
    ['amazonaws.com', stack.urlSuffix].map((suffix) => `secretsmanager.${region}.${suffix}`),
  );
}

/**
 * Returns the ARNs for a secret in policies. It is given by its name, or by its ARN with or without the random suffix.
 * The last word of a name may look like a suffix, as in `prod-openai`.
 */
function secretArns(secret: string, stack: Stack): string[] {
  if (Token.isUnresolved(secret) || secret.endsWith(anySuffix)) return [secret];
  if (secret.startsWith('arn:')) {
    return [...(/-[A-Za-z0-9]{6}$/.test(secret) ? [secret] : []), secret + anySuffix];
  }
  return [
    stack.formatArn({
      service: 'secretsmanager',
      resource: 'secret',
      resourceName: secret + anySuffix,
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    }),
  ];
}

function distinct(values: Iterable<string | undefined>): string[] {
  return [...new Set(values)].filter((value) => value !== undefined);
}
