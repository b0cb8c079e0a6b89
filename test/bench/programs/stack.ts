/** `node stack.ts CONTEXT OUTPUT`: says what the stack has with the context in this file over that of `cdk.json`. */
import { readFileSync } from 'node:fs';
import { Template } from 'aws-cdk-lib/assertions';
import cdkJson from '../../../cdk.json' with { type: 'json' };
import { bundleFunction } from '../../../infra/function/bundling.ts';
import { CurfewApp } from '../../../infra/stack.ts';
import { metricUnits } from '../../../lambda/names.ts';
import type { Stack } from '../world/stack.ts';

const [, , contextFile = '', outdir = ''] = process.argv;
const context = { ...cdkJson.context, ...JSON.parse(readFileSync(contextFile, 'utf8')) };
await bundleFunction();
const app = new CurfewApp({ outdir, context, isEmulated: false });
const template = Template.fromJSON(app.synth().getStackByName(app.stack.stackName).template);

function ofType(type: string): Record<string, unknown>[] {
  return Object.values(template.findResources(type)).map((resource) => resource['Properties']);
}

const curfew = ofType('AWS::Lambda::Function').find((properties) => 'Environment' in properties);
const { Variables } = Object(curfew?.['Environment']) as { Variables: Record<string, unknown> };
const stack: Stack = {
  // What is no text here names something that a deployment would make.
  environment: Object.fromEntries(
    Object.entries(Variables).map(([name, value]) => [name, typeof value === 'string' ? value : 'bench']),
  ),
  parameters: Object.fromEntries(
    ofType('AWS::SSM::Parameter').map(({ Name, Value }) => [String(Name), String(Value)]),
  ),
  metrics: Object.keys(metricUnits).length + ofType('AWS::Logs::MetricFilter').length,
  alarms: ofType('AWS::CloudWatch::Alarm').length,
  dashboards: ofType('AWS::CloudWatch::Dashboard').length,
  memoryMegabytes: Number(curfew?.['MemorySize']),
};
console.log(JSON.stringify(stack));
