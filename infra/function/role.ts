import { ArnFormat, type IResolvable, Stack, Token, Tokenization } from 'aws-cdk-lib';
import { EventBus } from 'aws-cdk-lib/aws-events';
import { ManagedPolicy, Policy, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { eventSource } from '../../lambda/names.ts';
import { acknowledge } from './acknowledged.ts';
import type { FunctionProps } from './function.ts';
import { accessStatements } from './project-access.ts';

/** The default quota of managed policies per role. */
const maxManagedPolicies = 10;
const tooManySecrets =
  'the projects have more secrets than the policies of a role can name: put the keys as fields into fewer secrets ' +
  '("secretField")';

/** The ids of extra policies for a provider that is a token: it may be either kind of Bedrock. */
const ifProviders = { IfBedrock: 'bedrock', IfBedrockCustomization: 'bedrock-customization' } as const;

/** Adds the least-privilege role of the function. CDK's default role can write to every log group of the account. */
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
    // Allows any set of parameters of this deployment, because a function that starts during an update may still read the
    // old set.
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
    // These actions do not support narrower resources.
    statements.push(new PolicyStatement({ actions, resources: ['*'] }));
  }
  for (const statement of statements) role.addToPolicy(statement);
  acknowledgeWildcards(role, statements);

  const unknown = props.projects.filter(({ provider }) => Token.isUnresolved(provider));
  if (unknown.length > 0) {
    const withoutSecret = { secretName: undefined, secretKmsKeyArn: undefined };
    // Separate policies, so that the release's template can put conditions on them.
    for (const [policyId, provider] of Object.entries(ifProviders)) {
      const bedrock = unknown.map((project) => ({ ...project, ...withoutSecret, provider }));
      const statements = accessStatements(bedrock, stack);
      acknowledgeWildcards(new Policy(scope, policyId, { roles: [role], statements }), statements);
    }
  }
  role.node.addValidation({
    // CDK moves what does not fit into the role's own policy to managed policies, whose number is limited.
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
