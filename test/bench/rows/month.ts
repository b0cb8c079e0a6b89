import { simulatedJob } from '../../../infra/local/providers/simulated-job.ts';
import type { Bundles } from '../bundles.ts';
import { type Cpu, limitCpu } from '../cpu.ts';
import { startFunction } from '../function.ts';
import prices from '../prices.json' with { type: 'json' };
import { startSystem } from '../system.ts';
import { inUnit, printCells, printHead, Row, seconds } from '../table.ts';

const quietAges = [30, 90, 150, 210, 270];
/** One past a budget of six hours, one 20 minutes before its end. */
const eventfulAges = [30, 90, 150, 340, 400];
/** A job keeps its creation time from sweep to sweep. */
const startedAt = Math.floor(Date.now() / 1000);

/** Returns the jobs of a project, by default all running and well within their budgets. */
export function jobsOf(project: string, { ages = quietAges, generation = 1, firstStatus = 'running' } = {}) {
  return ages.map((ageMinutes, index) => {
    const status = index === 0 ? firstStatus : 'running';
    const created_at = startedAt - ageMinutes * 60;
    return simulatedJob({ id: `ftjob-${project}-${generation}-${index}`, status, created_at });
  });
}

const days = 30;
/** One every five minutes, and one a day. */
const sweepsInMonth = days * (24 * 12 + 1);
/** Sweeps by a new instance. Lambda's documentation says that instances end after a few hours; we assume four. */
const firstSweeps = (days * 24) / 4;
/** All jobs are new: each runs for its budget of six hours, then another starts. */
const renewedSweeps = (days * 24) / 6;
const quietSweeps = sweepsInMonth - firstSweeps - renewedSweeps - days;

/** The kinds of sweeps, how many a month has, and their lines about each project. Quiet ones run three times. */
const kinds = [
  { times: firstSweeps, ages: quietAges, generation: 1, lines: 5 },
  { times: quietSweeps / 3, ages: quietAges, generation: 1, lines: 0 },
  { times: quietSweeps / 3, ages: quietAges, generation: 1, lines: 0 },
  { times: quietSweeps / 3, ages: quietAges, generation: 1, lines: 0 },
  { times: renewedSweeps, ages: quietAges, generation: 2, lines: 5 },
  // Once a day, each project has one job warned about and another cancelled. Both have new deadlines here.
  { times: days, ages: eventfulAges, generation: 2, lines: 2 },
];

/** A month of one, ten and a thousand projects: how much is logged, and what it costs. */
export async function month({ ours }: Bundles): Promise<void> {
  using cpu = limitCpu();
  const row = new Row();
  const one = await countMonth(ours, cpu, row, 1, 'running');
  const ten = await countMonth(ours, cpu, row, 10, 'running');
  const thousand = await countMonth(ours, cpu, row, 1_000, 'running');
  const waiting = await countMonth(ours, cpu, row, 1_000, 'queued');
  row.print('first sweep of 1,000 projects', [thousand.firstMs, 15_000], seconds, ['≤', 1]);
  const allLines = (sweepsInMonth * thousand.allLinesBytes) / 1e9;
  const gigabytes = inUnit('GB', 1, 2);
  row.print('log of a month, 1,000 projects', [thousand.amounts.logIngested, allLines], gigabytes, ['≤', 0.05]);
  const bills = [one, ten, thousand, waiting].map(({ amounts }) => billOf(amounts));
  const [sumOne = 0, sumTen = 0, sumThousand = 0] = bills.map(({ sum }) => sum);
  const sums = [[sumOne, sumTen, sumThousand], [1, 10, 1_000].map((projects) => projects * sumOne)];
  row.print(
    'bill of a month: 1, 10, 1,000 projects',
    [sumThousand, 1_000 * sumOne],
    inDollars,
    ['≤', 0.002],
    sums.map((ofSide) => ofSide.map(inDollars).join(' / ')),
  );
  console.log('');
  printHead('what', '1 project', '10', '1,000', '1,000, each with a waiting job');
  for (const [index, { what }] of Object.values(prices).entries()) {
    printCells(what, ...bills.map(({ costs }) => inDollars(costs[index] ?? 0)));
  }
  printCells('**all**', ...bills.map(({ sum }) => `**${inDollars(sum)}**`));
}

