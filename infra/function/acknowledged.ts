import { Validations } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/** Says why a construct breaks a rule of cdk-nag. */
export function acknowledge(construct: IConstruct, rule: { id: string; reason: string }): void {
  // The apps that use the package may have a CDK that does not know this yet, and cdk-nag for that CDK would not read it.
  Validations?.of(construct).acknowledge(rule);
}
