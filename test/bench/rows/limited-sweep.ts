import type { Bundles } from '../bundles.ts';
import { equal, median, type Row, times } from '../measure.ts';
import { startAccountAndFunction } from '../world/account-and-function.ts';

const jobs = 200;
const overdue = 200;
const requestsPerSecond = 20;
const rounds = 3;
const goal = 0.9;

/** A sweep under a rate limit, against the limit. Each answer takes a time that is usual for the API, or next to none. */
export async function limitedSweep(bundles: Bundles) {
  return { rows: [...(await under(5, bundles)), ...(await under(200, bundles))] };
}

async function under(answerMilliseconds: number, { ours }: Bundles): Promise<Row[]> {
  await using system = await startAccountAndFunction(ours, {
    jobs,
    overdue,
    answerMilliseconds,
    requestsPerSecond,
  });
  const { account, curfew } = system;
  const rates: number[] = [];
  const cancelled: number[] = [];
  const refused: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    await account.reset();
    const swept = await curfew.invoke([{ sweep: { lookbackDays: 0, cancelLimit: 'none' } }]);
    const tally = await account.tally();
    // The bucket was full at the start: that is not throughput.
    rates.push(((tally.calls - tally.refused - requestsPerSecond) * 1000) / swept.milliseconds);
    cancelled.push(tally.cancelled);
    refused.push(tally.refused);
  }
  const rate = median(rates);
  const perSecond = (value: number) => `${value.toFixed(1)} /s`;
  return [
    {
      what: `requests through a limit of ${requestsPerSecond} a second, ${answerMilliseconds} ms an answer (${median(refused)} refused); against the limit`,
      ours: perSecond(rate),
      theirs: perSecond(requestsPerSecond),
      ratio: times(rate / requestsPerSecond),
      goal: `≥ ${goal} ×`,
      holds: rate / requestsPerSecond >= goal,
    },
    equal('overdue jobs that it cancelled, none lost', Math.min(...cancelled), overdue),
  ];
}
