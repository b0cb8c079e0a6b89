import { startFunction } from './function-under-test.ts';
import { equal, median, millisecondsOf, type Row } from './measure.ts';
import { startAccount } from './simulated-account.ts';

const jobs = 200;
const overdue = 200;
const requestsPerSecond = 20;
const rounds = 3;

/** A sweep under a rate limit, against the limit. Each answer takes a time that is usual for the API, or next to none. */
export async function limitedSweep(): Promise<Row[]> {
  return [...(await under(5)), ...(await under(200))];
}

async function under(answerMilliseconds: number): Promise<Row[]> {
  await using account = await startAccount({ jobs, overdue, answerMilliseconds, requestsPerSecond });
  await using curfew = await startFunction(account.baseUrl);
  const rates: number[] = [];
  const cancelled: number[] = [];
  const refused: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    await account.reset();
    const milliseconds = await millisecondsOf(() => curfew.invoke({ sweep: { lookbackDays: 0 } }));
    const tally = await account.tally();
    // The bucket was full at the start: that is not throughput.
    rates.push(((tally.calls - tally.refused - requestsPerSecond) * 1000) / milliseconds);
    cancelled.push(tally.cancelled);
    refused.push(tally.refused);
  }
  const rate = median(rates);
  const perSecond = (value: number) => `${value.toFixed(1)} /s`;
  const what = `requests through a limit of ${requestsPerSecond} a second, ${answerMilliseconds} ms an answer (${median(refused)} refused)`;
  return [
    {
      what,
      ours: perSecond(rate),
      theirs: perSecond(requestsPerSecond),
      ratio: `${(rate / requestsPerSecond).toFixed(2)}x`,
      goal: '>= 0.9x',
      holds: rate / requestsPerSecond >= 0.9,
    },
    equal('overdue jobs that it cancelled, none lost', Math.min(...cancelled), overdue),
  ];
}
