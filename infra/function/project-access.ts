import { ArnFormat, type Stack, Token } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { ProjectSettings } from '../../lambda/project-settings.ts';

/** How much of a managed policy, which holds 6,144 characters, the ARNs of one statement may fill. */
const lengthOfStatement = 3000;
/** Of ARNs that hold tokens, unless we know better; CDK reckons with it too. */
const guessedLengthOfArn = 150;

/** Stands for the six characters that Secrets Manager puts at the end of an ARN. */
export const anySuffix = '-??????';

/** What the function must be allowed to do to reach these projects: their secrets, keys and regions, and no others. */
export function accessStatements(projects: readonly ProjectSettings[], stack: Stack): PolicyStatement[] {
  return [
    ...secretStatements(projects, stack),
    ...keyStatements(projects, stack),
    ...bedrockStatements(projects, stack),
    ...customizationStatements(projects, stack),
  ];
}

/** How long the ARNs of what these projects name can get. */
export function longestArn(projects: readonly ProjectSettings[]): number {
  const lengths = projects.map(({ secretName = '', openaiProject = '' }) =>
    Math.max(secretName.length, openaiProject.length),
  );
  const aroundNames = 'arn:aws-us-gov:secretsmanager:us-gov-west-1:111122223333:secret:-??????'.length;
  return Math.max(guessedLengthOfArn, ...lengths.map((length) => length + aroundNames));
}

function secretStatements(projects: readonly ProjectSettings[], stack: Stack): PolicyStatement[] {
  const secrets = distinct(projects.map(({ secretName }) => secretName));
  const arns = distinct(secrets.flatMap((secret) => secretArns(secret, stack)));
  return inGroups(arns, longestArn(projects)).map(
    (resources) => new PolicyStatement({ actions: ['secretsmanager:GetSecretValue'], resources }),
  );
}

function keyStatements(projects: readonly ProjectSettings[], stack: Stack): PolicyStatement[] {
  const arns = distinct(projects.map(({ secretKmsKeyArn }) => secretKmsKeyArn));
  const isAlias = (arn: string) => arn.includes(':alias/');
  return [
    ...inGroups(
      arns.filter((arn) => !isAlias(arn)),
      longestArn(projects),
    ).map((resources) => decryptStatement(resources, stack)),
    ...arns.filter(isAlias).map((arn) => {
      const [place = '', name = ''] = arn.split('alias/');
      const statement = decryptStatement([`${place}key/*`], stack);
      // Policies know keys only by their ids. This names whichever key has the alias.
      statement.addCondition('ForAnyValue:StringEquals', { 'kms:ResourceAliases': `alias/${name}` });
      return statement;
    }),
  ];
}

/** Lets Secrets Manager decrypt with these keys, in their own regions. */
function decryptStatement(resources: string[], stack: Stack): PolicyStatement {
  const regionOf = (arn: string) =>
    Token.isUnresolved(arn) ? stack.region : stack.splitArn(arn, ArnFormat.SLASH_RESOURCE_NAME).region;
  // AWS does not document which of the two applies outside the partition `aws`.
  const services = distinct(resources.map(regionOf)).flatMap((region) =>
    ['amazonaws.com', stack.urlSuffix].map((suffix) => `secretsmanager.${region}.${suffix}`),
  );
  return new PolicyStatement({
    actions: ['kms:Decrypt'],
    resources,
    conditions: { StringEquals: { 'kms:ViaService': services } },
  });
}

/** Bedrock's OpenAI API. */
function bedrockStatements(projects: readonly ProjectSettings[], stack: Stack): PolicyStatement[] {
  const arns = projects
    .filter(({ provider }) => provider === 'bedrock')
    .map(({ region, openaiProject }) =>
      stack.formatArn({ service: 'bedrock-mantle', region, resource: 'project', resourceName: openaiProject ?? '*' }),
    );
  const actions = ['ListFineTuningJobs', 'GetFineTuningJob', 'CancelFineTuningJob'];
  return inGroups(distinct(arns), longestArn(projects)).map(
    (resources) => new PolicyStatement({ actions: actions.map((action) => `bedrock-mantle:${action}`), resources }),
  );
}

/** Bedrock's model customization jobs. */
function customizationStatements(projects: readonly ProjectSettings[], stack: Stack): PolicyStatement[] {
  const regions = distinct(
    projects.filter(({ provider }) => provider === 'bedrock-customization').map(({ region }) => region),
  );
  if (regions.length === 0) return [];
  return [
    new PolicyStatement({
      // This action knows no resources.
      actions: ['bedrock:ListModelCustomizationJobs'],
      resources: ['*'],
      conditions: { StringEquals: { 'aws:RequestedRegion': regions } },
    }),
    new PolicyStatement({
      actions: ['GetModelCustomizationJob', 'StopModelCustomizationJob', 'ListTagsForResource'].map(
        (action) => `bedrock:${action}`,
      ),
      resources: regions.map((region) =>
        stack.formatArn({ service: 'bedrock', region, resource: 'model-customization-job', resourceName: '*' }),
      ),
    }),
  ];
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

function distinct(values: readonly (string | undefined)[]): string[] {
  return [...new Set(values)].filter((value) => value !== undefined);
}

function inGroups(arns: string[], lengthOfArn: number): string[][] {
  const arnsOfStatement = Math.floor(lengthOfStatement / lengthOfArn);
  const groups = Math.ceil(arns.length / arnsOfStatement);
  return Array.from({ length: groups }, (_, group) =>
    arns.slice(group * arnsOfStatement, (group + 1) * arnsOfStatement),
  );
}
