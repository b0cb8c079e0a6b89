/** What is read of one answer, at most: a page of 100 jobs with full metadata takes less than a tenth of it. */
const mostBytes = 16 * 1024 * 1024;

/** An answer that is no success: its status and headers, and its body if that is JSON. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;

  constructor({ status, headers }: Response, body: unknown) {
    super(`The answer is ${status}`);
    this.status = status;
    this.headers = headers;
    this.body = body;
  }
}

/** An answer of which nothing can be made. */
export class UnreadableAnswer extends Error {
  override readonly name = 'UnreadableAnswer';
}

/**
 * Reads an answer to its end.
 *
 * @returns the JSON in it.
 * @throws Refusal if it is no success, UnreadableAnswer if it is too long or not JSON.
 */
export async function readAnswer(response: Response): Promise<unknown> {
  const text = await textOf(response);
  if (!response.ok) throw new Refusal(response, jsonIn(text));
  const json = jsonIn(text);
  if (json === undefined) throw new UnreadableAnswer(text === '' ? 'is empty' : 'is not JSON');
  return json;
}

async function textOf({ body }: Response): Promise<string> {
  if (body === null) return '';
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    // Leaving the loop cancels the body.
    if (bytes > mostBytes) throw new UnreadableAnswer(`is longer than ${mostBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
