import type { Job } from './job.ts';

/** The metadata key by which a fine-tuning job sets its own time budget, in minutes, or `"none"`. */
export const timeBudgetMetadataKey = 'time_budget_minutes';

const minutePattern = /^(\d+\.?\d*|\.\d+)$/;
const secondsPerMinute = 60;
/** The last second that JavaScript has a date for: a budget may be of any length. */
const lastSeconds = 8_640_000_000_000;

/** The budget of a job that names none, and whose it is. */
export interface DefaultBudget {
  timeBudgetMinutes: number;
  budgetFrom: 'project' | 'default';
}

/** A job against the clock, judged once. */
export interface Judgement {
  /** Since its creation, with fractions; negative if that lies in the future of our clock. */
  ageMinutes: number;
  /** Before any extension; null if the job is exempt. */
  timeBudgetMinutes: number | null;
  budgetFrom: 'metadata' | 'project' | 'default' | 'extension' | 'exempt';
  /** Unix seconds; null if the job is exempt. */
  deadlineSeconds: number | null;
  isOverdue: boolean;
  /** The job's metadata holds a budget that cannot be read, so the default holds. */
  hasUnreadableBudget: boolean;
}

/**
 * Judges a job in progress: its age, its time budget, and the deadline that follows.
 *
 * @param job the job.
 * @param budget what holds if the job's own metadata names none.
 * @param nowMilliseconds the present, in Unix milliseconds.
 * @param extendedUntilSeconds until when the job was extended, in Unix seconds, if it was.
 */
export function judge(
  job: Pick<Job, 'createdAtSeconds' | 'metadata'>,
  budget: DefaultBudget,
  nowMilliseconds: number,
  extendedUntilSeconds = Number.NEGATIVE_INFINITY,
): Judgement {
  const nowSeconds = nowMilliseconds / 1000;
  const own = ownBudgetOf(job.metadata);
  const ageMinutes = (nowSeconds - job.createdAtSeconds) / secondsPerMinute;
  if (own === 'none') {
    return {
      ageMinutes,
      timeBudgetMinutes: null,
      budgetFrom: 'exempt',
      deadlineSeconds: null,
      isOverdue: false,
      hasUnreadableBudget: false,
    };
  }
  const isOwn = typeof own === 'number';
  const timeBudgetMinutes = isOwn ? own : budget.timeBudgetMinutes;
  const byBudget = Math.min(lastSeconds, job.createdAtSeconds + timeBudgetMinutes * secondsPerMinute);
  const isExtended = extendedUntilSeconds > byBudget;
  const deadlineSeconds = isExtended ? extendedUntilSeconds : byBudget;
  return {
    ageMinutes,
    timeBudgetMinutes,
    budgetFrom: isExtended ? 'extension' : isOwn ? 'metadata' : budget.budgetFrom,
    deadlineSeconds,
    isOverdue: nowSeconds >= deadlineSeconds,
    hasUnreadableBudget: own === 'unreadable',
  };
}

/** The budget in a job's metadata, in minutes: `{"time_budget_minutes": "90"}`, or `"none"` to exempt it. */
function ownBudgetOf(metadata: Record<string, string>): number | 'none' | 'unreadable' | undefined {
  const text = metadata[timeBudgetMetadataKey]?.trim().toLowerCase();
  if (text === undefined) return undefined;
  if (text === 'none') return 'none';
  // A number too long for JavaScript would be Infinity, which JSON does not have.
  return minutePattern.test(text) ? Math.min(Number(text), Number.MAX_VALUE) : 'unreadable';
}
