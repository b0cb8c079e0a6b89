import { apiKey } from './api-key.ts';
import { startFunction } from './function-under-test.ts';
import { atMost, equal, interleaved, millisecondsOf, type Row } from './measure.ts';
import { type SimulatedAccount, startAccount } from './simulated-account.ts';

const rounds = 1_000;
const milliseconds = (value: number) => `${value.toFixed(2)} ms`;

/** One cancel through the whole function, against the calls that it makes, made barely. */
export async function warmCancel(): Promise<Row[]> {
  const jobs = 4 * (rounds + 1);
  await using account = await startAccount({ jobs, overdue: jobs });
  await using quiet = await startFunction(account.baseUrl, { publishes: false });
  await using telling = await startFunction(account.baseUrl);
  let next = 0;
  const timed = (cancel: (jobId: string) => Promise<unknown>) => {
    const jobId = `ftjob-${next++}`;
    return millisecondsOf(() => cancel(jobId));
  };
  const { twoCalls, quietly, threeCalls, tellingly } = await interleaved(rounds, {
    quietly: () => timed((jobId) => quiet.invoke({ jobId })),
    twoCalls: () => timed((jobId) => bareCancel(account, jobId)),
    tellingly: () => timed((jobId) => telling.invoke({ jobId })),
    threeCalls: () =>
      timed(async (jobId) => {
        await bareCancel(account, jobId);
        await barePutEvents(telling.awsUrl, jobId);
      }),
  });
  const { calls, cancelled } = await account.tally();
  return [
    atMost(
      1.25,
      'warm cancel, nobody told of it; against two bare fetch calls',
      quietly,
      twoCalls,
      milliseconds,
    ),
    atMost(
      1.25,
      'warm cancel with its event; against three bare fetch calls',
      tellingly,
      threeCalls,
      milliseconds,
    ),
    equal('jobs cancelled in those four', cancelled, jobs),
    equal('calls to OpenAI in those four, against two each', calls, 2 * jobs),
  ];
}

async function bareCancel({ baseUrl }: SimulatedAccount, jobId: string): Promise<void> {
  const headers = { authorization: `Bearer ${apiKey}` };
  const url = `${baseUrl}/fine_tuning/jobs/${jobId}`;
  await (await fetch(url, { headers })).json();
  await (await fetch(`${url}/cancel`, { method: 'POST', headers })).json();
}

/** Unsigned, which the stub does not mind. */
async function barePutEvents(url: string, jobId: string): Promise<void> {
  const headers = { 'x-amz-target': 'AWSEvents.PutEvents', 'content-type': 'application/x-amz-json-1.1' };
  const Entries = [{ Source: 'bench', DetailType: 'cancelled', Detail: JSON.stringify({ jobId }) }];
  await (await fetch(url, { method: 'POST', headers, body: JSON.stringify({ Entries }) })).json();
}
