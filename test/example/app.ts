/** A CDK app that uses fine-tuning curfew as a construct, with every recipe in docs/callers.md. */
import { App, CfnOutput, Duration, SecretValue, Stack } from 'aws-cdk-lib';
import { CfnBudget } from 'aws-cdk-lib/aws-budgets';
import {
  ApiDestination,
  Authorization,
  Connection,
  EventField,
  type IApiDestination,
  Rule,
  RuleTargetInput,
} from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Runtime } from 'aws-cdk-lib/aws-lambda';
import { NodejsFunction } from 'aws-cdk-lib/aws-lambda-nodejs';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { LambdaSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import {
  DefinitionBody,
  JsonPath,
  Pass,
  StateMachine,
  Succeed,
  TaskInput,
  Wait,
  WaitTime,
} from 'aws-cdk-lib/aws-stepfunctions';
import { LambdaInvoke } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { bundleFunction } from '../../infra/function/bundling.ts';
import { FineTuningCurfew } from '../../infra/index.ts';
import { contextOf } from '../../infra/settings/context.ts';

class ExampleStack extends Stack {
  constructor(app: App) {
    super(app, 'CurfewExample');
    const isEmulated = process.env['AWS_ENDPOINT_URL'] !== undefined;
    const curfew = new FineTuningCurfew(this, 'Curfew', {
      ...contextOf(app.node),
      savedQueries: !isEmulated,
    });

    // Step Functions: waits until the deadline, then cancels the job if it is still in progress.
    const cancel = new LambdaInvoke(this, 'Cancel if still in progress', {
      lambdaFunction: curfew.function,
      payload: TaskInput.fromObject({ jobId: JsonPath.stringAt('$.jobId') }),
      outputPath: '$.Payload',
    });
    cancel.addRetry({
      errors: ['RateLimitError', 'OpenAIError'],
      interval: Duration.minutes(1),
      maxAttempts: 5,
    });
    cancel.addCatch(new Succeed(this, 'No such job'), { errors: ['JobNotFoundError'] });
    const untilDeadline = new Wait(this, 'Until the deadline', {
      time: WaitTime.timestampPath('$.deadline'),
    });
    new StateMachine(this, 'CancelAtDeadline', {
      stateMachineName: 'cancel-at-deadline',
      definitionBody: DefinitionBody.fromChainable(untilDeadline.next(cancel)),
    });

    // The same task in JSONata, whose result the next state can use.
    const cancelJsonata = LambdaInvoke.jsonata(this, 'Cancel', {
      lambdaFunction: curfew.function,
      payload: TaskInput.fromObject({ jobId: '{% $states.input.jobId %}' }),
      outputs: '{% $states.result.Payload %}',
    });
    const report = Pass.jsonata(this, 'Report', { outputs: { was: '{% $states.input.initialStatus %}' } });
    new StateMachine(this, 'CancelNow', {
      stateMachineName: 'cancel-now',
      definitionBody: DefinitionBody.fromChainable(cancelJsonata.next(report)),
    });

    // EventBridge Scheduler: the role with which a one-time schedule invokes the function.
    const schedules = new Role(this, 'Schedules', {
      assumedBy: new ServicePrincipal('scheduler.amazonaws.com'),
    });
    curfew.grantInvoke(schedules);

    // A rule on any event that has a jobId in its detail.
    new Rule(this, 'OnTrainingAborted', {
      eventPattern: { source: ['my.pipeline'], detailType: ['Training Aborted'] },
      targets: [new targets.LambdaFunction(curfew.function)],
    });

    // A queue of requests.
    const requests = new Queue(this, 'Requests', {
      visibilityTimeout: Duration.minutes(16),
      deadLetterQueue: { queue: new Queue(this, 'FailedRequests'), maxReceiveCount: 3 },
    });
    curfew.handleRequestsFrom(requests);

    // A topic of requests.
    const topic = new Topic(this, 'RequestTopic');
    topic.addSubscription(new LambdaSubscription(curfew.function));

    // A topic that stops everything: AWS Budgets publishes there once the monthly Bedrock budget is spent.
    const overBudget = new Topic(this, 'OverBudget');
    overBudget.grantPublish(
      new ServicePrincipal('budgets.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': this.account } },
      }),
    );
    curfew.stopAllOn(overBudget);

    // Certain jobs get more time, once.
    new Rule(this, 'ExtendOnce', {
      eventPattern: {
        source: ['fine-tuning-curfew'],
        detailType: ['Fine-Tuning Job Near Its Time Budget'],
        detail: { metadata: { extend: ['once'] }, budgetFrom: [{ 'anything-but': 'extension' }] },
      },
      targets: [
        new targets.LambdaFunction(curfew.function, {
          event: RuleTargetInput.fromObject({
            extend: { jobId: EventField.fromPath('$.detail.jobId'), minutes: 480 },
            requestedBy: 'the rule ExtendOnce',
          }),
        }),
      ],
    });

    // The emulator has no AWS Budgets, and must not post to Slack.
    if (!isEmulated) {
      new CfnBudget(this, 'MonthlyBudget', {
        budget: {
          budgetType: 'COST',
          timeUnit: 'MONTHLY',
          budgetLimit: { amount: 1000, unit: 'USD' },
          costFilters: { Service: ['Amazon Bedrock'] },
        },
        notificationsWithSubscribers: [
          {
            notification: { notificationType: 'ACTUAL', comparisonOperator: 'GREATER_THAN', threshold: 100 },
            subscribers: [{ subscriptionType: 'SNS', address: overBudget.topicArn }],
          },
        ],
      });

      // The person named in a job's metadata is told on Slack.
      const slack = new ApiDestination(this, 'Slack', {
        connection: new Connection(this, 'SlackConnection', {
          authorization: Authorization.apiKey('Authorization', SecretValue.secretsManager('slack/bearer')),
        }),
        endpoint: 'https://slack.com/api/chat.postMessage',
      });
      new Rule(this, 'WarnOwner', {
        eventPattern: {
          source: ['fine-tuning-curfew'],
          detailType: ['Fine-Tuning Job Near Its Time Budget', 'Fine-Tuning Job Cancelled'],
          detail: { metadata: { owner: [{ exists: true }] } },
        },
        targets: [
          // A no-op cast: CDK's types conflict with exactOptionalPropertyTypes.
          new targets.ApiDestination(slack as IApiDestination, {
            event: RuleTargetInput.fromObject({
              channel: EventField.fromPath('$.detail.metadata.owner'),
              text: EventField.fromPath('$.detail.summary'),
            }),
          }),
        ],
      });
    }

    // Another function.
    const caller = new NodejsFunction(this, 'Caller', {
      functionName: 'caller',
      entry: new URL('caller.ts', import.meta.url).pathname,
      runtime: Runtime.NODEJS_24_X,
      environment: { CURFEW: curfew.function.functionName },
    });
    curfew.grantInvoke(caller);

    const outputs = {
      FunctionArn: curfew.function.functionArn,
      DeadLetterQueueUrl: curfew.deadLetters.queueUrl,
      SchedulesRoleArn: schedules.roleArn,
      RequestsUrl: requests.queueUrl,
      FailedRequestsUrl: requests.deadLetterQueue?.queue.queueUrl ?? '',
      RequestTopicArn: topic.topicArn,
      OverBudgetArn: overBudget.topicArn,
    };
    for (const [name, value] of Object.entries(outputs)) new CfnOutput(this, name, { value });
  }
}

await bundleFunction();
new ExampleStack(new App());
