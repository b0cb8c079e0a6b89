import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../../infra/local/aws/processes.ts';
import { isolatedEnvironment, projectDirectory } from '../../../infra/local/aws/workspace.ts';
import { newDirectory } from '../directory.ts';

/** What a deployment has, as its template says. */
export interface Stack {
  /** The function's environment variables. */
  environment: Record<string, string>;
  /** Parameters by name. */
  parameters: Record<string, string>;
  /** How many metrics the function and the stack's filters write. */
  metrics: number;
  alarms: number;
  dashboards: number;
  /** Of the function. */
  memoryMegabytes: number;
}

/**
 * Synthesises the stack with this context over that of `cdk.json`, in a process of its own because CDK writes to the home
 * directory.
 */
export async function synthesizeStack(context: object): Promise<Stack> {
  const runDirectory = newDirectory();
  const environment = { ...isolatedEnvironment(runDirectory), CDK_VALIDATION: 'false' };
  const program = join(projectDirectory, 'test/bench/programs/stack.ts');
  const contextFile = join(runDirectory, 'context.json');
  writeFileSync(contextFile, JSON.stringify(context));
  const args = [program, contextFile, join(runDirectory, 'cdk.out')];
  return JSON.parse(await run(process.execPath, args, environment, projectDirectory));
}
