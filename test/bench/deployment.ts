import { Template } from 'aws-cdk-lib/assertions';
import cdkJson from '../../cdk.json' with { type: 'json' };
import { CurfewApp } from '../../infra/stack.ts';
import { metricUnits } from '../../lambda/names.ts';
import type { Cpu } from './cpu.ts';
import { failuresAmong, keyOf, projectNames, projectsAndSecrets } from './keys.ts';
import type { AwsOptions } from './programs/aws.ts';
import type { ProjectsOptions } from './programs/projects.ts';
import { newDirectory, startFunction, startProgram } from './programs.ts';

/** How long an answer of AWS takes. */
const awsMs = 20;

/** Starts a deployment for many projects as its stack makes it, and all that it speaks to. One project takes no `projects`. */
export async function startDeployment(bundle: string, options: ProjectsOptions, cpu?: Cpu) {
  await using starting = new AsyncDisposableStack();
  const names = projectNames(options.projects);
  const provider = starting.use(await startProgram('projects', options));
  const { projects, secrets } = projectsAndSecrets(names);
  for (const [name, way] of options.someFail ? failuresAmong(names) : []) {
    if (typeof way !== 'function') Object.assign(projects[name] ?? {}, way);
  }
  const [only = ''] = names;
  const isOne = names.length === 1;
  const stack = synthesize({ openaiBaseUrl: provider.greeting, ...(!isOne && { projects }) });
  const allSecrets = isOne ? { 'openai/api-key': { SecretString: keyOf(only) } } : secrets;
  const awsOptions: AwsOptions = { secrets: allSecrets, parameters: stack.parameters, answerMs: awsMs };
  const aws = starting.use(await startProgram('aws', awsOptions));
  const environment = { ...stack.environment, AWS_ENDPOINT_URL: aws.greeting };
  const curfew = starting.use(await startFunction(bundle, environment, cpu));
  const running = starting.move();
  return {
    stack,
    secrets: Object.keys(allSecrets).length,
    provider,
    aws,
    curfew,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** What a deployment has, as its template says. */
export type Stack = ReturnType<typeof synthesize>;

/** Synthesizes the stack with this context over that of `cdk.json`. */
function synthesize(context: object) {
  // CDK's own rules for templates take five seconds to load, and tests apply them.
  process.env['CDK_VALIDATION'] = 'false';
  const app = new CurfewApp({
    outdir: newDirectory(),
    context: { ...cdkJson.context, ...context },
    isEmulated: false,
  });
  const template = Template.fromJSON(app.synth().getStackByName(app.stack.stackName).template);
  const ofType = (type: string): Record<string, unknown>[] =>
    Object.values(template.findResources(type)).map((resource) => resource['Properties']);
  const curfew = ofType('AWS::Lambda::Function').find((properties) => 'Environment' in properties);
  const { Variables } = Object(curfew?.['Environment']) as { Variables: Record<string, unknown> };
  const parameters = ofType('AWS::SSM::Parameter');
  return {
    environment: Object.fromEntries(Object.entries(Variables).map(([name, value]) => [name, toText(value)])),
    parameters: Object.fromEntries(parameters.map(({ Name, Value }) => [String(Name), String(Value)])),
    metrics: Object.keys(metricUnits).length + ofType('AWS::Logs::MetricFilter').length,
    alarms: ofType('AWS::CloudWatch::Alarm').length,
    dashboards: ofType('AWS::CloudWatch::Dashboard').length,
    memoryMegabytes: Number(curfew?.['MemorySize']),
  };
}

/** Returns a value of the template as a deployment would have it. What refers to a resource names something it makes. */
function toText(value: unknown): string {
  if (typeof value === 'string') return value;
  const { 'Fn::Join': join } = Object(value) as { 'Fn::Join'?: [string, unknown[]] };
  return join ? join[1].map(toText).join(join[0]) : 'bench';
}
