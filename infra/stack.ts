import { App, type AppProps, CfnMapping, CfnOutput, Stack, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { FineTuningCurfew } from './fine-tuning-curfew.ts';
import { contextOf } from './settings/context.ts';
import { defaults } from './settings/settings.ts';

/** The domain of the console in each AWS partition. */
const consoles = {
  aws: { Domain: 'console.aws.amazon.com' },
  'aws-cn': { Domain: 'console.amazonaws.cn' },
  'aws-us-gov': { Domain: 'console.amazonaws-us-gov.com' },
  'aws-eusc': { Domain: 'console.amazonaws-eusc.eu' },
};

/** Adds outputs that operators need to the construct's stack. */
export function addOutputs(curfew: FineTuningCurfew): void {
  const stack = Stack.of(curfew);
  const { region, partition } = stack;
  const { functionName, functionArn, role } = curfew.function;
  const console = new CfnMapping(stack, 'Consoles', { mapping: consoles }).findInMap(partition, 'Domain');
  const outputs = {
    FunctionName: functionName,
    FunctionArn: functionArn,
    RoleArn: role?.roleArn ?? '',
    DeadLetterQueueUrl: curfew.deadLetters.queueUrl,
    DashboardUrl: `https://${region}.${console}/cloudwatch/home?region=${region}#dashboards/dashboard/${curfew.dashboard.dashboardName}`,
    InvokeCommand: `echo '{"sweep": {"dryRun": true}}' | aws lambda invoke --region ${region} --function-name ${functionName} --cli-read-timeout 0 --payload fileb:///dev/stdin /dev/stdout`,
    LogTailCommand: `aws logs tail ${curfew.logGroup.logGroupName} --region ${region} --follow`,
  };
  for (const [name, value] of Object.entries(outputs)) new CfnOutput(stack, name, { value });
}

export interface CurfewAppProps extends AppProps {
  /** Whether it is deployed to an AWS emulator. Ours does not support saved queries. */
  isEmulated: boolean;
}

/** The CDK app: one stack, configured by the context and checked by cdk-nag. */
export class CurfewApp extends App {
  readonly stack: Stack;

  constructor({ isEmulated, ...props }: CurfewAppProps) {
    super(props);
    const settings = contextOf(this.node);
    const isDefault = settings.name === defaults.name;
    const description = 'A run-time limit for fine-tuning jobs';
    this.stack = new Stack(this, isDefault ? 'FineTuningCurfew' : `FineTuningCurfew-${settings.name}`, { description });
    addOutputs(new FineTuningCurfew(this.stack, 'Curfew', { ...settings, savedQueries: !isEmulated }));
    Validations.of(this).addPlugins(new AwsSolutionsChecks(this));
  }
}
