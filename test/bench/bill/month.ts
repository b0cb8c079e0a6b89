import type { Bundle } from '../bundles.ts';
import { median } from '../measure.ts';
import type { CpuLimit } from '../runtime/cpu-limit.ts';
import { type Deployment, startDeployment } from '../world/deployment.ts';
import type { JobsAre } from '../world/simulated-projects.ts';
import type { Stack } from '../world/stack.ts';
import { linesIn, logBytes } from './log-bytes.ts';

const days = 30;
/** Every five minutes, and once a day. */
const sweeps = days * (24 * 12 + 1);
/** Lambda ends every instance after a few hours, says its documentation. */
const hoursOfInstance = 4;
/** Each job runs as long as its budget lets it; then comes another. */
const hoursOfJob = 6;

/** How many sweeps of each kind a month has. `first` is that of a cold function. */
const sweepsOfKind = {
  first: (days * 24) / hoursOfInstance,
  renewed: (days * 24) / hoursOfJob,
  // Once a day one job of each project is warned about, and another cancelled.
  eventful: days,
  quiet: sweeps - days * (24 / hoursOfInstance + 24 / hoursOfJob + 1),
};
type Kind = keyof typeof sweepsOfKind;

/** What a sweep takes; or, summed up, a month of them. */
export interface Counts {
  sweeps: number;
  milliseconds: number;
  logBytes: number;
  calls: number;
  bytesSent: number;
  secretReads: number;
  events: number;
  rowsRead: number;
  rowsWritten: number;
}

/** A deployment, each kind of sweep as it was counted, and the month that they add up to. */
export interface CountedMonth {
  projects: number;
  stack: Stack;
  secrets: number;
  kinds: Record<Kind, Counts>;
  month: Counts;
  /** Lines in the log about a job, in a sweep where all are new and in one where none is. */
  jobLines: { renewed: number; quiet: number };
  /** Cancelled in the eventful sweep. */
  cancelled: number;
}

const answerMilliseconds = 50;
const quietRounds = 3;

/** Sweeps a deployment of so many projects once for each kind, on as much CPU as the function has. */
export async function countMonth(bundle: Bundle, projects: number, cpu: CpuLimit): Promise<CountedMonth> {
  const options = { projects, answerMilliseconds, someFail: false };
  await using deployment = await startDeployment(bundle, options, { within: cpu.within });
  const first = await counted(deployment);
  // The start is paid for as well.
  first.counts.milliseconds += deployment.curfew.startMilliseconds;
  const quiet = await counted(deployment);
  const durations = [quiet.counts.milliseconds];
  while (durations.length < quietRounds) durations.push((await counted(deployment)).counts.milliseconds);
  quiet.counts.milliseconds = median(durations);
  const renewed = await counted(deployment, 'renewed');
  const eventful = await counted(deployment, 'eventful');

  const kinds = {
    first: first.counts,
    renewed: renewed.counts,
    eventful: eventful.counts,
    quiet: quiet.counts,
  };
  // Keys are kept for five minutes, which have passed at the next sweep of a real deployment.
  for (const counts of Object.values(kinds)) counts.secretReads = first.counts.secretReads;
  return {
    projects,
    stack: deployment.stack,
    secrets: deployment.secrets,
    kinds,
    month: monthOf(kinds),
    jobLines: { renewed: renewed.jobLines, quiet: quiet.jobLines },
    cancelled: eventful.cancelled,
  };
}

async function counted({ curfew, provider, aws }: Deployment, jobsAre?: JobsAre) {
  if (jobsAre) await provider.become(jobsAre);
  curfew.newLog();
  const { milliseconds } = await curfew.invoke([{ sweep: {}, requestedBy: 'rule' }]);
  const log = curfew.newLog();
  const { calls, requestBytes, cancelled } = await provider.tally();
  const { secretReads, events, rowsRead, rowsWritten } = await aws.tally();
  const counts: Counts = {
    sweeps: 1,
    milliseconds,
    logBytes: logBytes(log),
    calls,
    bytesSent: requestBytes,
    secretReads,
    events,
    rowsRead,
    rowsWritten,
  };
  return { counts, cancelled, jobLines: linesIn(log).filter((line) => line.includes('"jobId"')).length };
}

function monthOf(kinds: Record<Kind, Counts>): Counts {
  const total = (of: keyof Counts) =>
    Object.entries(sweepsOfKind).reduce((sum, [kind, count]) => sum + count * kinds[kind as Kind][of], 0);
  return {
    sweeps: total('sweeps'),
    milliseconds: total('milliseconds'),
    logBytes: total('logBytes'),
    calls: total('calls'),
    bytesSent: total('bytesSent'),
    secretReads: total('secretReads'),
    events: total('events'),
    rowsRead: total('rowsRead'),
    rowsWritten: total('rowsWritten'),
  };
}
