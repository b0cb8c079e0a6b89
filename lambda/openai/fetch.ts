import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { pipeline } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import type { TimeLeft } from '../curfew/context.ts';
import { orAborted, type RateLimit } from '../rate-limit.ts';
import {
  AnswerTooLongError,
  AttemptTimeoutError,
  CredentialChangedError,
  type HttpAnswer,
  readRefusal,
  ThrottledAnswerError,
} from './failure.ts';

/** Authorizes calls. Methods throw ApiKeyError, at the latest when time is up. */
export interface Credential {
  /** Returns the headers for a call, and the secret in them, which is then removed from answers. */
  authorize(method: string, url: URL): Promise<{ headers: Record<string, string>; secret: string }>;
  /** Returns whether there is now another credential than the refused one. */
  refresh(refused: string): Promise<boolean>;
}

const maxAttemptMs = 10_000;
/** A page of a hundred jobs with full metadata takes less than half of this. */
const maxBodyBytes = 4 * 1024 * 1024;
/** An error body only adds details to its status, so it is cut rather than waited for. */
const maxErrorBytes = 64 * 1024;
const errorBodyTimeoutMs = 1_000;
/** A shorter credential is a placeholder, such as `none` for a server without keys, and may occur in any text. */
const minSecretLength = 16;

/** More sockets than calls, so only our own limits apply. While a function is frozen, servers drop idle sockets. */
const agentOptions = { keepAlive: true, maxSockets: 1_000, timeout: 4_000 };
/** A thousand projects may have as many hosts, and Lambda allows 1,024 open files. Node limits idle sockets per host. */
const maxIdleSockets = 100;
const httpAgent = limitIdleSockets(new HttpAgent(agentOptions));
const httpsAgent = limitIdleSockets(new HttpsAgent(agentOptions));

/**
 * Returns the `fetch` for ky. Each attempt waits for its turn under the rate limit, has our own timeout, and gets its
 * credential here, so no ky error can contain it. Rate-limited calls do not use up ky's retries.
 */
export function createFetch(credential: Credential, limit: RateLimit, { endsAt }: TimeLeft) {
  const attemptMs = Math.max(1, Math.min(maxAttemptMs, (endsAt - performance.now()) / 4));

  return async (request: Request): Promise<Response> => {
    const { method, signal } = request;
    const url = new URL(request.url);
    const isCancel = method === 'POST';
    const subject = url.pathname.replace(/\/cancel$/, '');
    for (;;) {
      let usedSecret = '';
      const attempt = async (): Promise<HttpAnswer> => {
        const { headers, secret } = await credential.authorize(method, url);
        usedSecret = secret;
        const allHeaders = { ...Object.fromEntries(request.headers), ...headers };
        const answer = redact(await exchange(method, url, allHeaders, signal, attemptMs), secret);
        if (answer.status !== 429) return answer;
        const refusal = readRefusal(answer);
        if (refusal.isThrottled) throw new ThrottledAnswerError(answer, refusal);
        return answer;
      };
      const answer = await limit.run(attempt, { subject, isCancel, signal }).catch((error: unknown) => {
        if (error instanceof ThrottledAnswerError) return error.answer;
        throw error;
      });
      if (answer.status < 300) return toResponse(answer);
      const refusal = readRefusal(answer);
      const isDenied = (answer.status === 401 || answer.status === 403) && !refusal.isAboutQuota;
      if (!isDenied || !(await credential.refresh(usedSecret))) return toResponse(answer, refusal.askedWaitMs);
      if (isCancel) throw new CredentialChangedError(refusal);
    }
  };
}

/** Keeps only the headers that we use. ky reads `retry-after` in whole seconds, and would obey headers that we ignore. */
function toResponse({ status, headers, body }: HttpAnswer, waitMs?: number): Response {
  const kept = new Headers([...headers].filter(([name]) => name === 'x-request-id' || name === 'x-should-retry'));
  if (waitMs !== undefined) kept.set('retry-after', `${Math.ceil(waitMs / 1000)}`);
  // Response knows no higher status, and takes no body with some.
  return new Response([204, 205, 304].includes(status) ? null : body, { status: Math.min(599, status), headers: kept });
}

