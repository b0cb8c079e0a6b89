import { App, type AppProps, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { contextOf } from './context.ts';
import { CurfewStack } from './curfew-stack.ts';
import { defaults } from './settings.ts';

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
