import type { Answer } from '../../infra/local/providers/endpoints.ts';

/**
 * A rate limit as OpenAI documents it: a bucket that fills steadily. Whoever comes too early is refused, with headers that
 * say when the next request will be let through, as the vendor's own client reads them.
 *
 * @param requestsPerSecond how fast the bucket fills, and how many requests it holds.
 * @returns a function that takes one request from the bucket, or returns the refusal.
 */
export function rateLimit(requestsPerSecond: number): () => Answer | undefined {
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
    const waitMilliseconds = Math.ceil(((1 - tokens) / requestsPerSecond) * 1000);
    return {
      status: 429,
      headers: {
        'retry-after-ms': String(waitMilliseconds),
        'retry-after': String(Math.ceil(waitMilliseconds / 1000)),
        'x-ratelimit-limit-requests': String(requestsPerSecond),
        'x-ratelimit-remaining-requests': '0',
        'x-ratelimit-reset-requests': `${waitMilliseconds}ms`,
      },
      body: {
        error: {
          message: 'Rate limit reached',
          type: 'requests',
          param: null,
          code: 'rate_limit_exceeded',
        },
      },
    };
  };
}
