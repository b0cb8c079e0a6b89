import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { contextOf } from './context.ts';
import { CurfewStack } from './curfew-stack.ts';
import { defaults } from './settings.ts';

const app = new App();
const settings = contextOf(app.node);
const stackName = settings.name === defaults.name ? 'FineTuningCurfew' : `FineTuningCurfew-${settings.name}`;
new CurfewStack(app, stackName, {
  description: 'A run-time limit for fine-tuning jobs',
  curfew: {
    ...settings,
    // Whoever sets an endpoint deploys to an emulator of AWS, and ours does not know saved queries.
    savedQueries: process.env['AWS_ENDPOINT_URL'] === undefined,
  },
});
Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
