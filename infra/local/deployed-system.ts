import { aws, cdk } from './aws-commands.ts';
import { type Emulator, startEmulator } from './emulator.ts';
import { startFineTuningSimulator } from './fine-tuning-simulator.ts';
import { type Invocation, type LocalSystem, type LocalSystemOptions, localApiKey } from './local-system.ts';
import { run } from './processes.ts';

/** The system as it stands in an AWS account, on the emulator. */
export interface DeployedSystem extends LocalSystem {
  emulator: Emulator;
  /** The value of an output of the stack. */
  output(name: string): Promise<string>;
}

const secretName = 'openai/api-key';

/**
 * Starts the OpenAI simulator and the AWS emulator, stores a key, and deploys the stack with the real `cdk`.
 *
 * @throws EmulatorUnavailableError where the emulator cannot be installed.
 */
export async function deploySystem({
  jobs,
  context = {},
  app,
  progress = () => {},
}: LocalSystemOptions): Promise<DeployedSystem> {
  await using starting = new AsyncDisposableStack();
  progress('Starting a simulated OpenAI');
  const openai = starting.use(await startFineTuningSimulator({ jobs, apiKeys: [localApiKey] }));
  progress('Starting the AWS emulator (the first time it is downloaded)');
  const emulator = starting.use(await startEmulator());
  progress('Storing the OpenAI API key in Secrets Manager');
  await storeKey(emulator, localApiKey);
  progress('cdk bootstrap');
  await cdk(emulator, ['bootstrap']);
  progress('cdk deploy');
  const appOption = app ? ['--app', app.command] : [];
  await cdk(emulator, ['deploy', '--require-approval', 'never', ...appOption], {
    secretName,
    openaiBaseUrl: openai.baseUrl,
    ...context,
  });
  const running = starting.move();
  return {
    openai,
    emulator,
    output: (name) => stackOutput(emulator, app?.stackName ?? 'FineTuningCurfew', name),
    invoke: (request) => invokeByCli(emulator, request),
    ruleInput: () => frequentRuleInput(emulator),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** Puts a key into the secret, new or not. */
export async function storeKey(emulator: Emulator, key: string): Promise<void> {
  const value = ['--secret-string', key];
  await aws(emulator, 'secretsmanager', 'create-secret', '--name', secretName, ...value).catch(() =>
    aws(emulator, 'secretsmanager', 'put-secret-value', '--secret-id', secretName, ...value),
  );
}

/** The command that an operator types, with `aws` the AWS CLI, of either version. */
export function invokeCommand(request: unknown, cli = 'aws'): string {
  const json = JSON.stringify(request);
  return `echo '${json}' | ${cli} lambda invoke --function-name fine-tuning-curfew --payload fileb:///dev/stdin /dev/stdout`;
}

/** Runs that very command. It prints the function's answer, and behind it what the AWS CLI says of the call. */
async function invokeByCli(emulator: Emulator, request: unknown): Promise<Invocation> {
  const command = `${invokeCommand(request, emulator.aws)} --output json | cat`;
  const output = await run('sh', ['-c', command], emulator.environment);
  const end = output.lastIndexOf('{\n');
  const payload: unknown = JSON.parse(output.slice(0, end));
  const metadata = JSON.parse(output.slice(end)) as { FunctionError?: string };
  if (metadata.FunctionError === undefined) return { payload };
  const { errorType, errorMessage } = payload as { errorType: string; errorMessage: string };
  return { payload, error: { name: errorType, message: errorMessage } };
}

async function frequentRuleInput(emulator: Emulator) {
  const { Rules } = (await aws(emulator, 'events', 'list-rules')) as {
    Rules: { Name: string; ScheduleExpression?: string }[];
  };
  const rule = Rules.find(({ ScheduleExpression }) => ScheduleExpression?.startsWith('rate('));
  if (!rule) throw new Error('The stack has no rule with a rate.');
  const { Targets } = (await aws(emulator, 'events', 'list-targets-by-rule', '--rule', rule.Name)) as {
    Targets: { Input: string }[];
  };
  return JSON.parse(Targets[0]?.Input ?? 'null');
}

async function stackOutput(emulator: Emulator, stackName: string, name: string): Promise<string> {
  const { Stacks } = (await aws(
    emulator,
    'cloudformation',
    'describe-stacks',
    '--stack-name',
    stackName,
  )) as {
    Stacks: { Outputs: { OutputKey: string; OutputValue: string }[] }[];
  };
  const output = Stacks[0]?.Outputs.find(({ OutputKey }) => OutputKey === name);
  if (!output) throw new Error(`The stack has no output ${name}.`);
  return output.OutputValue;
}
