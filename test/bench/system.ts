import { Template } from 'aws-cdk-lib/assertions';
import cdkJson from '../../cdk.json' with { type: 'json' };
import { startAwsStub } from '../../infra/local/aws/stub/server.ts';
import type { SimulatedJob } from '../../infra/local/providers/simulated-job.ts';
import type { Fault } from '../../infra/local/providers/simulator.ts';
import { CurfewApp } from '../../infra/stack.ts';
import { metricUnits } from '../../lambda/names.ts';
import type { ProjectOverrides } from '../../lambda/settings.ts';
import { type Behaviour, keyOf, startProvider } from './provider.ts';

interface SystemOptions {
  /** One by default: a deployment without `projects`. */
  projects?: number;
  /** How some projects, spread evenly, fail: their provider's behaviour, or what is wrong with their settings. */
  failures?: (Fault | ProjectOverrides)[];
  /** How long each answer of AWS takes. */
  awsMs?: number;
}

/** A secret holds 64 kB, so this many keys fit as fields. */
const keysInSecret = 250;

/** Starts everything that a deployment talks to, and synthesizes its stack. The function is a process of its own. */
export async function startSystem({ projects: count = 1, failures = [], awsMs = 0 }: SystemOptions = {}) {
  const names = Array.from({ length: count }, (_, index) => `project-${String(index).padStart(4, '0')}`);
  const projects: Record<string, ProjectOverrides> = {};
  const secrets: Record<string, { SecretString: string }> = {};
  for (let start = 0; start < count; start += keysInSecret) {
    const secretName = `openai/keys-${start / keysInSecret}`;
    const held = names.slice(start, start + keysInSecret);
    secrets[secretName] = { SecretString: JSON.stringify(Object.fromEntries(held.map((name) => [name, keyOf(name)]))) };
    for (const name of held) projects[name] = { secretName, secretField: name };
  }
  const faults = new Map<string, Fault>();
  for (const [index, failure] of failures.entries()) {
    const name = names[index * Math.floor(count / failures.length)] ?? '';
    if (typeof failure === 'function') faults.set(name, failure);
    else Object.assign(projects[name] ?? {}, failure);
  }
  const allSecrets = count > 1 ? secrets : { 'openai/api-key': { SecretString: keyOf('project-0000') } };

  await using starting = new AsyncDisposableStack();
  const provider = starting.use(await startProvider(names, faults));
  const stack = synthesize({ openaiBaseUrl: provider.baseUrl, ...(count > 1 && { projects }) });
  const aws = starting.use(await startAwsStub({ secrets: allSecrets, parameters: stack.parameters, answerMs: awsMs }));
  const running = starting.move();
  return {
    stack,
    secrets: Object.keys(allSecrets).length,
    /** The environment of the function, and of the afternoon handlers. */
    environment: {
      ...stack.environment,
      AWS_ENDPOINT_URL: aws.url,
      OPENAI_BASE_URL: provider.baseUrl,
      SECRET_NAME: 'openai/api-key',
    },
    /** Gives each project its jobs, and resets the counts. */
    begin(jobsOf: (project: string) => SimulatedJob[], behaviour: Behaviour = {}): void {
      provider.begin(jobsOf, behaviour);
      aws.secretReads.length = 0;
      aws.events.length = 0;
      aws.table.idsRead.length = 0;
      aws.table.writes = 0;
    },
    /** The counts since then. */
    tally: () => ({
      ...provider.tally(),
      secretReads: aws.secretReads.length,
      events: aws.events.length,
      rowsRead: aws.table.idsRead.length,
      rowsWritten: aws.table.writes,
    }),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** Synthesizes the stack with this context over that of `cdk.json`, and returns what the bench needs. */
function synthesize(context: object) {
  // CDK's own template rules take five seconds to load, and tests apply them.
  process.env['CDK_VALIDATION'] = 'false';
  const app = new CurfewApp({ context: { ...cdkJson.context, ...context }, isEmulated: false });
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

/** Returns a value of the template as a deployment would have it; references become a placeholder. */
function toText(value: unknown): string {
  if (typeof value === 'string') return value;
  const { 'Fn::Join': join } = Object(value) as { 'Fn::Join'?: [string, unknown[]] };
  return join ? join[1].map(toText).join(join[0]) : 'bench';
}
