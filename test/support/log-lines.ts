import { simulatedJob } from '../../infra/local/providers/simulated-job.ts';
import type { Curfew } from './curfew.ts';
import type { LogLine } from './recorders.ts';

/** A job in progress of this age, with a time budget of its own if one is given. */
export const running = (id: string, ageMinutes: number, budget?: string) =>
  simulatedJob({
    id,
    status: 'running',
    ageMinutes,
    metadata: budget === undefined ? null : { time_budget_minutes: budget },
  });

/** The lines about a job. */
export const linesOf = ({ logLines }: Curfew, jobId: string) =>
  logLines.filter((line) => line['jobId'] === jobId);

/** The part of a line that we write, without the time and what Lambda adds. */
export const ours = (line: LogLine = {}) => {
  const theirs = [
    'timestamp',
    'service',
    'function_arn',
    'function_memory_size',
    'cold_start',
    'sampling_rate',
  ];
  return Object.fromEntries(Object.entries(line).filter(([key]) => !theirs.includes(key)));
};

/** The error in a line. */
export const errorIn = (line: LogLine | undefined) => line?.['error'] as LogLine | undefined;

/** What Lambda adds to each line, and that is the same in every test. */
export const fromLambda = { function_name: 'fine-tuning-curfew', function_request_id: 'request-1' };
