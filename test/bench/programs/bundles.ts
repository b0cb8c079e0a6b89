/** Synthesizes the deployed bundle and that of the afternoon handler into the directory it is given; says where they are. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { App, Stack } from 'aws-cdk-lib';
import { Runtime } from 'aws-cdk-lib/aws-lambda';
import { NodejsFunction } from 'aws-cdk-lib/aws-lambda-nodejs';
import cdkJson from '../../../cdk.json' with { type: 'json' };
import { bundling } from '../../../infra/bundling.ts';
import { contextOf } from '../../../infra/context.ts';
import { CurfewStack } from '../../../infra/curfew-stack.ts';
import type { Bundle } from '../bundles.ts';

const outdir = process.argv[2] ?? '';
// As the cdk command line does, so that the template says where each bundle is.
const context = { ...cdkJson.context, 'aws:cdk:enable-asset-metadata': true };
const app = new App({ outdir, context });
const ours = new CurfewStack(app, 'Ours', { curfew: contextOf(app.node) });
const theirs = new Stack(app, 'Theirs');
new NodejsFunction(theirs, 'Afternoon', {
  entry: fileURLToPath(new URL('../afternoon-handler.ts', import.meta.url)),
  runtime: Runtime.NODEJS_24_X,
  awsSdkConnectionReuse: false,
  bundling,
});
const assembly = app.synth();
const bundleOf = (stack: Stack): Bundle => {
  const functions = Object.values<{ Type: string; Metadata?: Record<string, string> }>(
    assembly.getStackByName(stack.stackName).template.Resources,
  ).filter(({ Type }) => Type === 'AWS::Lambda::Function');
  const directory = join(outdir, functions[0]?.Metadata?.['aws:asset:path'] ?? '');
  const sizes = readdirSync(directory).map((name) => statSync(join(directory, name)).size);
  return { file: join(directory, 'index.js'), bytes: sizes.reduce((sum, size) => sum + size, 0) };
};
console.log(JSON.stringify({ ours: bundleOf(ours), theirs: bundleOf(theirs) }));
