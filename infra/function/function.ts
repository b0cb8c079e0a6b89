import { Duration, Lazy, RemovalPolicy, Stack } from 'aws-cdk-lib';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import type { ISecurityGroup, IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import type { IEventBus } from 'aws-cdk-lib/aws-events';
import {
  Architecture,
  CfnFunction,
  Code,
  Function as LambdaFunction,
  LoggingFormat,
  Runtime,
} from 'aws-cdk-lib/aws-lambda';
import { SqsDestination } from 'aws-cdk-lib/aws-lambda-destinations';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { ProjectSettings } from '../../lambda/project-settings.ts';
import { settingsEntries, settingsVariable } from '../../lambda/settings.ts';
import type { ProjectParameters } from '../settings/projects.ts';
import type { CurfewSettings } from '../settings/settings.ts';
import { bundledCode } from './bundled-code.ts';
import { maxArnLength } from './project-access.ts';
import { addRole } from './role.ts';

export interface FunctionProps {
  settings: CurfewSettings;
  /** The projects that the function must be able to reach. */
  projects: readonly ProjectSettings[];
  /** Where it finds their settings. Undefined in a deployment without `projects`. */
  parameters: ProjectParameters;
  table: Table;
  deadLetters: IQueue;
  /** Undefined for the default bus of the account. */
  eventBus: IEventBus | undefined;
  /** ARNs of topics on which any message stops every job. More may be added until synth. */
  stopAllTopics: readonly string[];
  network: { vpc?: IVpc; vpcSubnets?: SubnetSelection; securityGroups?: ISecurityGroup[] };
}

/** Adds the function, its log group and its role. */
export function addFunction(parent: Construct, props: FunctionProps): { fn: LambdaFunction; logGroup: LogGroup } {
  const { settings, parameters } = props;
  const scope = new Construct(parent, 'Curfew');
  // CDK uses this to decide how many statements fit into a policy of the role.
  scope.node.setContext('@aws-cdk/aws-iam.arnSizeEstimate', maxArnLength(props.projects));
  const logGroup = new LogGroup(scope, 'Logs', {
    logGroupName: `/aws/lambda/${settings.name}`,
    retention: settings.logRetentionDays,
    removalPolicy: RemovalPolicy.DESTROY,
  });
  const role = addRole(scope, props, logGroup);
  const fn = new LambdaFunction(scope, 'Function', {
    ...props.network,
    functionName: settings.name,
    description: 'Cancels fine-tuning jobs that are past their time budget',
    code: Code.fromAsset(bundledCode),
    handler: 'index.handler',
    runtime: Runtime.NODEJS_24_X,
    architecture: Architecture.ARM_64,
    // A sweep of 1,000 projects, 20 of them failing, peaks below 300 MB, so 256 MB is too little. Cold starts need
    // CPU, which comes with memory: docs/performance.md, "Memory and timeout".
    memorySize: 512,
    // The maximum. The duration of a sweep depends on the number of jobs, and every sweep starts again at the newest
    // job.
    timeout: Duration.minutes(15),
    // For callers that do not wait (EventBridge, SNS, `--invocation-type Event`): two retries, after one minute and
    // after two. A late cancel is as safe as an early one, but after an hour somebody should look at it.
    retryAttempts: 2,
    maxEventAge: Duration.hours(1),
    onFailure: new SqsDestination(props.deadLetters),
    role,
    logGroup,
    // JSON would override our log level and drop our metrics.
    loggingFormat: LoggingFormat.TEXT,
    environment: {
      [settingsVariable]: Lazy.string({ produce: () => Stack.of(scope).toJsonString(functionSettings(props)) }),
      LOG_LEVEL: settings.logLevel,
      // Node resolves host names on these threads, only two at a time by default: a few silent servers would block the rest.
      UV_THREADPOOL_SIZE: '32',
    },
  });
  checkEnvironmentSize(fn);
  // The parameters must exist before the function. Their path is plain text, so nothing else implies this.
  if (parameters) fn.node.addDependency(parameters.construct);
  return { fn, logGroup };
}

/** Returns the settings that the function reads from its environment variable. */
function functionSettings({ settings, parameters, table, eventBus, stopAllTopics }: FunctionProps): object {
  const own = Object.entries(settings).filter(([key]) => key in settingsEntries);
  return {
    ...Object.fromEntries(own),
    tableName: table.tableName,
    stopAllTopics,
    ...parameters?.settings,
    ...(eventBus && { eventBusName: eventBus.eventBusArn }),
  };
}

/** Lambda's limit on all names and values of an environment together. */
const maxBytes = 4096;
/** Longer than most resolved tokens: ARNs of topics and buses, names of tables. */
const assumedTokenBytes = 160;

/** Fails synth if the final environment of a function may be larger than Lambda allows. */
export function checkEnvironmentSize({ node, stack }: LambdaFunction): void {
  node.addValidation({
    validate: () => {
      if (!(node.defaultChild instanceof CfnFunction)) return [];
      const { variables = {} } = stack.resolve(node.defaultChild.environment) ?? {};
      const bytes = Object.entries(variables).reduce((sum, [name, value]) => sum + name.length + bytesOf(value), 0);
      if (bytes <= maxBytes) return [];
      return [
        `the settings may take ${bytes} bytes of the function's environment, tokens counted as ${assumedTokenBytes} each, ` +
          `but Lambda allows ${maxBytes}: shorten them, and give "stopAllOn" fewer topics`,
      ];
    },
  });
}

/** Returns the size of a resolved text, in which CloudFormation functions replace tokens. */
function bytesOf(text: unknown): number {
  if (typeof text === 'string') return Buffer.byteLength(text);
  const isJoin = typeof text === 'object' && text !== null && 'Fn::Join' in text;
  const [, parts]: unknown[] = isJoin && Array.isArray(text['Fn::Join']) ? text['Fn::Join'] : [];
  return Array.isArray(parts) ? parts.reduce((sum: number, part) => sum + bytesOf(part), 0) : assumedTokenBytes;
}
