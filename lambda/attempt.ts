/** One HTTP request and its whole answer: what can go wrong on the wire, told apart. */
export interface HttpRequest {
  url: string;
  method: 'GET' | 'POST';
  headers: Record<string, string>;
}

/** An answer that arrived to its last byte, of whatever status. */
export interface Answer {
  status: number;
  headers: Headers;
  text: string;
}

/** The connection failed, before the answer or in it. `code` is the system's, such as `ECONNREFUSED`. */
export class ConnectionFailure extends Error {
  readonly code: string;

  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

/** No whole answer within the time for one attempt. */
export class AttemptTimeout extends Error {}

/** The time for everything was up. */
export class TimeUp extends Error {}

/**
 * Sends a request once. The standard `fetch` serves it as it is: a client library around it (ky) made a call on
 * loopback a third slower, and was a tenth of the bundle.
 *
 * @param stop ends the attempt when the time is up.
 * @param timeoutMilliseconds the longest wait for the answer, its body included.
 * @throws ConnectionFailure, AttemptTimeout or TimeUp, without the request and the key in it.
 */
export async function attempt(
  { url, ...request }: HttpRequest,
  stop: AbortSignal,
  timeoutMilliseconds: number,
): Promise<Answer> {
  // By hand: AbortSignal.any and AbortSignal.timeout cost a twentieth of a call on loopback, and leave timers behind.
  if (stop.aborted) throw new TimeUp();
  const ending = new AbortController();
  const end = () => ending.abort();
  const timer = setTimeout(end, timeoutMilliseconds);
  stop.addEventListener('abort', end);
  try {
    // Another host must never see the key, and the API has no redirects.
    const response = await fetch(url, { ...request, redirect: 'manual', signal: ending.signal });
    // The body is a part of the attempt, so that an answer that breaks off or stalls is retried as well.
    return { status: response.status, headers: response.headers, text: await response.text() };
  } catch (error) {
    if (stop.aborted) throw new TimeUp();
    if (ending.signal.aborted) throw new AttemptTimeout();
    throw new ConnectionFailure(codeOf(error));
  } finally {
    clearTimeout(timer);
    stop.removeEventListener('abort', end);
  }
}

/** `ECONNREFUSED` and the like, from the chain of causes that fetch leaves. */
function codeOf(error: unknown): string {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ('code' in cause && typeof cause.code === 'string') return cause.code;
  }
  return 'no code';
}
