import { CfnResource, Validations } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/**
 * Records why a construct, with all its current children, may break a cdk-nag rule.
 *
 * @param rule whose id may name one finding, such as `AwsSolutions-IAM5[Resource::*]`.
 */
export function acknowledge(construct: IConstruct, rule: { id: string; reason: string }): void {
  // For cdk-nag 3. An app that uses the package may have a CDK without this.
  Validations?.of(construct).acknowledge(rule);
  // For cdk-nag 2, which reads metadata.
  const [, id = rule.id, finding] = /^([\w-]+)\[(.+)\]$/.exec(rule.id) ?? [];
  const suppressed = { id, reason: rule.reason, ...(finding && { applies_to: [finding] }) };
  for (const resource of construct.node.findAll().filter(CfnResource.isCfnResource)) {
    const { rules_to_suppress = [] }: { rules_to_suppress?: object[] } = resource.getMetadata('cdk_nag') ?? {};
    resource.addMetadata('cdk_nag', { rules_to_suppress: [...rules_to_suppress, suppressed] });
  }
}
