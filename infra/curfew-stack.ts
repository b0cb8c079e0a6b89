import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { Alarms } from './alarms.ts';
import type { CurfewContext } from './context.ts';
import { CurfewFunction, functionName } from './curfew-function.ts';
import { curfewDashboard } from './dashboard.ts';
import { deadLetterQueue } from './dead-letters.ts';
import { mailTopic } from './notifications.ts';
import { SavedQueries } from './saved-queries.ts';
import { SweepSchedule } from './sweep-schedule.ts';

/** All of fine-tuning curfew in one account and region. */
export class CurfewStack extends Stack {
  constructor(scope: Construct, id: string, context: CurfewContext, props?: StackProps) {
    super(scope, id, props);

    const deadLetters = deadLetterQueue(this);
    const curfew = new CurfewFunction(this, 'Curfew', context, deadLetters);

    new SweepSchedule(this, 'Sweeps', {
      ...context,
      function: curfew.function,
      everyMinutes: context.sweepEveryMinutes,
      deadLetters,
    });

    new Alarms(this, 'Alarms', {
      ...context,
      function: curfew.function,
      deadLetters,
      topic: context.notifyEmail === undefined ? undefined : mailTopic(this, context.notifyEmail),
    });
    curfewDashboard(this, curfew.function, curfew.logGroup);
    // The one thing that the AWS emulator does not know; `infra/local` sets this.
    if (!context.emulator) new SavedQueries(this, 'Queries', curfew.logGroup);

    const outputs = {
      FunctionName: curfew.function.functionName,
      FunctionArn: curfew.function.functionArn,
      DeadLetterQueueUrl: deadLetters.queueUrl,
      DashboardUrl: `https://${this.region}.console.aws.amazon.com/cloudwatch/home?region=${this.region}#dashboards/dashboard/${functionName}`,
      InvokeCommand: `echo '{"sweep": {"dryRun": true}}' | aws lambda invoke --region ${this.region} --function-name ${functionName} --payload fileb:///dev/stdin /dev/stdout`,
      LogTailCommand: `aws logs tail /aws/lambda/${functionName} --region ${this.region} --follow`,
    };
    for (const [name, value] of Object.entries(outputs)) new CfnOutput(this, name, { value });
  }
}
