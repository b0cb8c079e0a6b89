import { invokeCommand } from '../aws/deployment.ts';
import type { Emulator } from '../aws/emulator.ts';

/** Lines to paste into any shell, to call the function on the emulator. */
export function whatToTry({ environment, aws }: Pick<Emulator, 'environment' | 'aws'>): string {
  // Version 1 of the AWS CLI reads AWS_DEFAULT_REGION, version 2 AWS_REGION as well.
  const names = /^AWS_(ENDPOINT_URL|ACCESS_KEY_ID|SECRET_ACCESS_KEY|DEFAULT_REGION|REGION)$/;
  const exports = Object.entries(environment).flatMap(([name, value]) => (names.test(name) ? `${name}=${value}` : []));
  const requests = [
    { list: {} },
    { jobId: 'ftjob-queued', dryRun: true },
    { extend: { jobId: 'ftjob-queued', minutes: 600 } },
    { jobId: 'ftjob-queued' },
    { jobId: 'ftjob-unknown' },
    { sweep: { dryRun: true, timeBudgetMinutes: 0 } },
  ];
  return [`export ${exports.join(' ')}`, ...requests.map((request) => invokeCommand(request, { cli: aws }))].join('\n');
}
