import { styleText } from 'node:util';
import { isInProgress } from '../../lambda/conditional-cancel.ts';
import { ageMinutesOf, isOverdue, timeBudgetOf } from '../../lambda/time-budget.ts';
import type { SimulatedJob } from './simulated-job.ts';

const barWidth = 20;

/**
 * The jobs as a table, with each job's age drawn against its budget. A full bar is a budget used up.
 * A finished job has the age at which it finished.
 */
export function jobTable(jobs: Iterable<SimulatedJob>, defaultBudgetMinutes: number): string {
  const rows = [...jobs].map((job) => {
    const { minutes: budget } = timeBudgetOf(job.metadata, defaultBudgetMinutes);
    const age = ageMinutesOf(job.created_at, job.finished_at === null ? Date.now() : job.finished_at * 1000);
    const overdue = isInProgress(job.status) && isOverdue(age, budget);
    const line = [
      job.id.padEnd(20),
      job.status.padEnd(16),
      bar(age / budget),
      Number.isFinite(budget) ? `${duration(age)} of ${duration(budget)}` : `${duration(age)}, exempt`,
    ].join('  ');
    if (!isInProgress(job.status)) return styleText('dim', line);
    return styleText(overdue ? 'red' : 'green', overdue ? `${line}  overdue` : line);
  });
  const heading = `${'job'.padEnd(20)}  ${'status'.padEnd(16)}  ${'age against budget'.padEnd(barWidth)}`;
  return [styleText('bold', heading), ...rows].join('\n');
}

function bar(share: number): string {
  const filled = Math.max(0, Math.min(barWidth, Math.round(share * barWidth)));
  return '█'.repeat(filled) + '░'.repeat(barWidth - filled);
}

/** `45 min`, `6 h`, `6 h 40 min`, `3 d 2 h`. */
function duration(minutes: number): string {
  const whole = Math.floor(minutes);
  const parts: [number, string][] = [
    [Math.floor(whole / 1440), 'd'],
    [Math.floor((whole % 1440) / 60), 'h'],
    [whole % 60, 'min'],
  ];
  const shown = parts.filter(([amount]) => amount > 0).slice(0, 2);
  return shown.map(([amount, unit]) => `${amount} ${unit}`).join(' ') || '0 min';
}
