import { ArnFormat, type Stack, Token } from 'aws-cdk-lib';
import { type Conditions, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { ProjectSettings } from '../../lambda/project-settings.ts';

/** How much of a managed policy, which holds 6,144 characters, the ARNs of one statement may fill. */
const maxStatementLength = 3000;
/** Of ARNs that hold tokens, unless we know better; CDK reckons with it too. */
const assumedArnLength = 150;

/** Stands for the six characters that Secrets Manager puts at the end of an ARN. */
export const anySuffix = '-??????';

/** What the function must be allowed to do to reach these projects: their secrets, keys and regions, and no others. */
export function accessStatements(projects: readonly ProjectSettings[], stack: Stack): PolicyStatement[] {
  const arnsPerStatement = Math.floor(maxStatementLength / maxArnLength(projects));
  /** As many statements as it takes to name all of these. */
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
      // Policies know keys only by their ids. This names whichever key has the alias.
      const hasAlias = { 'ForAnyValue:StringEquals': { 'kms:ResourceAliases': `alias/${name}` } };
      return allow(['kms:Decrypt'], [`${place}key/*`], { ...viaSecretsManager, ...hasAlias });
    }),
    ...allow(
      ['ListFineTuningJobs', 'GetFineTuningJob', 'CancelFineTuningJob'].map((action) => `bedrock-mantle:${action}`),
      inBedrock.map(({ region, openaiProject: resourceName = '*' }) =>
        stack.formatArn({ service: 'bedrock-mantle', region, resource: 'project', resourceName }),
      ),
    ),
    // This action knows no resources.
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

/** How long the ARNs of what these projects name can get. */
export function maxArnLength(projects: readonly ProjectSettings[]): number {
  const lengths = projects.map(({ secretName = '', openaiProject = '' }) =>
    Math.max(secretName.length, openaiProject.length),
  );
  const aroundNames = 'arn:aws-us-gov:secretsmanager:us-gov-west-1:111122223333:secret:-??????'.length;
  return Math.max(assumedArnLength, ...lengths.map((length) => length + aroundNames));
}

/** How policies call Secrets Manager in the regions of these keys. */
function secretsManagerOf(keys: readonly string[], stack: Stack): string[] {
  const regionOf = (arn: string) =>
    Token.isUnresolved(arn) ? stack.region : stack.splitArn(arn, ArnFormat.SLASH_RESOURCE_NAME).region;
  // AWS does not document which of the two applies outside the partition `aws`.
  return distinct(keys.map(regionOf)).flatMap((region) =>
    ['amazonaws.com', stack.urlSuffix].map((suffix) => `secretsmanager.${region}.${suffix}`),
  );
}

/**
 * What policies call a secret that is given by name, or by an ARN with or without its last part: that ends in six
 * characters that Secrets Manager chose, and so may look the last word of a name, as in `prod-openai`.
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
