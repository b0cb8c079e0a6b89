import { setTimeout as sleep } from 'node:timers/promises';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import type { Answer } from '../../infra/local/providers/endpoints.ts';
import type { Fault } from '../../infra/local/providers/simulator.ts';
import { apiKey } from './curfew.ts';

/**
 * What can go wrong on the wire, by name. The request is not carried out, unless a fault says so.
 */

/** An error status with the vendor's error body, whose message quotes the key as the vendor's do. */
export function answers(status: number, headers: Record<string, string> = {}): Fault {
  return () => ({ status, headers, body: { error: { message: `Quoted: ${apiKey}`, type: 'server_error' } } });
}

/** Any body, by default with status 200. */
export function says(body: unknown, headers: Record<string, string> = {}, status = 200): Fault {
  return () => ({ status, body, headers });
}

/** The connection breaks before an answer. */
export const reset: Fault = (_answer, response) => {
  response.socket?.resetAndDestroy();
  return undefined;
};

/** The connection breaks in the middle of the body. */
export const resetInBody: Fault = (_answer, response) => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': '500' });
  response.write('{"id": "ftjob-', () => response.socket?.resetAndDestroy());
  return undefined;
};

/** No answer ever comes. */
export const noAnswer: Fault = () => undefined;

/** The head comes, the body never does. */
export const noBody: Fault = (_answer, response) => {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.flushHeaders();
  return undefined;
};

/** The head comes at once, then a byte now and then, forever. */
export function drips(status = 200): Fault {
  return (_answer, response) => {
    response.writeHead(status, { 'content-type': 'application/json' });
    const dripping = setInterval(() => response.write(' '), 20);
    response.once('close', () => clearInterval(dripping));
    return undefined;
  };
}

/** An endless body, as fast as it is read. */
export function endless(status = 200): Fault {
  return (_answer, response) => {
    response.writeHead(status, { 'content-type': 'application/json' });
    const chunk = ' '.repeat(64 * 1024);
    const write = () => response.write(chunk);
    response.on('drain', write);
    write();
    return undefined;
  };
}

/** The request is carried out at once; the right answer comes late. */
export function late(milliseconds: number): Fault {
  return async (answer): Promise<Answer> => {
    const given = answer();
    await sleep(milliseconds);
    return given;
  };
}

/** The server switches protocols, then stays silent. */
export const switchesProtocol: Fault = (_answer, response) => {
  response.socket?.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: nothing\r\n\r\n');
  return undefined;
};

/** The right answer, compressed although nobody asked for that. */
export function compressed(coding: string, given?: Answer): Fault {
  const compress = coding === 'br' ? brotliCompressSync : coding === 'deflate' ? deflateSync : gzipSync;
  return (answer, response) => {
    const { status, body } = given ?? answer();
    response.writeHead(status, { 'content-encoding': coding });
    response.end(compress(typeof body === 'string' ? body : JSON.stringify(body)));
    return undefined;
  };
}

/** Codes of a 429 that waiting does not cure, as the vendor documents them. */
export const quotaCodes = [
  'insufficient_quota',
  'credit_balance_exhausted',
  'billing_hard_limit_reached',
  'organization_spend_limit_exceeded',
  'project_spend_limit_exceeded',
  'organization_usage_limit_exceeded',
];

/** A refusal in the form of the vendor's error body. */
export function refuses(status: number, error: { code?: string | null; type?: string }): Fault {
  return () => ({ status, body: { error: { message: `Quoted: ${apiKey}`, param: null, ...error } } });
}

/** The right answer, but about this job, as if a proxy mixed things up. */
export function aboutAnotherJob(id: string): Fault {
  return (answer) => {
    const { status, body } = answer();
    return { status, body: { ...Object(body), id } };
  };
}

/** The request is carried out, but its answer is lost. */
export const answerLost: Fault = (answer, response) => {
  answer();
  return reset(answer, response);
};
