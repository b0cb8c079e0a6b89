import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { CurfewContext } from './context.ts';
import { CurfewFunction } from './curfew-function.ts';
import { deadLetterQueue } from './dead-letters.ts';
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

    new CfnOutput(this, 'FunctionName', { value: curfew.function.functionName });
    new CfnOutput(this, 'FunctionArn', { value: curfew.function.functionArn });
    new CfnOutput(this, 'DeadLetterQueueUrl', { value: deadLetters.queueUrl });
  }
}
