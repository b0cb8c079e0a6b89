import { styleText } from 'node:util';
import type { ListedJob } from '../../../lambda/contract.ts';
import type { SimulatedJob } from '../providers/simulated-job.ts';

/** A job as its provider has it, and as the function lists it, if it does. */
export interface JobRow {
  project: string;
  job: SimulatedJob;
  listed: ListedJob | undefined;
}

const barWidth = 20;
const columns = { project: 12, job: 22, status: 17 };

/**
 * The jobs as a table, with the age of those that are listed drawn against the time that they have. A full bar is a
 * deadline reached.
 */
export function jobTable(rows: JobRow[]): string {
  const heading = `${line('project', 'job', 'status')}age against time budget`;
  return [styleText('bold', heading), ...rows.map(styledRow)].join('\n');
}

function styledRow({ project, job, listed }: JobRow): string {
  const start = line(project, job.id, job.status);
  if (!listed) return styleText('dim', start.trimEnd());
  const { ageMinutes, timeBudgetMinutes, budgetFrom, deadline, overdue } = listed;
  if (timeBudgetMinutes === null) {
    return styleText('green', `${start}${bar(0)}  ${duration(ageMinutes)}, exempt`);
  }
  if (deadline === null) return styleText('dim', `${start}${bar(0)}  ${duration(ageMinutes)}, left alone`);
  const allowedMinutes = Math.round((Date.parse(deadline) / 1000 - job.created_at) / 60);
  const text = [
    `${start}${bar(ageMinutes / allowedMinutes)}`,
    `${duration(ageMinutes)} of ${duration(allowedMinutes)}`,
    ...(budgetFrom === 'extension' ? ['extended'] : []),
    ...(overdue ? ['overdue'] : []),
  ].join('  ');
  return styleText(overdue ? 'red' : 'green', text);
}

function line(project: string, job: string, status: string): string {
  return project.padEnd(columns.project) + job.padEnd(columns.job) + status.padEnd(columns.status);
}

function bar(share: number): string {
  const filled = Math.max(0, Math.min(barWidth, Math.round(share * barWidth)));
  return '█'.repeat(filled) + '░'.repeat(barWidth - filled);
}

const durationFormat = new Intl.DurationFormat('en', { style: 'narrow' });

/** `45m`, `6h`, `6h 40m`, `3d 2h`. */
function duration(minutes: number): string {
  const whole = Math.floor(minutes);
  const days = Math.floor(whole / 1440);
  const hours = Math.floor((whole % 1440) / 60);
  return durationFormat.format(days > 0 ? { days, hours } : { hours, minutes: whole % 60 }) || '0m';
}
