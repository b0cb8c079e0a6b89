import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { functionName } from './curfew-function.ts';
import { FineTuningCurfew, type FineTuningCurfewProps } from './fine-tuning-curfew.ts';

/** Fine-tuning curfew as a stack of its own, with outputs that an operator can paste. */
export class CurfewStack extends Stack {
  constructor(scope: Construct, id: string, curfewProps: FineTuningCurfewProps, props?: StackProps) {
    super(scope, id, props);
    const curfew = new FineTuningCurfew(this, 'Curfew', curfewProps);
    const outputs = {
      FunctionName: curfew.function.functionName,
      FunctionArn: curfew.function.functionArn,
      DeadLetterQueueUrl: curfew.deadLetters.queueUrl,
      DashboardUrl: `https://${this.region}.console.aws.amazon.com/cloudwatch/home?region=${this.region}#dashboards/dashboard/${functionName}`,
      InvokeCommand: `echo '{"sweep": {"dryRun": true}}' | aws lambda invoke --region ${this.region} --function-name ${functionName} --payload fileb:///dev/stdin /dev/stdout`,
      LogTailCommand: `aws logs tail /aws/lambda/${functionName} --region ${this.region} --follow`,
    };
    for (const [name, value] of Object.entries(outputs)) new CfnOutput(this, name, { value });
  }
}
