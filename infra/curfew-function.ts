import { fileURLToPath } from 'node:url';
import { ArnFormat, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { EventBus } from 'aws-cdk-lib/aws-events';
import { Effect, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Architecture, LoggingFormat, Runtime } from 'aws-cdk-lib/aws-lambda';
import { SqsDestination } from 'aws-cdk-lib/aws-lambda-destinations';
import { NodejsFunction } from 'aws-cdk-lib/aws-lambda-nodejs';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { eventSource } from '../lambda/names.ts';
import { environmentFor, type Settings } from '../lambda/settings.ts';
import { leanBundling } from './bundling.ts';

/** The name that operators type. */
export const functionName = 'fine-tuning-curfew';

/** The function, its log group, and a role that may do only what it needs. */
export class CurfewFunction extends Construct {
  readonly function: NodejsFunction;
  readonly logGroup: LogGroup;

  constructor(scope: Construct, id: string, settings: Settings & { logLevel: string }, deadLetters: IQueue) {
    super(scope, id);

    this.logGroup = new LogGroup(this, 'Logs', {
      logGroupName: `/aws/lambda/${functionName}`,
      retention: RetentionDays.THREE_MONTHS,
      removalPolicy: RemovalPolicy.DESTROY,
    });

    // Our own role: the managed policy that CDK would attach may write every log group of the account.
    const role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
      description: 'Reads the OpenAI API key and writes the logs of fine-tuning curfew',
    });
    role.addToPolicy(
      new PolicyStatement({
        effect: Effect.ALLOW,
        actions: ['secretsmanager:GetSecretValue'],
        resources: [secretArnPattern(this, settings.secretName)],
      }),
    );
    role.addToPolicy(
      new PolicyStatement({
        effect: Effect.ALLOW,
        actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
        resources: [this.logGroup.logGroupArn],
      }),
    );
    role.addToPolicy(
      new PolicyStatement({
        effect: Effect.ALLOW,
        actions: ['events:PutEvents'],
        resources: [EventBus.fromEventBusName(this, 'DefaultBus', 'default').eventBusArn],
        conditions: { StringEquals: { 'events:source': eventSource } },
      }),
    );
    this.function = new NodejsFunction(this, 'Function', {
      functionName,
      description: 'Cancels OpenAI fine-tuning jobs that are past their time budget',
      entry: fileURLToPath(new URL('../lambda/handler.ts', import.meta.url)),
      handler: 'handler',
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      // A sweep of 100,000 jobs peaks below 200 MB (`npm run bench`), so that 256 MB would be tight. What a
      // cold start needs is CPU, which comes with memory.
      memorySize: 512,
      // A sweep reads 100 jobs a call: five minutes reach far beyond 10,000 jobs, and one sweep ends before the
      // next begins. What does not fit goes on in the next sweep.
      timeout: Duration.minutes(5),
      // For callers that do not wait (EventBridge, SNS, `--invocation-type Event`): two retries, after one minute and
      // after two. A cancel that comes late is as safe as an early one, but after an hour somebody should look at it.
      retryAttempts: 2,
      maxEventAge: Duration.hours(1),
      onFailure: new SqsDestination(deadLetters),
      role,
      logGroup: this.logGroup,
      loggingFormat: LoggingFormat.TEXT,
      environment: { ...environmentFor(settings), LOG_LEVEL: settings.logLevel },
      awsSdkConnectionReuse: false,
      bundling: leanBundling,
    });
  }
}

/** The secret by name, whose ARN ends in six characters that Secrets Manager chose, or by its whole ARN. */
function secretArnPattern(scope: Construct, secretName: string): string {
  if (secretName.startsWith('arn:')) return secretName;
  return Stack.of(scope).formatArn({
    service: 'secretsmanager',
    resource: 'secret',
    resourceName: `${secretName}-??????`,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
}
