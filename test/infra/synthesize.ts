import { App, Validations } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { AwsSolutionsChecks } from 'cdk-nag';
import cdkJson from '../../cdk.json' with { type: 'json' };
import { contextOf } from '../../infra/context.ts';
import { CurfewStack } from '../../infra/curfew-stack.ts';
import { newRunDirectory } from '../../infra/local/workspace.ts';

/** The template of the stack, which passed cdk-nag, with `context` over the defaults of `cdk.json`. */
export function synthesize(context: Record<string, string> = {}): Template {
  const app = new App({ outdir: newRunDirectory(), context: { ...cdkJson.context, ...context } });
  const stack = new CurfewStack(app, 'FineTuningCurfew', contextOf(app.node));
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  return Template.fromStack(stack);
}
