import { invokeCommand } from '../aws/deployment.ts';
import type { Emulator } from '../aws/emulator.ts';

/** Lines to paste into any shell, to call the function on the emulator. */
export function whatToTry({ environment, aws }: Pick<Emulator, 'environment' | 'aws'>): string {
  const variables = [
    'AWS_ENDPOINT_URL',
    'AWS_ACCESS_KEY_ID',
    'AWS_SECRET_ACCESS_KEY',
    // Version 1 of the AWS CLI reads the first, version 2 the second as well.
    'AWS_DEFAULT_REGION',
    'AWS_REGION',
  ];
  const exports = variables.map((name) => `${name}=${environment[name]}`).join(' ');
  const requests = [
    { list: {} },
    { jobId: 'ftjob-queued', dryRun: true },
    { extend: { jobId: 'ftjob-queued', minutes: 600 } },
    { jobId: 'ftjob-queued' },
    { jobId: 'ftjob-unknown' },
    { sweep: { dryRun: true, timeBudgetMinutes: 0 } },
  ];
  return [`export ${exports}`, ...requests.map((request) => invokeCommand(request, { cli: aws }))].join('\n');
}
