import { billOf, billTable, inDollars, sumOf } from '../bill/bill.ts';
import { type CountedMonth, countMonth } from '../bill/month.ts';
import type { Bundles } from '../bundles.ts';
import { atMost, equal, type Row, seconds } from '../measure.ts';
import { cpuLimit, shareOfLambda } from '../runtime/cpu-limit.ts';
import { jobsInProgress } from '../world/simulated-projects.ts';

const longestFirstSweepMilliseconds = 15_000;

/** A month of one project, of ten and of a thousand: how much goes into the log, and what it costs. */
export async function month({ ours }: Bundles) {
  using cpu = cpuLimit(shareOfLambda);
  const one = await countMonth(ours, 1, cpu);
  const ten = await countMonth(ours, 10, cpu);
  const thousand = await countMonth(ours, 1_000, cpu);
  const { projects, kinds, jobLines, cancelled } = thousand;
  const jobs = projects * jobsInProgress;
  return {
    rows: [
      atMost(
        1,
        `the first sweep of 1,000 projects, start included, ${cpu.description}; against 15 s`,
        kinds.first.milliseconds,
        longestFirstSweepMilliseconds,
        seconds,
      ),
      atMost(
        0.05,
        `log bytes of a month, 1,000 projects with ${jobsInProgress} jobs in progress each; against one line for each job and sweep`,
        thousand.month.logBytes,
        // A sweep in which all jobs are new has a line for each.
        thousand.month.sweeps * kinds.renewed.logBytes,
        (bytes) => `${(bytes / 1e9).toFixed(2)} GB`,
      ),
      equal('lines about jobs in a sweep where all are new; against the jobs', jobLines.renewed, jobs),
      equal('lines about jobs in a sweep where none is; against none', jobLines.quiet, 0),
      billRow([one, ten, thousand]),
      equal('calls of a sweep of 1,000 projects; against one each', kinds.quiet.calls, projects),
      equal('jobs cancelled where one is overdue in each project; against these', cancelled, projects),
      equal('events then; against a warning and a cancellation each', kinds.eventful.events, 2 * projects),
    ],
    below: billTable([one, ten, thousand]),
  };
}

function billRow(months: CountedMonth[]): Row {
  const ours = months.map((counted) => sumOf(billOf(counted)));
  const [one = 0] = ours;
  const theirs = months.map(({ projects }) => projects * one);
  const list = (bills: number[]) => bills.map(inDollars).join(' / ');
  const what = `the bill of a month for ${months.map(({ projects }) => projects.toLocaleString('en')).join(', ')} projects; against one deployment for each project, at the last`;
  return {
    ...atMost(0.002, what, ours.at(-1) ?? 0, theirs.at(-1) ?? 0, inDollars),
    ours: list(ours),
    theirs: list(theirs),
  };
}
