import { addAbortSignal } from 'node:stream';
import type { WireAnswer } from './transport.ts';

/** What is read of an answer that is no success, at most; it only gives details to what the status says. */
const mostErrorBytes = 64 * 1024;
const longestErrorMilliseconds = 1_000;

/** A shorter credential is a dummy, such as `none` for a server that asks for no key: it may be part of any text. */
const leastSecretLength = 16;

/** Codes of a 429 that no waiting cures; see OpenAI's help on spend limits. */
const quotaCodes: ReadonlySet<string> = new Set([
  'insufficient_quota',
  'credit_balance_exhausted',
  'billing_hard_limit_reached',
  'organization_spend_limit_exceeded',
  'project_spend_limit_exceeded',
  'organization_usage_limit_exceeded',
]);

/** An answer that is no success. No text of it is kept, because it may quote a part of the key. */
export class ErrorAnswer extends Error {
  override readonly name = 'ErrorAnswer';
  readonly status: number;
  readonly headers: WireAnswer['headers'];
  /** The code and the type in the vendor's error body, as far as they are there. */
  readonly codes: readonly string[];

  constructor({ status, headers }: Pick<WireAnswer, 'status' | 'headers'>, body: unknown) {
    super(`The answer is ${status}`);
    this.status = status;
    this.headers = headers;
    this.codes = codesIn(body);
  }

  /** Whether the quota is used up, so waiting does not help. */
  get isAboutQuota(): boolean {
    return this.status === 429 && this.codes.some((code) => quotaCodes.has(code));
  }

  /** Whether calls come too fast, so waiting helps. */
  get isAboutPace(): boolean {
    return this.status === 429 && !this.isAboutQuota;
  }
}

/** An answer of which nothing can be made. */
export class UnreadableAnswer extends Error {
  override readonly name = 'UnreadableAnswer';
}

/**
 * Reads an answer to its end.
 *
 * @param mostBytes what is read of it, at most.
 * @param credential is taken out of every text that quotes it, because statuses, models and metadata are passed on.
 * @returns the JSON in it.
 * @throws ErrorAnswer if it is no success, UnreadableAnswer if it is too long or not JSON.
 */
export async function readAnswer(
  response: WireAnswer,
  mostBytes: number,
  credential: string,
): Promise<unknown> {
  if (response.status < 200 || response.status > 299)
    throw new ErrorAnswer(headOf(response, credential), await errorBodyOf(response, credential));
  const text = await textOf(response, mostBytes);
  const json = jsonIn(without(credential, text));
  if (json === undefined) throw new UnreadableAnswer(text === '' ? 'is empty' : 'is not JSON');
  return json;
}

/** Headers are quoted, too: the id of the request. */
function headOf({ status, headers }: WireAnswer, credential: string): Pick<WireAnswer, 'status' | 'headers'> {
  const entries = Object.entries(headers).map(([name, value]) => [name, without(credential, value)]);
  return { status, headers: Object.fromEntries(entries) };
}

/** A refusal holds even if its body breaks off or never ends. */
async function errorBodyOf(response: WireAnswer, credential: string): Promise<unknown> {
  try {
    const text = await textOf(response, mostErrorBytes, AbortSignal.timeout(longestErrorMilliseconds));
    return jsonIn(without(credential, text));
  } catch {
    return undefined;
  }
}

async function textOf({ body }: WireAnswer, mostBytes: number, signal?: AbortSignal): Promise<string> {
  if (signal) addAbortSignal(signal, body);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  // Leaving the loop ends the connection as well.
  for await (const chunk of body) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > mostBytes) throw new UnreadableAnswer(`is longer than ${mostBytes} bytes`);
  }
  return new TextDecoder().decode(Buffer.concat(chunks));
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A text, of JSON or not, without the credential, whichever of its characters are escaped. */
function without(credential: string, text: string): string {
  if (credential.length < leastSecretLength) return text;
  // Most answers escape nothing and quote nothing: to see that takes no time.
  if (!text.includes('\\') && !text.includes(credential)) return text;
  const characters = Array.from({ length: credential.length }, (_, index) => {
    const code = credential.charCodeAt(index).toString(16).padStart(4, '0');
    return `(?:\\\\?\\u${code}|\\\\u${code})`;
  });
  return text.replaceAll(new RegExp(characters.join(''), 'gi'), '(credential)');
}

/** From the vendor's error body `{"error": {"message", "type", "param", "code"}}`, what can hold no key. */
function codesIn(body: unknown): string[] {
  if (typeof body !== 'object' || body === null || !('error' in body)) return [];
  const { error } = body;
  if (typeof error !== 'object' || error === null) return [];
  const candidates = ['code' in error && error.code, 'type' in error && error.type];
  return candidates.filter((code): code is string => typeof code === 'string' && /^[a-z_]{1,64}$/.test(code));
}
