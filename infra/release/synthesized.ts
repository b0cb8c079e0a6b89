import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, CfnParameter, DefaultStackSynthesizer, Fn, type IStackSynthesizer } from 'aws-cdk-lib';
import { acknowledge } from '../function/acknowledged.ts';
import type { FineTuningCurfewProps } from '../props.ts';
import { CurfewStack } from '../stack.ts';
import type { Json, JsonObject } from './json.ts';

export interface Resource {
  Type: string;
  Properties: JsonObject;
  [attribute: string]: Json;
}
export interface Template {
  Conditions: JsonObject;
  Resources: Record<string, Resource>;
  Outputs: JsonObject;
  [section: string]: Json;
}

/**
 * The template of our stack as CDK makes it, without what only CDK itself needs.
 *
 * @param settings for it, with `parameter` for what is known only once the template is deployed.
 */
export function synthesized(
  settings: (parameter: (name: string) => string) => FineTuningCurfewProps,
): Template {
  const parameters: string[] = [];
  const curfew = settings((name) => {
    parameters.push(name);
    return Fn.ref(name);
  });
  const outdir = mkdtempSync(join(tmpdir(), 'curfew-'));
  try {
    const app = new App({ outdir, analyticsReporting: false });
    // The same thing: CDK's types do not go with exactOptionalPropertyTypes.
    const synthesizer = new DefaultStackSynthesizer({
      generateBootstrapVersionRule: false,
    }) as IStackSynthesizer;
    const stack = new CurfewStack(app, 'FineTuningCurfew', {
      description: 'A run-time limit for fine-tuning jobs',
      synthesizer,
      curfew,
    });
    acknowledge(stack, {
      id: 'CloudFormation-Validate::W2509',
      reason: 'The name of a secret is no secret.',
    });
    for (const name of parameters) new CfnParameter(stack, name);
    return app.synth().getStackByName(stack.stackName).template;
  } finally {
    rmSync(outdir, { recursive: true });
  }
}
