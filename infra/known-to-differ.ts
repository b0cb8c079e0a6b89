import { Token, TokenComparison } from 'aws-cdk-lib';

/** Whether two accounts, regions or names are different. What is a token is not known yet, and may be the same. */
export function knownToDiffer(one: string, other: string): boolean {
  return Token.compareStrings(one, other) === TokenComparison.DIFFERENT;
}
