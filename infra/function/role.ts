import { ArnFormat, type IResolvable, Stack, Token, Tokenization } from 'aws-cdk-lib';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import type { IEventBus } from 'aws-cdk-lib/aws-events';
import { ManagedPolicy, Policy, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { eventSource } from '../../lambda/names.ts';
import type { ProjectSettings } from '../../lambda/project-settings.ts';
import { acknowledge } from './acknowledged.ts';
import { accessStatements } from './project-access.ts';

/** How many managed policies a role can have without a raised quota. */
const mostManagedPolicies = 10;

export interface CurfewRoleProps {
  /** Of the deployment. */
  name: string;
  /** Those that the role must be able to reach. */
  projects: readonly ProjectSettings[];
  /** Whether their settings are kept in Parameter Store. */
  hasParameters: boolean;
  logGroup: ILogGroup;
  table: Table;
  eventBus: IEventBus;
  isInVpc: boolean;
}

/** The role of the function, which may do what it needs and no more. CDK's own could write every log group of the account. */
export class CurfewRole extends Role {
  constructor(scope: Construct, id: string, props: CurfewRoleProps) {
    super(scope, id, {
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
      description: 'Reads the keys of fine-tuning projects, and writes what fine-tuning curfew keeps and reports',
    });
    const stack = Stack.of(this);
    const statements = [
      ...accessStatements(props.projects, stack),
      new PolicyStatement({
        actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
        resources: [props.logGroup.logGroupArn],
      }),
      new PolicyStatement({
        actions: ['events:PutEvents'],
        resources: [props.eventBus.eventBusArn],
        // One call can carry events of several sources, so this key has several values.
        conditions: { 'ForAllValues:StringEquals': { 'events:source': eventSource } },
      }),
      new PolicyStatement({
        actions: ['dynamodb:BatchGetItem', 'dynamodb:UpdateItem'],
        resources: [props.table.tableArn],
      }),
      ...(props.hasParameters ? [parameterStatement(props.name, stack)] : []),
      ...(props.isInVpc ? [vpcStatement()] : []),
    ];
    for (const statement of statements) this.addToPolicy(statement);
    acknowledgeWildcards(this, statements);
    const unknown = props.projects.filter(({ provider }) => Token.isUnresolved(provider));
    if (unknown.length > 0) {
      // Policies of their own, so that the release's template can put conditions on them.
      for (const [policyId, provider] of Object.entries(ifProviders)) {
        const statements = accessStatements(
          unknown.map((project) => asProvider(project, provider)),
          stack,
        );
        acknowledgeWildcards(new Policy(scope, policyId, { roles: [this], statements }), statements);
      }
    }
    this.node.addValidation({ validate: () => this.#tooLarge() });
  }

  /** What does not fit into the role's own policy CDK moves to managed policies, of which there can only be so many. */
  #tooLarge(): string[] {
    const count = this.node.children.filter((child) => child instanceof ManagedPolicy).length;
    if (count <= mostManagedPolicies) return [];
    return [
      'the projects have more secrets than the policies of a role can name: put the keys as fields into fewer secrets ' +
        '("secretField")',
    ];
  }
}

/**
 * Any set of parameters of this deployment: while an update changes from one to the next, a function that starts may
 * still read the old one.
 */
function parameterStatement(name: string, stack: Stack): PolicyStatement {
  return new PolicyStatement({
    actions: ['ssm:GetParametersByPath'],
    resources: [
      stack.formatArn({
        service: 'ssm',
        resource: 'parameter',
        resourceName: `${name}/projects/*`,
        arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
      }),
    ],
  });
}

/** A provider that is a token may turn out to be Bedrock, in either way: the policies for that, by their ids. */
const ifProviders = { IfBedrock: 'bedrock', IfBedrockCustomization: 'bedrock-customization' } as const;

function asProvider(project: ProjectSettings, provider: ProjectSettings['provider']): ProjectSettings {
  return { ...project, provider, secretName: undefined, secretKmsKeyArn: undefined };
}

/** What Lambda needs to put a function into a VPC. These actions know no narrower resources. */
function vpcStatement(): PolicyStatement {
  return new PolicyStatement({
    actions: [
      'ec2:CreateNetworkInterface',
      'ec2:DescribeNetworkInterfaces',
      'ec2:DescribeSubnets',
      'ec2:DeleteNetworkInterface',
      'ec2:AssignPrivateIpAddresses',
      'ec2:UnassignPrivateIpAddresses',
    ],
    resources: ['*'],
  });
}

function acknowledgeWildcards(construct: Construct, statements: readonly PolicyStatement[]): void {
  const arns = statements.flatMap(({ resources }) => resources).filter((arn) => arn.includes('*'));
  for (const arn of new Set(arns)) {
    acknowledge(construct, {
      id: `AwsSolutions-IAM5[Resource::${asNagNames(arn, Stack.of(construct))}]`,
      reason:
        'The parameters of this deployment, keys by their alias, the Bedrock projects of this account, or an action without resources.',
    });
  }
}

/** An ARN as cdk-nag names it, such as `arn:<AWS::Partition>:ssm:…`. */
function asNagNames(arn: string, stack: Stack): string {
  const mapToken = (token: IResolvable) => `<${stack.resolve(token).Ref}>`;
  const join = (left: string, right: string) => `${left}${right}`;
  return Tokenization.reverseString(arn).mapTokens({ mapToken }).join({ join });
}
