import { ArnFormat, type IResolvable, Stack, Token, Tokenization } from 'aws-cdk-lib';
import { EventBus } from 'aws-cdk-lib/aws-events';
import { ManagedPolicy, Policy, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { eventSource } from '../../lambda/names.ts';
import { acknowledge } from './acknowledged.ts';
import type { FunctionProps } from './function.ts';
import { accessStatements } from './project-access.ts';

/** How many managed policies a role can have without a raised quota. */
const maxManagedPolicies = 10;
const tooManySecrets =
  'the projects have more secrets than the policies of a role can name: put the keys as fields into fewer secrets ' +
  '("secretField")';

/** A provider that is a token may turn out to be Bedrock, in either way: the policies for that, by their ids. */
const ifProviders = { IfBedrock: 'bedrock', IfBedrockCustomization: 'bedrock-customization' } as const;

/** Adds the role of the function, which may do what it needs and no more. CDK's own could write every log group of the account. */
export function addRole(scope: Construct, props: FunctionProps, logGroup: ILogGroup): Role {
  const stack = Stack.of(scope);
  const role = new Role(scope, 'Role', {
    assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
    description: 'Reads the keys of fine-tuning projects, and writes what fine-tuning curfew keeps and reports',
  });
  const eventBus = props.eventBus ?? EventBus.fromEventBusName(scope, 'DefaultBus', 'default');
  const statements = [
    ...accessStatements(props.projects, stack),
    new PolicyStatement({
      actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
      resources: [logGroup.logGroupArn],
    }),
    new PolicyStatement({
      actions: ['events:PutEvents'],
      resources: [eventBus.eventBusArn],
      // One call can carry events of several sources, so this key has several values.
      conditions: { 'ForAllValues:StringEquals': { 'events:source': eventSource } },
    }),
    new PolicyStatement({
      actions: ['dynamodb:BatchGetItem', 'dynamodb:UpdateItem'],
      resources: [props.table.tableArn],
    }),
  ];
  if (props.parameters) {
    // Any set of parameters of this deployment: while an update changes from one to the next, a function that starts may
    // still read the old one.
    const resourceName = `${props.settings.name}/projects/*`;
    const arnFormat = ArnFormat.SLASH_RESOURCE_NAME;
    const resources = [stack.formatArn({ service: 'ssm', resource: 'parameter', resourceName, arnFormat })];
    statements.push(new PolicyStatement({ actions: ['ssm:GetParametersByPath'], resources }));
  }
  if (props.network.vpc) {
    const actions = [
      'ec2:CreateNetworkInterface',
      'ec2:DescribeNetworkInterfaces',
      'ec2:DescribeSubnets',
      'ec2:DeleteNetworkInterface',
      'ec2:AssignPrivateIpAddresses',
      'ec2:UnassignPrivateIpAddresses',
    ];
    // These actions know no narrower resources.
    statements.push(new PolicyStatement({ actions, resources: ['*'] }));
  }
  for (const statement of statements) role.addToPolicy(statement);
  acknowledgeWildcards(role, statements);

  const unknown = props.projects.filter(({ provider }) => Token.isUnresolved(provider));
  if (unknown.length > 0) {
    const withoutSecret = { secretName: undefined, secretKmsKeyArn: undefined };
    // Policies of their own, so that the release's template can put conditions on them.
    for (const [policyId, provider] of Object.entries(ifProviders)) {
      const bedrock = unknown.map((project) => ({ ...project, ...withoutSecret, provider }));
      const statements = accessStatements(bedrock, stack);
      acknowledgeWildcards(new Policy(scope, policyId, { roles: [role], statements }), statements);
    }
  }
  role.node.addValidation({
    // What does not fit into the role's own policy CDK moves to managed policies, of which there can only be so many.
    validate: () => {
      const policies = role.node.children.filter((child) => child instanceof ManagedPolicy);
      return policies.length > maxManagedPolicies ? [tooManySecrets] : [];
    },
  });
  return role;
}

function acknowledgeWildcards(construct: Construct, statements: readonly PolicyStatement[]): void {
  const stack = Stack.of(construct);
  const mapToken = (token: IResolvable) => `<${stack.resolve(token).Ref}>`;
  const join = (left: string, right: string) => `${left}${right}`;
  const arns = statements.flatMap(({ resources }) => resources).filter((arn) => arn.includes('*'));
  for (const arn of new Set(arns)) {
    // As cdk-nag names it, such as `arn:<AWS::Partition>:ssm:…`.
    const named = Tokenization.reverseString(arn).mapTokens({ mapToken }).join({ join });
    acknowledge(construct, {
      id: `AwsSolutions-IAM5[Resource::${named}]`,
      reason:
        'The parameters of this deployment, keys by their alias, the Bedrock projects of this account, or an action without resources.',
    });
  }
}
