import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { contextOf } from './context.ts';
import { CurfewStack } from './curfew-stack.ts';

const app = new App();
// Whoever sets an endpoint deploys to an emulator of AWS, and ours does not know saved queries.
const savedQueries = process.env['AWS_ENDPOINT_URL'] === undefined;
new CurfewStack(
  app,
  'FineTuningCurfew',
  { ...contextOf(app.node), savedQueries },
  {
    description: 'A run-time limit for OpenAI fine-tuning jobs',
  },
);
Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
