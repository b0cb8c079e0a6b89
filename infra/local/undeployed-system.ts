import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cdk } from './aws-commands.ts';
import { startAwsStub } from './aws-stub/aws-stub.ts';
import { startFineTuningSimulator } from './fine-tuning-simulator.ts';
import { type Invocation, type LocalSystem, type LocalSystemOptions, localApiKey } from './local-system.ts';
import { isolatedEnvironment, newRunDirectory } from './workspace.ts';

interface Resource {
  Type: string;
  Properties: {
    Environment?: { Variables: Record<string, string> };
    ScheduleExpression?: string;
    Targets?: { Input: string }[];
  };
  Metadata?: { 'aws:asset:path'?: string };
}

/**
 * The system without an AWS emulator: the bundle that `cdk synth` made, in a plain Node process with the environment
 * that the template gives the function, and a stub of AWS that has the key. Rules do not fire by themselves.
 */
export async function startUndeployedSystem({
  jobs,
  context = {},
  progress = () => {},
}: LocalSystemOptions): Promise<LocalSystem> {
  await using starting = new AsyncDisposableStack();
  progress('Starting a simulated OpenAI and a stub of AWS');
  const openai = starting.use(await startFineTuningSimulator({ jobs, apiKeys: [localApiKey] }));
  const awsStub = starting.use(await startAwsStub({ secret: { SecretString: localApiKey } }));

  progress('cdk synth');
  const runDirectory = newRunDirectory();
  const environment = { ...isolatedEnvironment(runDirectory), AWS_ENDPOINT_URL: awsStub.url };
  await cdk({ environment, runDirectory }, ['synth', '--quiet'], {
    openaiBaseUrl: openai.baseUrl,
    ...context,
  });
  const output = join(runDirectory, 'cdk.out');
  const { Resources } = JSON.parse(readFileSync(join(output, 'FineTuningCurfew.template.json'), 'utf8')) as {
    Resources: Record<string, Resource>;
  };
  const ofType = (type: string) => Object.values(Resources).filter((resource) => resource.Type === type);
  const [lambda] = ofType('AWS::Lambda::Function');
  const rule = ofType('AWS::Events::Rule').find((resource) =>
    resource.Properties.ScheduleExpression?.startsWith('rate('),
  );

  progress('Loading the bundle');
  const bundle = join(output, lambda?.Metadata?.['aws:asset:path'] ?? '', 'index.js');
  const host = fork(fileURLToPath(new URL('lambda-host.ts', import.meta.url)), [bundle], {
    env: { ...environment, ...lambda?.Properties.Environment?.Variables },
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
    openai,
    invoke: (request) => invokeHost(host, request),
    ruleInput: async () => JSON.parse(rule?.Properties.Targets?.[0]?.Input ?? 'null'),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

async function invokeHost(host: ChildProcess, request: unknown): Promise<Invocation> {
  const answered = once(host, 'message');
  host.send({ request });
  const [invocation] = (await answered) as [Invocation];
  return invocation;
}
