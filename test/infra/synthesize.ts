import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { App, Stack, type StackProps } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import cdkJson from '../../cdk.json' with { type: 'json' };
import { bundleFunction } from '../../infra/function/bundling.ts';
import { FineTuningCurfew, type FineTuningCurfewProps } from '../../infra/index.ts';
import { isolatedEnvironment, newRunDirectory } from '../../infra/local/aws/workspace.ts';
import { CurfewApp } from '../../infra/stack.ts';
import { type ContextName, contexts } from './contexts.ts';

const runDirectory = newRunDirectory();
// CDK writes below the home directory.
Object.assign(process.env, isolatedEnvironment(runDirectory));
// CDK's own template rules take five seconds to load, and cfn-lint has them all.
process.env['CDK_VALIDATION'] = 'false';
await bundleFunction();
const outdir = join(runDirectory, 'cdk.out');

export interface Synthesized {
  stackName: string;
  template: Template;
  /** The path of the template. */
  file: string;
}

const cache = new Map<string, Synthesized>();

/** Synthesises the CDK app with this context over that of `cdk.json`, with the checks of cdk-nag. */
export function synthesize(context: ContextName, { isEmulated = false } = {}): Synthesized {
  const key = `${context}${isEmulated ? '-emulated' : ''}`;
  const synthesized = cache.get(key) ?? synthesizeAnew(key, contexts[context], isEmulated);
  cache.set(key, synthesized);
  return synthesized;
}

function synthesizeAnew(key: string, context: object, isEmulated: boolean): Synthesized {
  const app = new CurfewApp({ outdir, context: { ...cdkJson.context, ...context }, isEmulated });
  const { stackName } = app.stack;
  const { template } = app.synth().getStackByName(stackName);
  const file = join(runDirectory, `${key}.template.json`);
  writeFileSync(file, JSON.stringify(template));
  return { stackName, template: Template.fromJSON(template), file };
}

/** Returns a stack in an app of its own, by default in an unknown account and region. */
export const newStack = (props: StackProps = {}) => new Stack(new App({ outdir }), 'Test', props);
export const curfewIn = (stack: Stack, props: FineTuningCurfewProps = {}) =>
  new FineTuningCurfew(stack, 'Curfew', props);

/** Returns the template of a stack with what `build` puts into it. */
export function templateOf(build: (stack: Stack) => void): Template {
  const stack = newStack();
  build(stack);
  return Template.fromStack(stack);
}

/** Returns the template of a stack with only the construct. */
export const templateWith = (props: FineTuningCurfewProps) => templateOf((stack) => curfewIn(stack, props));
