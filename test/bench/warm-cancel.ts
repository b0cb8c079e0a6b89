import { apiKey, startCurfew } from '../curfew.ts';
import { atMost, equal, interleaved, millisecondsOf, type Row } from './measure.ts';
import { SilentLogger } from './silent-logger.ts';
import { startAccount } from './simulated-account.ts';

const rounds = 1_500;

/** One cancel through the whole function, against the two calls that it cannot do without. */
export async function warmCancel(): Promise<Row[]> {
  const jobs = 2 * (rounds + 1);
  await using account = await startAccount({ jobs, overdue: jobs });
  await using curfew = await startCurfew({
    settings: { openaiBaseUrl: account.baseUrl },
    logger: new SilentLogger(),
  });
  let next = 0;
  const nextJobId = () => `ftjob-${next++}`;
  const call = async (method: string, path: string) => {
    const headers = { authorization: `Bearer ${apiKey}` };
    const response = await fetch(`${account.baseUrl}/fine_tuning/jobs/${path}`, { method, headers });
    return await response.json();
  };
  const { ours, theirs } = await interleaved(rounds, {
    ours: () => millisecondsOf(() => curfew.cancel(nextJobId())),
    theirs: () => {
      const jobId = nextJobId();
      return millisecondsOf(async () => {
        await call('GET', jobId);
        await call('POST', `${jobId}/cancel`);
      });
    },
  });
  const { calls, cancelled } = await account.tally();
  const milliseconds = (value: number) => `${value.toFixed(2)} ms`;
  return [
    atMost(1.25, 'a warm cancel, against two bare fetch calls', ours, theirs, milliseconds),
    equal('jobs that those cancelled', cancelled, jobs),
    equal('calls that those made', calls, 2 * jobs),
  ];
}
