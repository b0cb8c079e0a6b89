import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { contextOf } from './context.ts';
import { CurfewStack } from './curfew-stack.ts';

const app = new App();
new CurfewStack(app, 'FineTuningCurfew', contextOf(app.node), {
  description: 'A run-time limit for OpenAI fine-tuning jobs',
});
Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
