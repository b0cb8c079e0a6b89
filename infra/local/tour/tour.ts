/**
 * `npm start`: the whole system on this machine, shown step by step, then taken down.
 * `npm start -- --keep` stays up until Ctrl-C and prints what to try.
 */
import { parseArgs, styleText } from 'node:util';
import type { ListedJob } from '../../../lambda/contract.ts';
import { type DeployedSystem, deploySystem } from '../aws/deployed-system.ts';
import { invokeCommand } from '../aws/deployment.ts';
import type { LocalSystem, LocalSystemOptions } from '../aws/local-system.ts';
import { EmulatorUnavailableError } from '../aws/python-tools.ts';
import { queueOfEvents, receive } from '../aws/queues.ts';
import { startUndeployedSystem } from '../aws/undeployed-system.ts';
import { type JobRow, jobTable } from './job-table.ts';
import { budgetMinutes, jobsOfResearch, projectsOfTour } from './jobs.ts';
import { whatToTry } from './what-to-try.ts';

const { values } = parseArgs({ options: { keep: { type: 'boolean', default: false } } });

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  // Exit hooks stop everything that was started.
  process.once(signal, () => process.exit(values.keep ? 0 : 130));
}

await using system = await start({
  jobs: jobsOfResearch(),
  projects: projectsOfTour(),
  // No sweep runs during the tour except those it shows.
  context: { sweepEveryMinutes: values.keep ? '1' : '1440' },
});
const { openai, customization } = system;
const deployed = 'emulator' in system ? system : undefined;
const events = deployed && (await queueOfEvents(deployed.emulator, 'tour'));

heading(`What runs in four projects, with a default budget of ${budgetMinutes / 60} hours`);
await showJobs();
console.log('\nThe key of "retired" was revoked, so its jobs cannot be seen. The other projects are not affected.');

heading('Cancel a job that is in progress: it is found in the project that has it');
await invoke({ jobId: 'ftjob-running-young' });

heading('Cancel a job that has finished: nothing is sent');
await invoke({ jobId: 'ftjob-succeeded' });

heading('The cancel limit: more jobs are overdue than a sweep may cancel, so it cancels none');
await invoke({ sweep: { project: 'research', cancelLimit: 2 } });

heading('Extend one of them: it may run for two hours from now');
await invoke({ extend: { jobId: 'ftjob-nearly-done', minutes: 120 }, requestedBy: 'the tour' });

heading("A sweep of all projects, with the rule's own input: the extended job keeps running");
await invoke(await system.ruleInput());

if (deployed && events) {
  heading('The events it published, read from a queue behind a rule');
  for (const _ of ['on request', 'near its deadline', 'swept', 'swept', 'swept', 'swept']) {
    const { 'detail-type': type, detail } = JSON.parse(await receive(deployed.emulator, events));
    console.log(`${styleText('yellow', type)}\n  ${detail.summary}`);
  }
}

heading('Time in the queue does not count: ftjob-queued starts now, and has its full budget');
Object.assign(openai.jobs.get('ftjob-queued') ?? {}, { status: 'running' });
await showJobs();

heading('Stop everything in one project, whatever its budget');
await invoke({ stopAll: { project: 'production' } });

if (values.keep) {
  heading('It stays up. Ctrl-C takes everything down.');
  console.log(
    deployed ? whatToTry(deployed.emulator) : 'Without the emulator there is nothing to invoke from outside.',
  );
  await new Promise(() => setInterval(() => {}, 1_000_000));
}
begin('Taking everything down');
await system[Symbol.asyncDispose]();

/** Starts the deployed system, or the undeployed one if there is no emulator. */
async function start(options: LocalSystemOptions): Promise<DeployedSystem | LocalSystem> {
  try {
    return await deploySystem({ ...options, progress: begin });
  } catch (error) {
    if (!(error instanceof EmulatorUnavailableError)) throw error;
    console.log(`! ${error.message} The tour goes on without it.`);
    return startUndeployedSystem({ ...options, progress: begin });
  }
}

function begin(step: string): void {
  console.log(styleText('dim', `- ${step}`));
}

function heading(text: string): void {
  console.log(`\n${styleText('bold', text)}\n`);
}

/** Shows a request, and returns its answer. */
async function ask(request: unknown): Promise<unknown> {
  console.log(styleText('cyan', deployed ? `$ ${invokeCommand(request)}` : `> ${JSON.stringify(request)}`));
  return (await system.invoke(request)).payload;
}

/** Shows all jobs of all projects, with deadlines from the function's own list. */
async function showJobs(): Promise<void> {
  const { jobs: listed } = (await ask({ list: {} })) as { jobs: ListedJob[] };
  const rows: JobRow[] = [];
  const add = (project: string, jobId: string, status: string) =>
    rows.push({ project, jobId, status, listed: listed.find((job) => job.jobId === jobId) });
  for (const [project, { jobs }] of system.providers) {
    for (const { id, status } of jobs.values()) add(project, id, status);
  }
  for (const { jobArn, status } of customization.jobs.values()) add('nova', jobArn, status);
  console.log(jobTable(rows));
}

async function invoke(request: unknown): Promise<void> {
  // Print each job of a list on one line.
  const json = JSON.stringify(await ask(request), null, 2);
  console.log(json.replaceAll(/\{[^{}[\]]*\}/g, (inner) => inner.replaceAll(/\s+/g, ' ')));
}
