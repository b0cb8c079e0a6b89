import { Aws, CfnCondition, CfnOutput, Fn, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { FineTuningCurfew } from './fine-tuning-curfew.ts';
import type { FineTuningCurfewProps } from './props.ts';

export interface CurfewStackProps extends StackProps {
  curfew: FineTuningCurfewProps;
}

/** The domain of the console outside the partition `aws`. */
const consoleDomains = {
  China: { partition: 'aws-cn', domain: 'console.amazonaws.cn' },
  GovCloud: { partition: 'aws-us-gov', domain: 'console.amazonaws-us-gov.com' },
  EuropeanSovereignCloud: { partition: 'aws-eusc', domain: 'console.amazonaws-eusc.eu' },
};

/** Fine-tuning curfew as a stack of its own, with outputs that an operator can paste. */
export class CurfewStack extends Stack {
  constructor(scope: Construct, id: string, { curfew: curfewProps, ...props }: CurfewStackProps) {
    super(scope, id, props);
    const curfew = new FineTuningCurfew(this, 'Curfew', curfewProps);
    const { functionName, functionArn, role } = curfew.function;
    const { dashboardName } = curfew.dashboard;
    const outputs = {
      FunctionName: functionName,
      FunctionArn: functionArn,
      RoleArn: role?.roleArn ?? '',
      DeadLetterQueueUrl: curfew.deadLetters.queueUrl,
      DashboardUrl: `https://${this.region}.${this.#consoleDomain()}/cloudwatch/home?region=${this.region}#dashboards/dashboard/${dashboardName}`,
      InvokeCommand: `echo '{"sweep": {"dryRun": true}}' | aws lambda invoke --region ${this.region} --function-name ${functionName} --cli-read-timeout 0 --payload fileb:///dev/stdin /dev/stdout`,
      LogTailCommand: `aws logs tail ${curfew.logGroup.logGroupName} --region ${this.region} --follow`,
    };
    for (const [name, value] of Object.entries(outputs)) new CfnOutput(this, name, { value });
  }

  #consoleDomain(): string {
    return Object.entries(consoleDomains).reduce((otherwise, [name, { partition, domain }]) => {
      const condition = new CfnCondition(this, `Is${name}`, {
        expression: Fn.conditionEquals(Aws.PARTITION, partition),
      });
      return Fn.conditionIf(condition.logicalId, domain, otherwise).toString();
    }, 'console.aws.amazon.com');
  }
}
