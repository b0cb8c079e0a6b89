import type { Bundles } from '../bundles.ts';
import { type Cpu, limitCpu } from '../cpu.ts';
import { type Stack, startDeployment } from '../deployment.ts';
import prices from '../prices.json' with { type: 'json' };
import type { AwsTally } from '../programs/aws.ts';
import type { JobsAre, ProjectsOptions, ProjectsTally } from '../programs/projects.ts';
import { atMost, checkCount, inUnit, median, seconds } from '../table.ts';

const days = 30;
/** How many sweeps of each kind a month has: one every five minutes, and one a day. */
const sweepsOfKind = {
  /** That of a cold function. Lambda ends every instance after a few hours, says its documentation; we say four. */
  first: (days * 24) / 4,
  /** All jobs are new: each runs for the six hours that its budget lets it, then comes another. */
  renewed: (days * 24) / 6,
  /** In each project one job is warned about, and another cancelled. */
  eventful: days,
  quiet: days * (24 * 12 + 1) - days * (24 / 4 + 24 / 6 + 1),
};
const sweepsInMonth = days * (24 * 12 + 1);
const jobsInProject = 5;
const quietRounds = 3;

/** What a sweep takes; or, summed up, a month of them. */
interface Counts {
  durationMs: number;
  logBytes: number;
  bytesSent: number;
  secretReads: number;
  events: number;
  rowsRead: number;
  rowsWritten: number;
}

interface Month {
  stack: Stack;
  secrets: number;
  first: Counts;
  renewed: Counts;
  total: Counts;
}

/** A month of one project, of ten and of a thousand: how much goes into the log, and what it costs. */
export async function month({ ours }: Bundles): Promise<void> {
  using cpu = limitCpu();
  const one = await countMonth(ours.file, { projects: 1, answerMs: 50 }, cpu);
  const ten = await countMonth(ours.file, { projects: 10, answerMs: 50 }, cpu);
  const thousand = await countMonth(ours.file, { projects: 1_000, answerMs: 50 }, cpu);
  const waiting = await countMonth(ours.file, { projects: 1_000, answerMs: 50, oneWaits: true }, cpu);
  const first = `the first sweep of 1,000 projects, start included, ${cpu.description}; against 15 s`;
  atMost(1, first, thousand.first.durationMs, 15_000, { unit: seconds });
  atMost(
    0.05,
    `log bytes of a month, 1,000 projects with ${jobsInProject} jobs in progress each; against one line for each job and sweep`,
    thousand.total.logBytes,
    // A sweep in which all jobs are new has a line for each.
    sweepsInMonth * thousand.renewed.logBytes,
    { unit: inUnit('GB', 1e9, 2) },
  );
  const bills = [one, ten, thousand, waiting].map(billOf);
  const [sumOne = 0, sumTen = 0, sumThousand = 0, sumWaiting = 0] = bills.map((items) =>
    items.reduce((sum, { dollars }) => sum + dollars, 0),
  );
  atMost(
    0.002,
    'the bill of a month for 1, 10, 1,000 projects; against one deployment for each project, at the last',
    sumThousand,
    1_000 * sumOne,
    {
      unit: inDollars,
      ours: [sumOne, sumTen, sumThousand].map(inDollars).join(' / '),
      theirs: [sumOne, 10 * sumOne, 1_000 * sumOne].map(inDollars).join(' / '),
    },
  );
  console.log('\n| what | 1 project | 10 projects | 1,000 projects | 1,000, a job waiting in each |');
  console.log('| --- | --- | --- | --- | --- |');
  for (const [index, { what }] of bills[0]?.entries() ?? []) {
    console.log(`| ${[what, ...bills.map((items) => items[index]?.text)].join(' | ')} |`);
  }
  const sums = [sumOne, sumTen, sumThousand, sumWaiting].map((sum) => `**${inDollars(sum)}**`);
  console.log(`| **all** | ${sums.join(' | ')} |`);
}

