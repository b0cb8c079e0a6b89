import { aws } from './commands.ts';
import type { Emulator } from './emulator.ts';
import type { Invocation } from './local-system.ts';
import { run } from './processes.ts';

/** One stack of ours on the emulator. */
export interface Deployment {
  functionName: string;
  /** The value of an output of the stack. */
  output(name: string): Promise<string>;
  /** Invokes the function with the command that an operator types. */
  invoke(request: unknown): Promise<Invocation>;
  /** What the frequent rule sends. */
  ruleInput(): Promise<unknown>;
}

/** A stack that has been deployed. */
export function deploymentOf(
  emulator: Emulator,
  { stackName, functionName }: { stackName: string; functionName: string },
): Deployment {
  return {
    functionName,
    output: (name) => stackOutput(emulator, stackName, name),
    invoke: (request) => invokeByCli(emulator, request, functionName),
    ruleInput: () => frequentRuleInput(emulator, functionName),
  };
}

/** The command that an operator types, with `aws` the AWS CLI, of either version. */
export function invokeCommand(
  request: unknown,
  { cli = 'aws', functionName = 'fine-tuning-curfew', options = '' } = {},
): string {
  const json = JSON.stringify(request);
  const invoke = `${cli} lambda invoke --function-name ${functionName} ${options}`.trimEnd();
  return `echo '${json}' | ${invoke} --payload fileb:///dev/stdin /dev/stdout`;
}

/** Runs that very command. It prints the function's answer, and behind it what the AWS CLI says of the call. */
async function invokeByCli(emulator: Emulator, request: unknown, functionName: string): Promise<Invocation> {
  // A sweep may take its time; the AWS CLI gives up after a minute, and then calls once more.
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

/** Only the targets of this function: each deployment has its own rules. */
async function frequentRuleInput(emulator: Emulator, functionName: string): Promise<unknown> {
  const { Rules } = (await aws(emulator, 'events', 'list-rules')) as {
    Rules: { Name: string; ScheduleExpression?: string }[];
  };
  for (const { Name } of Rules.filter((rule) => rule.ScheduleExpression?.startsWith('rate('))) {
    const { Targets } = (await aws(emulator, 'events', 'list-targets-by-rule', '--rule', Name)) as {
      Targets: { Arn: string; Input: string }[];
    };
    const target = Targets.find(({ Arn }) => Arn.split(':').includes(functionName));
    if (target) return JSON.parse(target.Input);
  }
  throw new Error(`No rule with a rate calls ${functionName}.`);
}

async function stackOutput(emulator: Emulator, stackName: string, name: string): Promise<string> {
  const described = ['cloudformation', 'describe-stacks', '--stack-name', stackName];
  const { Stacks } = (await aws(emulator, ...described)) as {
    Stacks: { Outputs: { OutputKey: string; OutputValue: string }[] }[];
  };
  const output = Stacks[0]?.Outputs.find(({ OutputKey }) => OutputKey === name);
  if (!output) throw new Error(`The stack has no output ${name}.`);
  return output.OutputValue;
}
