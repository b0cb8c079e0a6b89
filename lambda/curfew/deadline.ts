import type { BudgetFrom } from '../contract.ts';
import type { Context, Project, ProjectJob } from './context.ts';
import type { Job, JobRow } from './job.ts';

/** A project's rules. A request may override them. */
export interface Rules {
  timeBudgetMinutes: number;
  budgetFrom: 'project' | 'default';
  /** How long a job may wait before its training starts. @default the longer of its budget and the project's */
  queueLimitMinutes: number | 'none' | undefined;
  lookbackDays: number;
  cancelLimit: number | 'none';
  dryRun: boolean;
}

/** A job against the clock. Times are Unix seconds. */
export interface Judgement {
  /** Negative if it was created after `now` by our clock; null if the creation time is unknown. */
  ageMinutes: number | null;
  /** Before any extension; null if the job is exempt. */
  timeBudgetMinutes: number | null;
  budgetFrom: BudgetFrom;
  /** Which of its two limits the deadline comes from. */
  limit: 'budget' | 'queue';
  /** When the budget started to count. */
  countsFrom: number | null;
  deadline: number | null;
  isOverdue: boolean;
  /** The budget in the metadata, if it cannot be parsed. */
  unreadableBudget: string | undefined;
}

/** Returns whether a job may still be cancelled. */
export const isActive = ({ phase }: Job): boolean => phase === 'waiting' || phase === 'running';

/** Returns whether a job is active or being cancelled. */
export const isInProgress = (job: Job): boolean => isActive(job) || job.phase === 'cancelling';

/** The metadata key, or tag, with a job's own budget. */
export const budgetKey = 'time_budget_minutes';

const minutesPerUnit: Record<string, number> = { m: 1, h: 60, d: 1440 };
const maxQuotedBudget = 100;
/** The last second that a JavaScript date can hold. */
export const lastSecond = 8_640_000_000_000;

/** A job with its row and judgement. */
export interface JudgedJob extends ProjectJob {
  row: JobRow;
  judgement: Judgement;
  /** Why its row or metadata could not be read. The job may then be exempt or extended. */
  readError: Error | undefined;
}

/** Reads a job's row, if needed, and judges the job. */
export async function loadAndJudge(project: Project, job: Job, withRow: boolean, context: Context): Promise<JudgedJob> {
  const needsRow = withRow && job.phase !== 'other';
  const row = needsRow ? await context.table().read(job.id) : {};
  const readError = needsRow ? (row.readError ?? job.metadataError) : undefined;
  return { project, job, row, judgement: judge(job, row, project.rules, context.now), readError };
}

/** Judges an unfinished job by its budget, its queue limit and its row. */
export function judge(job: Job, row: JobRow, rules: Rules, now: number): Judgement {
  const own = readOwnBudget(job.metadata);
  const isExempt = own.minutes === 'none';
  const budget = typeof own.minutes === 'number' ? own.minutes : rules.timeBudgetMinutes;
  const queueLimit = rules.queueLimitMinutes ?? Math.max(budget, rules.timeBudgetMinutes);
  const isWaiting = job.phase === 'waiting';
  const { createdAt } = job;
  const countsFrom =
    createdAt === null ? null : Math.max(createdAt, row.lastWaiting ?? createdAt, job.startedAt ?? createdAt);

  const start = isWaiting ? createdAt : countsFrom;
  const minutes = isWaiting ? queueLimit : budget;
  const hasDeadline = start !== null && minutes !== 'none' && !isExempt;
  const byLimit = hasDeadline ? Math.min(lastSecond, start + minutes * 60) : null;
  const deadline = byLimit === null ? null : Math.max(byLimit, row.extendedUntil ?? 0);
  const isExtended = deadline !== byLimit;
  const budgetFrom = own.minutes === undefined ? rules.budgetFrom : 'metadata';

  return {
    ageMinutes: createdAt === null ? null : (now - createdAt) / 60,
    timeBudgetMinutes: isExempt ? null : budget,
    budgetFrom: isExempt ? 'exempt' : isExtended ? 'extension' : budgetFrom,
    limit: isWaiting ? 'queue' : 'budget',
    countsFrom,
    deadline,
    isOverdue: deadline !== null && now >= deadline,
    unreadableBudget: own.unreadable,
  };
}

/** Reads a job's own budget: `90`, `1.5`, `90m`, `24h`, `2d` or `none`. A misspelled key counts as unreadable. */
function readOwnBudget(metadata: Job['metadata']): { minutes?: number | 'none'; unreadable?: string } {
  const given = metadata[budgetKey];
  const minutes = given === undefined ? undefined : parseBudget(given);
  if (minutes !== undefined) return { minutes };
  const key = given === undefined ? Object.keys(metadata).find(looksLikeBudgetKey) : budgetKey;
  return key === undefined ? {} : { unreadable: `${key}: ${metadata[key]}`.slice(0, maxQuotedBudget) };
}

function parseBudget(text: string): number | 'none' | undefined {
  const compact = text.replaceAll(/\s/g, '').toLowerCase();
  if (compact === 'none') return 'none';
  const [, number, unit = 'm'] = /^(\d+\.?\d*|\.\d+)([mhd])?$/.exec(compact) ?? [];
  if (number === undefined) return undefined;
  // A number that is too long parses as Infinity, which JSON cannot represent.
  const minutes = Math.min(Number(number) * (minutesPerUnit[unit] ?? 1), Number.MAX_VALUE);
  return minutes > 0 ? minutes : undefined;
}

function looksLikeBudgetKey(key: string): boolean {
  return /^(timebudget|budgetminutes|budgettime)/.test(key.toLowerCase().replaceAll(/[^a-z]/g, ''));
}

/** A job is near its deadline, or will not finish before it. */
export interface Warning {
  judgement: Judgement;
  /** Unix seconds. */
  deadline: number;
  /** Whole minutes until then. */
  minutesLeft: number;
  /** The provider expects the job to finish after its deadline. */
  willNotFinish: boolean;
  /** The project is set to `dryRun`, so nothing will be cancelled. */
  dryRun: boolean;
}

/** Returns the warning due now for an active job: one for each deadline, none once a cancel was accepted. */
export function findWarning(judged: JudgedJob, { warnBeforeMinutes, now }: Context): Warning | undefined {
  const { project, job, judgement, row, readError } = judged;
  const { deadline, isOverdue } = judgement;
  if (deadline === null || isOverdue || readError || warnBeforeMinutes === 0) return undefined;
  if (row.warnedFor === deadline || row.cancellingSince !== undefined) return undefined;
  const minutesLeft = (deadline - now) / 60;
  const willNotFinish = job.phase === 'running' && (job.estimatedFinish ?? 0) > deadline;
  if (minutesLeft > warnBeforeMinutes && !willNotFinish) return undefined;
  const { dryRun } = project.rules;
  return { judgement, deadline, minutesLeft: Math.floor(minutesLeft), willNotFinish, dryRun };
}

/** An accepted cancel gets an hour to take effect. After that, the job counts as stuck and is cancelled again. */
const cancellingGraceSeconds = 3600;

/** Returns the state of an earlier cancel: none was accepted, it is still within its hour, or it is stuck. */
export function cancelProgress({ cancellingSince }: JobRow, now: number): 'none' | 'recent' | 'stuck' {
  if (cancellingSince === undefined) return 'none';
  return now - cancellingSince < cancellingGraceSeconds ? 'recent' : 'stuck';
}

/** Returns Unix seconds as ISO 8601, to the second. */
export function toIso(seconds: number | null): string | null {
  return seconds === null ? null : new Date(Math.floor(seconds) * 1000).toISOString();
}
