import { simulatedJob } from '../../../infra/local/providers/simulated-job.ts';
import { startCurfew } from '../../support/curfew.ts';
import { equal } from '../measure.ts';

const lookbackDays = 30;
const minutesPerDay = 1440;
const jobsWithin = 950;

/** The calls of the frequent sweep, where what lies beyond its lookback grows tenfold. */
export async function history() {
  const what = `calls of the sweep with lookbackDays ${lookbackDays}, tenfold history beyond it; against before`;
  return { rows: [equal(what, await callsWith(10_000), await callsWith(1_000))] };
}

async function callsWith(jobsBeyond: number): Promise<number> {
  const job = (days: number) => simulatedJob({ status: 'succeeded', ageMinutes: days * minutesPerDay });
  const jobs = [
    ...Array.from({ length: jobsWithin }, (_, index) => job((index * lookbackDays) / (jobsWithin + 1))),
    ...Array.from({ length: jobsBeyond }, (_, index) => job(lookbackDays + 1 + index / 100)),
  ];
  await using curfew = await startCurfew({ jobs });
  await curfew.sweep({ lookbackDays });
  return curfew.openai.calls.length;
}