/** Sweeps a deployment once for each kind, on as much CPU as the function has, and adds up a month. */
async function countMonth(bundle: string, options: ProjectsOptions, cpu: Cpu): Promise<Month> {
  const { projects, oneWaits = false } = options;
  await using deployment = await startDeployment(bundle, options, cpu);
  const { curfew, provider, aws, stack, secrets } = deployment;
  const sweepOnce = async (lines: number, jobsAre?: JobsAre): Promise<Counts> => {
    if (jobsAre) await provider.ask(jobsAre);
    curfew.takeLog();
    const { durationMs } = await curfew.invoke([{ sweep: {}, requestedBy: 'rule' }]);
    const log = curfew.takeLog();
    const { calls, requestBytes, cancelled } = await provider.ask<ProjectsTally>('tally');
    const { secretReads, events, rowsRead, rowsWritten } = await aws.ask<AwsTally>('tally');
    const due = jobsAre === 'eventful' ? projects : 0;
    checkCount(`calls of a sweep of ${projects} projects`, calls, projects + 2 * due);
    checkCount(`jobs cancelled in ${projects} projects`, cancelled, due);
    checkCount(`events of ${projects} projects`, events, 2 * due);
    checkCount(`rows written for ${projects} projects`, rowsWritten, (oneWaits ? projects : 0) + due);
    const jobLines = log.split('\n').filter((line) => line.includes('"jobId"')).length;
    checkCount(`lines about jobs of ${projects} projects`, jobLines, lines);
    return {
      durationMs,
      logBytes: billedBytes(log),
      bytesSent: requestBytes,
      secretReads,
      events,
      rowsRead,
      rowsWritten,
    };
  };

  const jobs = projects * jobsInProject;
  const first = await sweepOnce(jobs);
  // The start is paid for as well.
  first.durationMs += curfew.startMs;
  const quietSweeps: Counts[] = [];
  while (quietSweeps.length < quietRounds) quietSweeps.push(await sweepOnce(0));
  const quiet = { ...first, ...quietSweeps[0], durationMs: median(quietSweeps.map(({ durationMs }) => durationMs)) };
  const renewed = await sweepOnce(jobs, 'renewed');
  const eventful = await sweepOnce(projects, 'eventful');
  const kinds = { first, renewed, eventful, quiet };
  const total: Counts = {
    durationMs: 0,
    logBytes: 0,
    bytesSent: 0,
    // Keys are kept for five minutes, which have passed at the next sweep of a real deployment.
    secretReads: sweepsInMonth * first.secretReads,
    events: 0,
    rowsRead: 0,
    rowsWritten: 0,
  };
  for (const key of Object.keys(total) as (keyof Counts)[]) {
    if (key === 'secretReads') continue;
    for (const kind of Object.keys(kinds) as (keyof typeof kinds)[])
      total[key] += sweepsOfKind[kind] * kinds[kind][key];
  }
  return { stack, secrets, first, renewed, total };
}

const requestId = '5f0f4a3c-7a3e-4f3b-9a54-0d1c1e5b7a11';
/** What Lambda itself writes at every invocation. */
const lambdaLines = [
  `START RequestId: ${requestId} Version: $LATEST`,
  `END RequestId: ${requestId}`,
  `REPORT RequestId: ${requestId}\tDuration: 1000.00 ms\tBilled Duration: 1000 ms\tMemory Size: 512 MB\tMax Memory Used: 150 MB\t`,
];
/** What CloudWatch counts for each line beside its text. */
const bytesBesideText = 26;

/** Returns as how many bytes CloudWatch bills the log of one invocation. */
function billedBytes(log: string): number {
  const lines = [...log.split('\n').filter((line) => line !== ''), ...lambdaLines];
  return lines.reduce((sum, line) => sum + Buffer.byteLength(line) + bytesBesideText, 0);
}

/** Returns what a deployment costs in a month, without free tiers. */
function billOf({ stack, secrets, total }: Month) {
  const { dollars: price } = prices;
  const item = (what: string, amount: number, unit: string, each: number) => {
    const dollars = amount * each;
    const shown = `${amount.toLocaleString('en', { maximumSignificantDigits: 3 })}${unit && ` ${unit}`}`;
    return { what, dollars, text: `${shown}: ${inDollars(dollars)}` };
  };
  const logGigabytes = total.logBytes / 1e9;
  const gigabyteSeconds = (total.durationMs / 1000) * (stack.memoryMegabytes / 1024);
  return [
    item('Lambda, duration', gigabyteSeconds, 'GB-s', price.lambdaGigabyteSecond),
    item('Lambda, requests', sweepsInMonth, '', price.lambdaRequest),
    item('secrets', secrets, '', price.secretMonth),
    item('reads of secrets', total.secretReads, '', price.secretRead),
    item('log, taken in', logGigabytes, 'GB', price.logGigabyteTakenIn),
    // The stack keeps it for 90 days by default.
    item('log, kept for 90 days', logGigabytes * 3, 'GB-months', price.logGigabyteMonthKept),
    item('events', total.events, '', price.event),
    item('table, rows read', total.rowsRead, '', price.tableRowRead),
    item('table, rows written', total.rowsWritten, '', price.tableRowWritten),
    item('sent to the providers', total.bytesSent / 1e9, 'GB', price.gigabyteSentToInternet),
    item('metrics', stack.metrics, '', price.metricMonth),
    item('alarms', stack.alarms, '', price.alarmMonth),
    item('dashboard', stack.dashboards, '', price.dashboardMonth),
  ];
}

/** Returns dollars in as many digits as it takes to see that it is not nothing. */
function inDollars(dollars: number): string {
  if (dollars >= 100) return `$${dollars.toLocaleString('en', { maximumFractionDigits: 0 })}`;
  return `$${dollars >= 0.005 || dollars === 0 ? dollars.toFixed(2) : dollars.toPrecision(1)}`;
}
