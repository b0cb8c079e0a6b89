import type { Answer } from '../../infra/local/providers/endpoints.ts';

/** The header in which a refusal says when to come back. */
export type WaitHeader = 'retry-after-ms' | 'retry-after' | 'none';

/**
 * Limits the rate as OpenAI documents it: a bucket fills steadily, and calls that come too early are refused.
 *
 * @param requestsPerSecond how fast the bucket fills, and how many requests it holds.
 * @param header the header of a refusal; both by default, as the vendor's own client reads them.
 * @returns a function that takes one request from the bucket, or returns the refusal.
 */
export function rateLimit(requestsPerSecond: number, header?: WaitHeader): () => Answer | undefined {
  let tokens = requestsPerSecond;
  let filledAt = performance.now();
  return () => {
    if (requestsPerSecond === Number.POSITIVE_INFINITY) return undefined;
    const now = performance.now();
    tokens = Math.min(requestsPerSecond, tokens + ((now - filledAt) / 1000) * requestsPerSecond);
    filledAt = now;
    if (tokens >= 1) {
      tokens -= 1;
      return undefined;
    }
    const waitMs = Math.ceil(((1 - tokens) / requestsPerSecond) * 1000);
    const all = { 'retry-after-ms': `${waitMs}`, 'retry-after': `${Math.ceil(waitMs / 1000)}` };
    return {
      status: 429,
      headers: header === undefined ? all : header === 'none' ? {} : { [header]: all[header] },
      body: { error: { message: 'Rate limit reached', type: 'requests', param: null, code: 'rate_limit_exceeded' } },
    };
  };
}
