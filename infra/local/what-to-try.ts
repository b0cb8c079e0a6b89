import { invokeCommand } from './deployed-system.ts';
import type { Emulator } from './emulator.ts';

/** Lines to paste into any shell, to call the function on the emulator. */
export function whatToTry({ environment, aws }: Pick<Emulator, 'environment' | 'aws'>): string {
  const variables = [
    'AWS_ENDPOINT_URL',
    'AWS_ACCESS_KEY_ID',
    'AWS_SECRET_ACCESS_KEY',
    // Version 1 of the AWS CLI reads the one, version 2 the other as well.
    'AWS_DEFAULT_REGION',
    'AWS_REGION',
  ];
  const exports = variables.map((name) => `${name}=${environment[name]}`).join(' ');
  const requests = [
    { jobId: 'ftjob-queued', dryRun: true },
    { jobId: 'ftjob-queued' },
    { jobId: 'ftjob-unknown' },
    { sweep: { dryRun: true, timeBudgetMinutes: 0 } },
  ];
  return [`export ${exports}`, ...requests.map((request) => invokeCommand(request, aws))].join('\n');
}
