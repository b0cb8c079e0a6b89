import {
  App,
  type AppProps,
  Aws,
  CfnCondition,
  CfnOutput,
  Fn,
  Stack,
  type StackProps,
  Validations,
} from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import type { Construct } from 'constructs';
import { FineTuningCurfew } from './fine-tuning-curfew.ts';
import type { FineTuningCurfewProps } from './props.ts';
import { contextOf } from './settings/context.ts';
import { defaults } from './settings/settings.ts';

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

export interface CurfewAppProps extends AppProps {
  /** Whether it is deployed to an emulator of AWS. Ours does not know saved queries. */
  isEmulated: boolean;
}

/** The CDK app: one stack made of its context, checked by cdk-nag. */
export class CurfewApp extends App {
  readonly stack: CurfewStack;

  constructor({ isEmulated, ...props }: CurfewAppProps) {
    super(props);
    const settings = contextOf(this.node);
    const isDefault = settings.name === defaults.name;
    this.stack = new CurfewStack(this, isDefault ? 'FineTuningCurfew' : `FineTuningCurfew-${settings.name}`, {
      description: 'A run-time limit for fine-tuning jobs',
      curfew: { ...settings, savedQueries: !isEmulated },
    });
    Validations.of(this).addPlugins(new AwsSolutionsChecks(this));
  }
}
