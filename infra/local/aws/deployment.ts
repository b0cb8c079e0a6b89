import { aws } from './commands.ts';
import type { Emulator } from './emulator.ts';
import type { Invocation } from './local-system.ts';
import { run } from './processes.ts';

/** One stack of ours on the emulator. */
export type Deployment = ReturnType<typeof deploymentOf>;

/** Returns access to a deployed stack. */
export function deploymentOf(
  emulator: Emulator,
  { stackName, functionName }: { stackName: string; functionName: string },
) {
  return {
    functionName,
    /** Returns the value of a stack output. */
    output: async (name: string) => {
      const query = `Stacks[0].Outputs[?OutputKey=='${name}'].OutputValue | [0]`;
      const describe = ['describe-stacks', '--stack-name', stackName, '--query', query];
      const value = await aws(emulator, 'cloudformation', ...describe);
      if (typeof value !== 'string') throw new Error(`The stack has no output ${name}.`);
      return value;
    },
    /** Invokes the function with the command that an operator types. */
    invoke: (request: unknown) => invokeByCli(emulator, request, functionName),
    /** What the frequent rule sends. */
    ruleInput: () => frequentRuleInput(emulator, functionName),
  };
}

/** Returns the command that an operator types, for either version of the AWS CLI. */
export function invokeCommand(
  request: unknown,
  { cli = 'aws', functionName = 'fine-tuning-curfew', options = '' } = {},
): string {
  const json = JSON.stringify(request);
  const invoke = `${cli} lambda invoke --function-name ${functionName} ${options}`.trimEnd();
  return `echo '${json}' | ${invoke} --payload fileb:///dev/stdin /dev/stdout`;
}

/** Runs that command. It prints the function's answer, followed by the AWS CLI's description of the call. */
async function invokeByCli(emulator: Emulator, request: unknown, functionName: string): Promise<Invocation> {
  // A sweep may take longer than a minute, after which the AWS CLI would give up and call again.
  const options = '--cli-read-timeout 0';
  const command = invokeCommand(request, { cli: emulator.aws, functionName, options });
  const output = await run('sh', ['-c', `${command} --output json | cat`], emulator.environment);
  const end = output.lastIndexOf('{\n');
  const payload: unknown = JSON.parse(output.slice(0, end));
  const metadata = JSON.parse(output.slice(end)) as { FunctionError?: string };
  if (metadata.FunctionError === undefined) return { payload };
  const { errorType, errorMessage } = payload as { errorType: string; errorMessage: string };
  return { payload, error: { name: errorType, message: errorMessage } };
}

/** Returns the input of this function's own rule: each deployment has its own. */
async function frequentRuleInput(emulator: Emulator, functionName: string): Promise<unknown> {
  const frequent = "Rules[?starts_with(ScheduleExpression || '', 'rate(')].Name";
  const ours = `Targets[?contains(Arn, ':${functionName}:')].Input | [0]`;
  const rules = (await aws(emulator, 'events', 'list-rules', '--query', frequent)) as string[];
  for (const rule of rules) {
    const input = await aws(emulator, 'events', 'list-targets-by-rule', '--rule', rule, '--query', ours);
    if (typeof input === 'string') return JSON.parse(input);
  }
  throw new Error(`No rule with a rate calls ${functionName}.`);
}