/**
 * Sends a request without a body with Node's own client, which starts faster than the global `fetch`. Follows no redirects,
 * so no other host sees the credential. Settles on the signal or the timeout, whatever the peer does.
 *
 * @throws TypeError "fetch failed", which ky retries, AnswerTooLongError, or the reason of the signal.
 */
async function exchange(
  method: string,
  url: URL,
  headers: Record<string, string>,
  signal: AbortSignal,
  timeoutMs: number,
): Promise<HttpAnswer> {
  const isHttps = url.protocol === 'https:';
  const request = (isHttps ? httpsRequest : httpRequest)(url, {
    method,
    headers,
    agent: isHttps ? httpsAgent : httpAgent,
  });
  const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
  let response: IncomingMessage | undefined;
  const timer = setTimeout(() => reject(new AttemptTimeoutError()), timeoutMs);
  // Once there is an answer, only its body can fail, which `readAnswer` handles.
  request.on('error', (error) => response ?? reject(error));
  // After a 101, the socket speaks another protocol, and Node reports nothing more about the request.
  request.once('upgrade', () => reject(Object.assign(new Error(), { code: 'EPROTO' })));
  request.once('response', (answer) => {
    response = answer;
    readAnswer(answer).then(resolve, reject);
  });
  request.end();
  try {
    return await orAborted(promise, signal);
  } catch (cause) {
    request.destroy();
    if (signal.aborted || cause instanceof AnswerTooLongError) throw cause;
    throw new TypeError('fetch failed', { cause });
  } finally {
    clearTimeout(timer);
  }
}

/** Reads and decodes an answer. For an error, keeps what arrived of the body in time, even if it broke off. */
async function readAnswer(response: IncomingMessage): Promise<HttpAnswer> {
  const { statusCode: status = 0, headersDistinct } = response;
  const headers = new Headers();
  for (const [name, values = []] of Object.entries(headersDistinct)) headers.set(name, values.join(', '));
  const isError = status > 299;
  const maxBytes = isError ? maxErrorBytes : maxBodyBytes;
  const timer = isError ? setTimeout(() => response.destroy(), errorBodyTimeoutMs) : undefined;
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of decode(response)) {
      bytes += chunk.length;
      if (bytes > maxBytes) throw new AnswerTooLongError();
      chunks.push(chunk);
    }
  } catch (error) {
    if (!isError) throw error;
  } finally {
    clearTimeout(timer);
  }
  return { status, headers, body: Buffer.concat(chunks).toString() };
}

/** Some gateways compress unasked. */
function decode(response: IncomingMessage): AsyncIterable<Buffer> {
  const coding = response.headers['content-encoding']?.trim().toLowerCase();
  // Errors surface in the loop that reads from the decoder.
  if (coding === 'gzip' || coding === 'x-gzip') return pipeline(response, createGunzip(), () => {});
  if (coding === 'deflate') return pipeline(response, createInflate(), () => {});
  return coding === 'br' ? pipeline(response, createBrotliDecompress(), () => {}) : response;
}

/** Removes the secret from an answer that quotes it, because statuses, models and metadata are passed on. */
function redact({ status, headers, body }: HttpAnswer, secret: string): HttpAnswer {
  if (secret.length < minSecretLength) return { status, headers, body };
  for (const [name, value] of headers) headers.set(name, value.replaceAll(secret, '(credential)'));
  // A cheap check: most answers contain neither an escape nor the secret.
  if (!body.includes('\\') && !body.includes(secret)) return { status, headers, body };
  const characters = [...secret].map((character) => {
    const hex = character.charCodeAt(0).toString(16).padStart(4, '0');
    return `(?:\\\\?\\u${hex}|\\\\u${hex})`;
  });
  return { status, headers, body: body.replaceAll(new RegExp(characters.join(''), 'gi'), '(credential)') };
}

/** Limits the idle sockets of an agent: closes the one that has been idle longest. */
function limitIdleSockets<SomeAgent extends HttpAgent>(agent: SomeAgent): SomeAgent {
  const keep = agent.keepSocketAlive.bind(agent);
  agent.keepSocketAlive = (socket) => {
    const idle = Object.values(agent.freeSockets).flatMap((sockets = []) => sockets);
    const open = idle.filter(({ destroyed }) => !destroyed);
    if (open.length >= maxIdleSockets) open[0]?.destroy();
    return keep(socket);
  };
  return agent;
}
