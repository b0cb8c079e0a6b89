import { Token, TokenComparison } from 'aws-cdk-lib';

/** Whether two accounts, regions or names are different. What is a token is not known yet, and may be the same. */
export function knownToDiffer(one: string, other: string): boolean {
  return Token.compareStrings(one, other) === TokenComparison.DIFFERENT;
}

/**
 * Checks that a secret or key is where the function runs; a region that is a token is not known yet.
 *
 * @param name of the setting.
 * @throws Error naming it, and both regions.
 */
export function checkRegion(name: string, given: string, region: string): void {
  if (!knownToDiffer(given, region)) return;
  throw new Error(
    `${name} is in ${given}, but the function runs in ${region} and can use secrets and their keys only there: ` +
      'replicate the secret to that region, and name the replica',
  );
}
