import { Token, TokenComparison } from 'aws-cdk-lib';

/** Returns whether two accounts, regions or names certainly differ. A token is unknown, so it may be equal. */
export function knownToDiffer(one: string, other: string): boolean {
  return Token.compareStrings(one, other) === TokenComparison.DIFFERENT;
}

/**
 * Checks that a secret or key is in the region of the function. A region that is a token passes.
 *
 * @param name of the setting.
 * @throws Error naming the setting and both regions.
 */
export function checkRegion(name: string, given: string, region: string): void {
  if (!knownToDiffer(given, region)) return;
  throw new Error(
    `${name} is in ${given}, but the function runs in ${region} and can use secrets and their keys only there: ` +
      'replicate the secret to that region, and name the replica',
  );
}
