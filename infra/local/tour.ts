/**
 * `npm start`: the whole system on this machine, shown step by step, then taken down.
 * `npm start -- --keep` stays up until Ctrl-C and prints what to try.
 */
import { parseArgs, styleText } from 'node:util';
import { type DeployedSystem, deploySystem, invokeCommand } from './deployed-system.ts';
import { eventually } from './eventually.ts';
import { jobTable } from './job-table.ts';
import type { LocalSystem, LocalSystemOptions } from './local-system.ts';
import { EmulatorUnavailableError } from './python-tools.ts';
import { queueOfEvents, receive } from './queues.ts';
import { type SimulatedJob, simulatedJob } from './simulated-job.ts';
import { stepsOn } from './steps.ts';
import { startUndeployedSystem } from './undeployed-system.ts';
import { whatToTry } from './what-to-try.ts';

const budgetMinutes = 360;

const { values } = parseArgs({ options: { keep: { type: 'boolean', default: false } } });

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  // Whatever was started ends in its exit hook.
  process.once(signal, () => process.exit(values.keep ? 0 : 130));
}

const steps = stepsOn(process.stdout);
await using system = await start({ jobs: jobsInEveryStatus(), context: { sweepEveryMinutes: '1' } });
const deployed = 'emulator' in system ? system : undefined;

const events = deployed && (await queueOfEvents(deployed.emulator, 'tour'));

heading(`The fine-tuning jobs, by default allowed ${budgetMinutes / 60} hours`);
showJobs();

heading('Cancel a job that is in progress');
await invoke({ jobId: 'ftjob-running-young' });

heading('The same for one that has finished: nothing is sent');
await invoke({ jobId: 'ftjob-succeeded' });

heading("A sweep, with the rule's own input");
await invoke(await system.ruleInput());

if (deployed && events) {
  heading('What it told the event bus, through a rule into a queue');
  for (const _ of ['on request', 'swept', 'swept']) {
    const { 'detail-type': type, detail } = JSON.parse(await receive(deployed.emulator, events));
    console.log(`${styleText('yellow', type)}\n  ${detail.summary}`);
  }

  heading('Now the rule by itself: once a minute it stops what has outlived its budget');
  await waitForRule(deployed);
  console.log(JSON.parse(await receive(deployed.emulator, events)).detail.summary);
} else {
  heading('Without the emulator no rule fires by itself');
}

heading('What has changed');
showJobs();

if (values.keep) {
  heading('It stays up. Ctrl-C takes everything down.');
  console.log(
    deployed ? whatToTry(deployed.emulator) : 'Without the emulator there is nothing to invoke from outside.',
  );
  await new Promise(() => setInterval(() => {}, 1_000_000));
}
steps.begin('Taking everything down');
await system[Symbol.asyncDispose]();
steps.end();

/** The deployed system, or without an emulator the nearest thing to it. */
async function start(options: LocalSystemOptions): Promise<DeployedSystem | LocalSystem> {
  try {
    const started = await deploySystem({ ...options, progress: steps.begin });
    steps.end();
    return started;
  } catch (error) {
    if (!(error instanceof EmulatorUnavailableError)) throw error;
    steps.giveUp(`${error.message} The tour goes on without it.`);
    const started = await startUndeployedSystem({ ...options, progress: steps.begin });
    steps.end();
    return started;
  }
}

function heading(text: string): void {
  console.log(`\n${styleText('bold', text)}\n`);
}

function showJobs(): void {
  console.log(jobTable(system.openai.jobs.values(), budgetMinutes));
}

async function invoke(request: unknown): Promise<void> {
  console.log(styleText('cyan', deployed ? `$ ${invokeCommand(request)}` : `> ${JSON.stringify(request)}`));
  const { payload } = await system.invoke(request);
  console.log(JSON.stringify(payload, null, 2));
}

/** Puts in a job whose budget is used up, and waits until the rule has found it. */
async function waitForRule({ openai }: DeployedSystem): Promise<void> {
  const job = simulatedJob({ id: 'ftjob-running-late', status: 'running', ageMinutes: budgetMinutes });
  openai.jobs.set(job.id, job);
  steps.begin(`Waiting for the rule to stop ${job.id}, which has just used up its budget`);
  await eventually(async () => job.status === 'cancelled');
  steps.end();
}

function jobsInEveryStatus(): SimulatedJob[] {
  return [
    simulatedJob({ id: 'ftjob-validating', status: 'validating_files', ageMinutes: 2 }),
    simulatedJob({ id: 'ftjob-queued', status: 'queued', ageMinutes: 30 }),
    simulatedJob({ id: 'ftjob-running-young', status: 'running', ageMinutes: 200 }),
    simulatedJob({ id: 'ftjob-running-old', status: 'running', ageMinutes: 400 }),
    simulatedJob({
      id: 'ftjob-short-budget',
      status: 'running',
      ageMinutes: 100,
      metadata: { time_budget_minutes: '90' },
    }),
    simulatedJob({
      id: 'ftjob-exempt',
      status: 'running',
      ageMinutes: 3 * 1440,
      metadata: { time_budget_minutes: 'none' },
    }),
    simulatedJob({ id: 'ftjob-paused', status: 'paused', ageMinutes: 500 }),
    simulatedJob({ id: 'ftjob-succeeded', status: 'succeeded', ageMinutes: 600 }),
    simulatedJob({ id: 'ftjob-failed', status: 'failed', ageMinutes: 700 }),
    simulatedJob({ id: 'ftjob-cancelled', status: 'cancelled', ageMinutes: 800 }),
  ];
}
