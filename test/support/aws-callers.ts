import { aws } from '../../infra/local/aws/commands.ts';
import type { DeployedSystem } from '../../infra/local/aws/deployed-system.ts';
import type { Emulator } from '../../infra/local/aws/emulator.ts';
import { eventually } from '../../infra/local/aws/eventually.ts';

interface Execution {
  status: string;
  /** JSON. */
  output?: string;
  cause?: string;
}

/** Runs a state machine to its end, and returns the result. */
export async function executeStateMachine(emulator: Emulator, name: string, input: object): Promise<Execution> {
  const arn = `arn:aws:states:us-east-1:000000000000:stateMachine:${name}`;
  const start = ['start-execution', '--state-machine-arn', arn, '--input', JSON.stringify(input)];
  const { executionArn } = (await aws(emulator, 'stepfunctions', ...start)) as { executionArn: string };
  return eventually(async () => {
    const described = ['describe-execution', '--execution-arn', executionArn];
    const execution = (await aws(emulator, 'stepfunctions', ...described)) as Execution;
    return execution.status !== 'RUNNING' && execution;
  });
}

/** Creates a one-time schedule that cancels a job in two seconds. */
export async function scheduleCancel({ emulator, output }: DeployedSystem, jobId: string): Promise<void> {
  const at = new Date(Date.now() + 2_000).toISOString().slice(0, 19);
  const target = {
    Arn: await output('FunctionArn'),
    RoleArn: await output('SchedulesRoleArn'),
    Input: JSON.stringify({ jobId }),
  };
  await aws(
    emulator,
    ...['scheduler', 'create-schedule', '--name', `curfew-${jobId}`, '--schedule-expression', `at(${at})`],
    ...['--flexible-time-window', 'Mode=OFF', '--action-after-completion', 'DELETE'],
    ...['--target', JSON.stringify(target)],
  );
}