/** Sweeps a deployment once for each kind, with the function's share of CPU, and adds up a month. */
async function countMonth(bundle: string, cpu: Cpu, row: Row, projects: number, firstStatus: string) {
  await using system = await startSystem({ projects, awsMs: 20 });
  await using curfew = await startFunction(bundle, system.environment, cpu);
  const { metrics, alarms, dashboards, memoryMegabytes } = system.stack;
  const amounts = {
    ...{ requests: sweepsInMonth, secrets: system.secrets, metrics, alarms, dashboards },
    ...{ duration: 0, secretReads: 0, logIngested: 0, logKept: 0, events: 0, rowsRead: 0, rowsWritten: 0 },
  };
  const waiting = firstStatus === 'queued' ? projects : 0;
  let [firstMs, secretReads, allLinesBytes] = [0, 0, 0];
  for (const { times, lines, ...kind } of kinds) {
    system.begin((project) => jobsOf(project, { ...kind, firstStatus }), { answerMs: 50 });
    curfew.takeLog();
    const { durationMs } = await curfew.invoke([{ sweep: {}, requestedBy: 'rule' }]);
    const log = curfew.takeLog();
    const tally = system.tally();
    const due = kind.ages === eventfulAges ? projects : 0;
    row.check(`calls of a sweep of ${projects} projects`, tally.calls, projects + 2 * due);
    row.check(`jobs cancelled in ${projects} projects`, tally.cancelled, due);
    row.check(`events of ${projects} projects`, tally.events, 2 * due);
    row.check(`rows written for ${projects} projects`, tally.rowsWritten, waiting + due);
    const jobLines = log.split('\n').filter((line) => line.includes('"jobId"')).length;
    row.check(`lines about jobs of ${projects} projects`, jobLines, lines * projects);

    const logBytes = billedBytes(log);
    if (lines === quietAges.length) allLinesBytes = logBytes;
    // The start is billed too.
    const paidMs = firstMs === 0 ? curfew.startMs + durationMs : durationMs;
    firstMs ||= paidMs;
    // Keys are cached for five minutes, which are over by a real deployment's next sweep.
    secretReads ||= tally.secretReads;
    amounts.duration += times * (paidMs / 1000) * (memoryMegabytes / 1024);
    amounts.secretReads += times * secretReads;
    amounts.logIngested += (times * logBytes) / 1e9;
    // The stack keeps it for 90 days by default.
    amounts.logKept = 3 * amounts.logIngested;
    for (const what of ['events', 'rowsRead', 'rowsWritten'] as const) amounts[what] += times * tally[what];
  }
  return { amounts, firstMs, allLinesBytes };
}

/** What Lambda itself logs for every invocation, in its lines START, END and REPORT. */
const lambdaBytes = 266;
/** What CloudWatch adds to the size of each line. */
const bytesBesideText = 26;

/** Returns how many bytes CloudWatch bills for the log of one invocation. */
function billedBytes(log: string): number {
  const lines = log.split('\n').filter((line) => line !== '');
  return Buffer.byteLength(lines.join('')) + lambdaBytes + (lines.length + 3) * bytesBesideText;
}

/** Returns what these amounts cost, without free tiers. */
function billOf(amounts: Record<keyof typeof prices, number>) {
  const costs = Object.entries(prices).map(([item, price]) => {
    return (amounts[item as keyof typeof prices] / price.per) * price.dollars;
  });
  return { costs, sum: costs.reduce((sum, cost) => sum + cost, 0) };
}

/** Formats dollars with enough digits to show that they are not zero. */
function inDollars(dollars: number): string {
  if (dollars >= 100) return `$${dollars.toLocaleString('en', { maximumFractionDigits: 0 })}`;
  return `$${dollars >= 0.005 || dollars === 0 ? dollars.toFixed(2) : dollars.toPrecision(1)}`;
}
