import { startLocalProjects } from '../providers/projects.ts';
import { aws, bootstrap, cdk } from './commands.ts';
import { type Deployment, deploymentOf } from './deployment.ts';
import { type Emulator, startEmulator } from './emulator.ts';
import type { LocalSystem, LocalSystemOptions } from './local-system.ts';

/** The system as in an AWS account, on the emulator. */
export interface DeployedSystem extends LocalSystem, Deployment {
  emulator: Emulator;
  /** Deploys the stack again with other context: updates it if `name` is the same, else adds a second one. */
  deploy(context: Record<string, string>): Promise<Deployment>;
}

/**
 * Starts the simulated providers and the AWS emulator, stores the keys, and deploys the stack with the real `cdk`.
 *
 * @throws EmulatorUnavailableError if the emulator cannot be installed.
 */
export async function deploySystem(options: LocalSystemOptions): Promise<DeployedSystem> {
  const { context = {}, app, progress = () => {} } = options;
  await using starting = new AsyncDisposableStack();
  progress('Starting the simulated providers');
  const local = starting.use(await startLocalProjects(options));
  progress('Starting the AWS emulator (the first time it is downloaded)');
  const emulator = starting.use(await startEmulator(local.environment));
  progress('Storing the keys in Secrets Manager');
  for (const [name, key] of Object.entries(local.secrets)) await storeKey(emulator, name, key);
  progress('cdk bootstrap');
  await bootstrap(emulator);
  progress('cdk deploy');
  const deploy = (more: Record<string, string> = {}) =>
    deployStack(emulator, { ...local.context, ...context, ...more }, app);
  const deployment = await deploy();
  const running = starting.move();
  return { ...local, ...deployment, emulator, deploy, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

/** Puts a key into a new or existing secret. */
export async function storeKey(emulator: Emulator, secretName: string, key: string): Promise<void> {
  const value = ['--secret-string', key];
  await aws(emulator, 'secretsmanager', 'create-secret', '--name', secretName, ...value).catch(() =>
    aws(emulator, 'secretsmanager', 'put-secret-value', '--secret-id', secretName, ...value),
  );
}

async function deployStack(
  emulator: Emulator,
  context: Record<string, string>,
  app: LocalSystemOptions['app'],
): Promise<Deployment> {
  const appOption = app ? ['--app', app.command] : [];
  await cdk(emulator, ['deploy', '--require-approval', 'never', ...appOption], context);
  const name = context['name'];
  const stackName = app?.stackName ?? (name === undefined ? 'FineTuningCurfew' : `FineTuningCurfew-${name}`);
  const deployment = deploymentOf(emulator, { stackName, functionName: name ?? 'fine-tuning-curfew' });
  if (/[^{}]/.test(context['projects'] ?? '')) await allowParameters(emulator, await deployment.output('RoleArn'));
  return deployment;
}

/** AWS requires this permission on the path, as the role has it, but the emulator requires it on `*`. */
async function allowParameters(emulator: Emulator, roleArn: string): Promise<void> {
  const Statement = [{ Effect: 'Allow', Action: 'ssm:GetParametersByPath', Resource: '*' }];
  const document = JSON.stringify({ Version: '2012-10-17', Statement });
  const role = ['--role-name', roleArn.split('/').at(-1) ?? ''];
  const policy = ['--policy-name', 'parameters-on-the-emulator', '--policy-document', document];
  await aws(emulator, 'iam', 'put-role-policy', ...role, ...policy);
}
