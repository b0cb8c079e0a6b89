/** Sweeps of one account: with many jobs, with very many, and under a rate limit. */
import { simulatedJob } from '../../../infra/local/providers/simulated-job.ts';
import { rateLimit, type WaitHeader } from '../../support/rate-limiter.ts';
import type { Bundles } from '../bundles.ts';
import { startFunction } from '../function.ts';
import type { Behaviour } from '../provider.ts';
import { startSystem } from '../system.ts';
import { inTurn, inUnit, median, megabytes, Row, seconds } from '../table.ts';

type System = Awaited<ReturnType<typeof startSystem>>;
type Function = Awaited<ReturnType<typeof startFunction>>;

/** Sweeps a whole account once. The overdue jobs are the oldest, at the very end of the list: the hard case. */
async function sweepOnce(
  { system, curfew, row }: { system: System; curfew: Function; row: Row },
  { jobs, overdue, ...behaviour }: { jobs: number; overdue: number } & Behaviour,
) {
  system.begin(
    () =>
      Array.from({ length: jobs }, (_, index) => {
        const status = index < jobs - overdue ? 'succeeded' : 'running';
        return simulatedJob({ id: `ftjob-${index}`, status, ageMinutes: 400 + index });
      }),
    behaviour,
  );
  const invoked = await curfew.invoke([{ sweep: { lookbackDays: 0, cancelLimit: 'none' } }]);
  const tally = system.tally();
  row.check(`jobs cancelled, of ${jobs}`, tally.cancelled, overdue);
  row.check(`events about ${jobs} jobs`, tally.events, overdue);
  return { ...invoked, ...tally };
}

/** A sweep of a big account, against the theoretical minimum. */
export async function sweeps({ ours }: Bundles): Promise<void> {
  const [jobs, pages, answerMs] = [10_000, 100, 50];
  // Pages come in sequence, because each names the next; then a look and a cancel.
  const floorMs = (pages + 2) * answerMs;
  const cases = [
    { overdue: 20, goal: 1.1, row: new Row() },
    { overdue: 500, goal: 1.4, row: new Row() },
  ];
  await using system = await startSystem();
  await using curfew = await startFunction(ours, system.environment);
  const durations = await inTurn(3, cases, async ({ overdue, row }) => {
    const { durationMs, calls } = await sweepOnce({ system, curfew, row }, { jobs, overdue, answerMs });
    row.check(`calls about ${jobs} jobs`, calls, pages + 2 * overdue);
    return durationMs;
  });
  for (const [index, { overdue, goal, row }] of cases.entries()) {
    const durationMs = median(durations[index] ?? []);
    row.print(`sweep of 10,000 jobs, ${overdue} overdue`, [durationMs, floorMs], seconds, ['≤', goal]);
  }
}

/** The peak memory of sweeping an account ten times as large. Each sweep starts with a new function. */
export async function memory({ ours }: Bundles): Promise<void> {
  const row = new Row();
  await using system = await startSystem();
  const [small = [], large = []] = await inTurn(3, [10_000, 100_000], async (jobs) => {
    await using curfew = await startFunction(ours, system.environment);
    return (await sweepOnce({ system, curfew, row }, { jobs, overdue: 500 })).peakBytes;
  });
  row.print('peak memory, 100,000 jobs', [median(large), median(small)], megabytes, ['≤', 1.2]);
}

/** Sweeps under a rate limit, against the limit; and one that is told once to pause for five seconds. */
export async function rateLimits({ ours }: Bundles): Promise<void> {
  const perSecond = 20;
  await using system = await startSystem();
  await using curfew = await startFunction(ours, system.environment);
  const sweepUnder = async (row: Row, jobs: number, behaviour: Behaviour) => {
    const swept = await sweepOnce({ system, curfew, row }, { jobs, overdue: jobs, ...behaviour });
    row.check('calls in a silence that was asked for', swept.callsInSilence, 0);
    return swept;
  };

  const limited = new Row();
  const rates: number[] = [];
  const headers: WaitHeader[] = ['retry-after-ms', 'retry-after', 'none'];
  // A usual response time, and almost none.
  for (const answerMs of [200, 5]) {
    for (const header of headers) {
      const refuse = rateLimit(perSecond, header);
      const { calls, refused, durationMs } = await sweepUnder(limited, 200, { answerMs, refuse });
      // The bucket starts full, which does not count as throughput.
      rates.push((1000 * (calls - refused - perSecond)) / durationMs);
    }
  }
  const what = `calls under a limit of ${perSecond}/s, lowest of six`;
  limited.print(what, [Math.min(...rates), perSecond], inUnit('/s', 1, 1), ['≥', 0.8]);

  const paused = new Row();
  const durations: number[] = [];
  while (durations.length < 3) {
    let calls = 0;
    const refuse = () => (++calls === 20 ? { status: 429, headers: { 'retry-after': '5' }, body: {} } : undefined);
    durations.push((await sweepUnder(paused, 100, { answerMs: 50, refuse })).durationMs);
  }
  paused.print('100 cancels, one told to wait 5 s', [median(durations), 8_000], seconds, ['≤', 1]);
}
