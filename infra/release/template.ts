import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, DefaultStackSynthesizer, type IStackSynthesizer, Validations } from 'aws-cdk-lib';
import { TemplateStack } from './template-stack.ts';

/**
 * The stack as a CloudFormation template, for whoever has no CDK.
 *
 * @param code where the function's code is, seen from the template.
 */
export function curfewTemplate(code: string): object {
  const outdir = mkdtempSync(join(tmpdir(), 'curfew-'));
  try {
    const app = new App({ outdir, analyticsReporting: false });
    const stack = new TemplateStack(app, 'FineTuningCurfew', {
      description: 'A run-time limit for fine-tuning jobs',
      // The same thing: CDK's types do not go with exactOptionalPropertyTypes.
      synthesizer: new DefaultStackSynthesizer({ generateBootstrapVersionRule: false }) as IStackSynthesizer,
      code,
    });
    const reasons = {
      'CloudFormation-Validate::W2509': 'The name of a secret is no secret.',
      'CloudFormation-Validate::W3002': '`aws cloudformation package` replaces the path of the code.',
    };
    for (const [id, reason] of Object.entries(reasons)) Validations.of(stack).acknowledge({ id, reason });
    return app.synth().getStackByName(stack.stackName).template;
  } finally {
    rmSync(outdir, { recursive: true });
  }
}
