import type { Template } from 'aws-cdk-lib/assertions';

export interface Statement {
  Effect: 'Allow' | 'Deny';
  Action: string | string[];
  Resource: unknown;
  Principal?: unknown;
  Condition?: Record<string, Record<string, unknown>>;
}

/** The properties of every resource of a type, by logical id. */
export function resourcesOf(template: Template, type: string): Record<string, Record<string, unknown>> {
  const resources = Object.entries(template.findResources(type));
  return Object.fromEntries(resources.map(([id, resource]) => [id, resource['Properties']]));
}

/** All that the roles of a template may do, in their own policies and in managed ones. */
export function statementsOf(template: Template): Statement[] {
  return ['AWS::IAM::Policy', 'AWS::IAM::ManagedPolicy'].flatMap((type) =>
    Object.values(template.findResources(type)).flatMap(
      (policy): Statement[] => policy['Properties'].PolicyDocument.Statement,
    ),
  );
}

/** Those of the actions of one service. */
export function statementsFor(template: Template, service: string): Statement[] {
  return statementsOf(template).filter(({ Action }) =>
    [Action].flat().some((a) => a.startsWith(`${service}:`)),
  );
}

/** An ARN of this account, and of this region unless another is given, as it is in templates. */
export function arnOf(service: string, resource: string, region?: string): object {
  const place = region ? [`:${service}:${region}:`] : [`:${service}:`, { Ref: 'AWS::Region' }, ':'];
  return {
    'Fn::Join': [
      '',
      ['arn:', { Ref: 'AWS::Partition' }, ...place, { Ref: 'AWS::AccountId' }, `:${resource}`],
    ],
  };
}
