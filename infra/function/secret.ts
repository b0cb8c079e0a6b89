import type { Stack } from 'aws-cdk-lib';
import { Alias, type IKey } from 'aws-cdk-lib/aws-kms';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { ProjectSettings } from '../../lambda/project-settings.ts';
import { checkRegion } from '../settings/regions.ts';
import { anySuffix } from './project-access.ts';

/**
 * Returns the secret id for the function: the full ARN if known, else the name. Secrets Manager may mistake a partial ARN
 * for a full one, but across accounts a name is not enough.
 */
export function nameOf(secret: ISecret, stack: Stack): string {
  const { account, region } = secret.env;
  const isOurs = account === stack.account && region === stack.region;
  return secret.secretFullArn ?? (isOurs ? secret.secretName : secret.secretArn);
}

/**
 * Returns the projects for the role. Those with the key in `secret` get its ARN for policies, and its KMS key. Throws an
 * error if the secret is in another region.
 *
 * CDK's `grantRead` would change the policy of the KMS key. That does nothing for an imported key, and makes two stacks
 * depend on each other if the key is in another stack of the app.
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

/** Returns the ARN for policies. If CDK only knows the name, as across accounts, the ARN lacks its random suffix. */
function resourceOf(secret: ISecret, stack: Stack): string {
  const isNear = secret.stack.account === stack.account && secret.stack.region === stack.region;
  return secret.secretFullArn !== undefined && isNear ? secret.secretFullArn : secret.secretArn + anySuffix;
}

/** Returns the ARN of a key, or of an alias whose key is unknown. */
function arnOf(key: IKey): string {
  return (key instanceof Alias ? key.aliasTargetKey : key).keyArn;
}
