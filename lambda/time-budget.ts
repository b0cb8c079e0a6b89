/** The metadata key by which a fine-tuning job sets its own time budget, in minutes, or `"none"`. */
export const timeBudgetMetadataKey = 'time_budget_minutes';

const minutePattern = /^\d+(\.\d+)?$/;
const millisecondsPerMinute = 60_000;

export interface TimeBudget {
  /** How many minutes the job may take; `Infinity` where it is exempt. */
  minutes: number;
  /** True where the job's metadata holds a budget that cannot be read, so that the default holds. */
  unreadable: boolean;
}

/**
 * The time budget of one job: its own, from its metadata, or else the default.
 *
 * @param metadata the job's metadata, as OpenAI returns it: `{"time_budget_minutes": "90"}` or `"none"`.
 * @param defaultMinutes the budget, in minutes, of a job that names none.
 */
export function timeBudgetOf(
  metadata: Record<string, unknown> | null | undefined,
  defaultMinutes: number,
): TimeBudget {
  const own = metadata?.[timeBudgetMetadataKey];
  if (own === undefined) return { minutes: defaultMinutes, unreadable: false };
  if (own === 'none') return { minutes: Number.POSITIVE_INFINITY, unreadable: false };
  if (typeof own === 'string' && minutePattern.test(own)) return { minutes: Number(own), unreadable: false };
  return { minutes: defaultMinutes, unreadable: true };
}

/**
 * The age of a job in minutes; negative where its creation lies in the future of our clock.
 *
 * @param createdAtSeconds when the job was created, in Unix seconds.
 * @param nowMilliseconds the present, in Unix milliseconds.
 */
export function ageMinutesOf(createdAtSeconds: number, nowMilliseconds: number): number {
  return (nowMilliseconds - createdAtSeconds * 1000) / millisecondsPerMinute;
}

/** Whether a job of this age is past its budget. No budget is negative, so that a job from the future never is. */
export function isOverdue(ageMinutes: number, budgetMinutes: number): boolean {
  return ageMinutes >= budgetMinutes;
}
