import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startLocalProjects } from '../providers/projects.ts';
import { cdk } from './commands.ts';
import type { Invocation, LocalSystem, LocalSystemOptions } from './local-system.ts';
import { startAwsStub } from './stub/server.ts';
import { isolatedEnvironment, newRunDirectory } from './workspace.ts';

/** A text of a template. What is neither plain nor joined names something that a deployment would make. */
type Text = string | { 'Fn::Join'?: [separator: string, parts: Text[]] };

interface Resource {
  Type: string;
  Properties: {
    /** Of a function. */
    Environment?: { Variables: Record<string, Text> };
    /** Of a rule. */
    ScheduleExpression?: string;
    Targets?: { Input: string }[];
    /** Of a parameter. */
    Name?: string;
    Value?: string;
  };
  Metadata?: { 'aws:asset:path'?: string };
}

/**
 * The system without an AWS emulator: the bundle that `cdk synth` made, in a plain Node process with the environment
 * that the template gives the function, and a stub of AWS with the keys and the parameters of the template. Rules do
 * not fire by themselves.
 */
export async function startUndeployedSystem(options: LocalSystemOptions): Promise<LocalSystem> {
  const { context = {}, progress = () => {} } = options;
  await using starting = new AsyncDisposableStack();
  progress('Starting the simulated providers and a stub of AWS');
  const local = starting.use(await startLocalProjects(options));
  const secrets = Object.entries(local.secrets).map(([name, SecretString]) => [name, { SecretString }]);
  const awsStub = starting.use(await startAwsStub({ secrets: Object.fromEntries(secrets) }));

  progress('cdk synth');
  const runDirectory = newRunDirectory();
  const environment = { ...isolatedEnvironment(runDirectory), AWS_ENDPOINT_URL: awsStub.url };
  await cdk({ environment, runDirectory }, ['synth', '--quiet'], { ...local.context, ...context });
  const output = join(runDirectory, 'cdk.out');
  const { Resources } = JSON.parse(readFileSync(join(output, 'FineTuningCurfew.template.json'), 'utf8')) as {
    Resources: Record<string, Resource>;
  };
  const ofType = (type: string) => Object.values(Resources).filter((resource) => resource.Type === type);
  const lambda = ofType('AWS::Lambda::Function').find(({ Properties }) => Properties.Environment);
  const isFrequent = ({ Properties }: Resource) => Properties.ScheduleExpression?.startsWith('rate(');
  const rule = ofType('AWS::Events::Rule').find(isFrequent);
  for (const { Properties } of ofType('AWS::SSM::Parameter')) {
    awsStub.parameters.set(Properties.Name ?? '', Properties.Value ?? '');
  }

  progress('Loading the bundle');
  const bundle = join(output, lambda?.Metadata?.['aws:asset:path'] ?? '', 'index.js');
  const variables = Object.entries(lambda?.Properties.Environment?.Variables ?? {});
  const host = fork(fileURLToPath(new URL('lambda-host.ts', import.meta.url)), [bundle], {
    env: {
      ...environment,
      ...local.environment,
      ...Object.fromEntries(variables.map(([name, value]) => [name, textOf(value)])),
    },
    silent: true,
  });
  starting.defer(async () => {
    const exited = once(host, 'exit');
    host.kill();
    await exited;
  });
  await once(host, 'message');

  const running = starting.move();
  return {
    openai: local.openai,
    providers: local.providers,
    customization: local.customization,
    invoke: (request) => invokeHost(host, request),
    ruleInput: async () => JSON.parse(rule?.Properties.Targets?.[0]?.Input ?? 'null'),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

function textOf(text: Text): string {
  if (typeof text === 'string') return text;
  const [separator, parts] = text['Fn::Join'] ?? ['', ['undeployed']];
  return parts.map(textOf).join(separator);
}

async function invokeHost(host: ChildProcess, request: unknown): Promise<Invocation> {
  const answered = once(host, 'message');
  host.send({ request });
  const [invocation] = (await answered) as [Invocation];
  return invocation;
}
