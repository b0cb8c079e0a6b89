import type { Stack } from 'aws-cdk-lib';
import { Alias, type IKey } from 'aws-cdk-lib/aws-kms';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { ProjectSettings } from '../../lambda/project-settings.ts';
import { checkRegion } from '../settings/regions.ts';
import { anySuffix } from './project-access.ts';

/**
 * What the function calls the secret: its whole ARN, or where that is not known its name. Secrets Manager may take an ARN
 * in part for a whole one, but across accounts a name is not enough.
 */
export function nameOf(secret: ISecret, stack: Stack): string {
  const { account, region } = secret.env;
  const isOurs = account === stack.account && region === stack.region;
  return secret.secretFullArn ?? (isOurs ? secret.secretName : secret.secretArn);
}

/**
 * The projects as the role needs to know them: those with the key in `secret` are let in by what policies call it, and
 * may use its KMS key. Throws an error if it is in another region.
 *
 * CDK's `grantRead` would write into the policy of that key, which is of no use if the key is imported, and in another
 * stack of the app makes the two depend on each other.
 */
export function withAccessTo(secret: ISecret, projects: readonly ProjectSettings[], stack: Stack): ProjectSettings[] {
  const key = secret.encryptionKey;
  const own = { secretName: resourceOf(secret, stack), ...(key && { secretKmsKeyArn: arnOf(key) }) };
  return projects.map((project) => {
    if (project.secretName !== nameOf(secret, stack)) return project;
    const where = project.name === undefined ? '' : `project "${project.name}": `;
    checkRegion(`${where}prop "secret"`, secret.env.region, stack.region);
    return { ...project, ...own };
  });
}

/** Where CDK knows a secret by its name only, as across accounts, its ARN lacks what Secrets Manager chose. */
function resourceOf(secret: ISecret, stack: Stack): string {
  const isNear = secret.stack.account === stack.account && secret.stack.region === stack.region;
  return secret.secretFullArn !== undefined && isNear ? secret.secretFullArn : secret.secretArn + anySuffix;
}

/** The ARN of a key, or of an alias whose key is not known. */
function arnOf(key: IKey): string {
  return (key instanceof Alias ? key.aliasTargetKey : key).keyArn;
}
