import * as v from 'valibot';

/** An answer, read to its end. */
export interface HttpAnswer {
  status: number;
  headers: Headers;
  body: string;
}

/** Codes of refusals that no waiting cures; see OpenAI's help on spend limits. */
const quotaCodes: ReadonlySet<string> = new Set([
  'insufficient_quota',
  'credit_balance_exhausted',
  'billing_hard_limit_reached',
  'organization_spend_limit_exceeded',
  'project_spend_limit_exceeded',
  'organization_usage_limit_exceeded',
  'billing_not_active',
]);
/** What other codes of that kind are about: money, a quota, or the state of the account. */
const quotaWords =
  /quota|billing|balance|credit|spend|payment|unpaid|funds|budget|subscription|account|suspend|deactivat|not_active|inactive/i;
const paceWords = /rate|requests|tokens|throttl|overload/i;
const quotaStatuses: ReadonlySet<number> = new Set([400, 403, 429]);

const code = v.fallback(v.pipe(v.string(), v.regex(/^[\w.-]{1,64}$/)), '');
const errorBody = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({ error: v.object({ code: v.optional(code, ''), type: v.optional(code, '') }) }),
);

/**
 * Returns `code` and `type` of an error body `{"error": {"code", "type", …}}`, as far as they look like codes. The message
 * beside them is never looked at: it may quote a part of the key.
 */
export function codesIn({ body }: HttpAnswer): string[] {
  const parsed = v.safeParse(errorBody, body);
  return parsed.success ? [parsed.output.error.code, parsed.output.error.type].filter((code) => code !== '') : [];
}

/** Returns whether a refusal is about money, quota or the account, so that waiting does not help. */
export function isAboutQuota(answer: HttpAnswer): boolean {
  const { status, headers } = answer;
  if (status === 402) return true;
  if (!quotaStatuses.has(status)) return false;
  const codes = codesIn(answer);
  if (codes.some((code) => quotaCodes.has(code))) return true;
  const isAboutPace = codes.some((code) => paceWords.test(code)) || askedWaitMs(headers) !== undefined;
  return !isAboutPace && codes.some((code) => quotaWords.test(code));
}

/** Returns whether a refusal is about pace, so that waiting helps. */
export function isAboutPace(answer: HttpAnswer): boolean {
  return answer.status === 429 && !isAboutQuota(answer);
}

/** Returns what the provider says about a retry in `x-should-retry`; undefined if it says nothing. */
export function toldToRetry(headers: Headers): boolean | undefined {
  const told = headers.get('x-should-retry');
  return told === 'true' || told === 'false' ? told === 'true' : undefined;
}

/**
 * Returns the wait that the provider asks for, in milliseconds: `retry-after-ms`, or `retry-after` in seconds or as a date.
 * A date is read against the answer's own `Date`, because our clocks may differ.
 */
export function askedWaitMs(headers: Headers): number | undefined {
  const milliseconds = Number.parseFloat(headers.get('retry-after-ms') ?? '');
  if (milliseconds >= 0) return milliseconds;
  const after = headers.get('retry-after') ?? '';
  const seconds = Number.parseFloat(after);
  if (seconds >= 0) return seconds * 1000;
  const until = Date.parse(after);
  const answeredAt = Date.parse(headers.get('date') ?? '');
  return Number.isNaN(until) ? undefined : Math.max(0, until - (Number.isNaN(answeredAt) ? Date.now() : answeredAt));
}

/** Returns whether the same call may succeed later: what the provider says, else what its own clients take for granted. */
export function isWorthRetrying(answer: HttpAnswer): boolean {
  const { status, headers } = answer;
  if (isAboutQuota(answer)) return false;
  const isTemporary = status === 408 || status === 409 || status === 429 || status >= 500;
  return toldToRetry(headers) ?? isTemporary;
}
