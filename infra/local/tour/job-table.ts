import { styleText } from 'node:util';
import type { ListedJob } from '../../../lambda/contract.ts';

/** A job at its provider, and in the function's list, if it is there. */
export interface JobRow {
  project: string;
  jobId: string;
  status: string;
  listed: ListedJob | undefined;
}

const barWidth = 20;

/**
 * Returns the jobs as a table, with a bar of the time used: for a waiting job, its age against its queue limit; for any
 * other, its training time against its budget. A full bar means that the deadline has passed.
 */
export function jobTable(rows: JobRow[]): string {
  const heading = `${line('project', 'job', 'status')}age against time budget`;
  return [styleText('bold', heading), ...rows.map(styledRow)].join('\n');
}

function styledRow({ project, jobId, status, listed }: JobRow): string {
  // The end of an ARN is enough to tell jobs apart.
  const start = line(project, jobId.split('/').at(-1) ?? '', status);
  if (!listed) return styleText('dim', start.trimEnd());
  const { ageMinutes, timeBudgetMinutes, budgetFrom, countsFrom, deadline, overdue } = listed;
  const age = `${start}${bar(0)}  ${duration(ageMinutes)}`;
  if (timeBudgetMinutes === null) return styleText('green', `${age}, exempt`);
  if (deadline === null || countsFrom === null) return styleText('dim', `${age}, left alone`);
  const minutesSince = (time: string) => (Date.now() - Date.parse(time)) / 60_000;
  const isWaiting = /queued|pending|validating/.test(status);
  const usedMinutes = isWaiting ? ageMinutes : minutesSince(countsFrom);
  const allowedMinutes = Math.round(usedMinutes - minutesSince(deadline));
  const queuedMinutes = ageMinutes - usedMinutes;
  const parts = [
    `${start}${bar(usedMinutes / allowedMinutes)}`,
    `${duration(usedMinutes)} of ${duration(allowedMinutes)}`,
    isWaiting && 'waiting',
    queuedMinutes > 1 && `after ${duration(queuedMinutes)} in the queue`,
    budgetFrom === 'extension' && 'extended',
    overdue && 'overdue',
  ];
  return styleText(overdue ? 'red' : 'green', parts.filter(Boolean).join('  '));
}

function line(project: string, job: string, status: string): string {
  return project.padEnd(12) + job.padEnd(22) + status.padEnd(17);
}

function bar(share: number): string {
  const filled = Math.max(0, Math.min(barWidth, Math.round(share * barWidth)));
  return '█'.repeat(filled).padEnd(barWidth, '░');
}

const durationFormat = new Intl.DurationFormat('en', { style: 'narrow' });

/** `45m`, `6h`, `6h 40m`, `3d 2h`. */
function duration(minutes: number): string {
  const whole = Math.floor(minutes);
  const days = Math.floor(whole / 1440);
  const hours = Math.floor((whole % 1440) / 60);
  return durationFormat.format(days > 0 ? { days, hours } : { hours, minutes: whole % 60 }) || '0m';
}
