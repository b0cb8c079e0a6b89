import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { aws } from '../../infra/local/aws/commands.ts';
import { type Deployment, deploymentOf } from '../../infra/local/aws/deployment.ts';
import type { Emulator } from '../../infra/local/aws/emulator.ts';
import { run } from '../../infra/local/aws/processes.ts';

export interface StackProps {
  stackName: string;
  /** The template file. */
  template: string;
  parameters?: Record<string, string>;
}

const bucket = 'templates';

/** Deploys a template with the README's commands, as somebody who has only the AWS CLI. */
export async function deployTemplate(
  emulator: Emulator,
  { stackName, template, parameters = {} }: StackProps,
): Promise<Deployment> {
  const packaged = join(emulator.runDirectory, `${stackName}.yaml`);
  await aws(emulator, 's3api', 'create-bucket', '--bucket', bucket);
  const cloudformation = (...args: string[]) =>
    run(emulator.aws, ['cloudformation', ...args, '--endpoint-url', emulator.endpointUrl], emulator.environment);
  await cloudformation(
    ...['package', '--template-file', template, '--s3-bucket', bucket, '--output-template-file', packaged],
  );
  // The emulator does not support saved queries.
  const deployed = join(emulator.runDirectory, `${stackName}-without-queries.yaml`);
  const resources = readFileSync(packaged, 'utf8');
  writeFileSync(deployed, resources.replaceAll(/^ {2}CurfewQueries\w+:\n(?: {4}.*\n|\n)+/gm, ''));
  const overrides = Object.entries(parameters).map(([name, value]) => `${name}=${value}`);
  await cloudformation(
    ...['deploy', '--template-file', deployed, '--stack-name', stackName, '--capabilities', 'CAPABILITY_IAM'],
    ...(overrides.length > 0 ? ['--parameter-overrides', ...overrides] : []),
  );
  return deploymentOf(emulator, { stackName, functionName: parameters['Name'] ?? 'fine-tuning-curfew' });
}

/** Returns the physical id of each resource in a stack, by its logical id. */
export async function physicalIds(emulator: Emulator, stackName: string): Promise<Record<string, string>> {
  const { StackResources } = (await aws(
    emulator,
    ...['cloudformation', 'describe-stack-resources', '--stack-name', stackName],
  )) as { StackResources: { LogicalResourceId: string; PhysicalResourceId: string }[] };
  return Object.fromEntries(
    StackResources.map(({ LogicalResourceId, PhysicalResourceId }) => [LogicalResourceId, PhysicalResourceId]),
  );
}
