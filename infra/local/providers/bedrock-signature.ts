import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { unescape as percentDecode } from 'node:querystring';

/** Whose signature a call must carry. */
export interface BedrockSigner {
  accessKeyId: string;
  secretAccessKey: string;
  /** Of temporary credentials, such as a role's. Without it a call with a session token is refused. */
  sessionToken?: string;
  /** Left out, any region will do: one endpoint may stand for several. */
  region?: string;
}

/** A call as it arrived, with its path and query still encoded. */
export interface SignedCall {
  request: Pick<IncomingMessage, 'method' | 'url' | 'headersDistinct'>;
  body: Buffer;
}

/** Why AWS refuses a call: the name of its exception, and its message. */
export interface SignatureProblem {
  type: string;
  message: string;
}

const algorithm = 'AWS4-HMAC-SHA256';
const maxSkewMs = 5 * 60 * 1000;
const authorizationPattern = new RegExp(
  `^${algorithm} Credential=([^\\s,]+), ?SignedHeaders=([^\\s,]+), ?Signature=([0-9a-f]{64})$`,
);

/**
 * Checks the Signature Version 4 of a call, as the AWS documentation describes it and without the SDK's signer.
 *
 * Like those of AWS, messages quote the header `Authorization` or the whole canonical request, session token included:
 * they must never be passed on.
 *
 * @param service in the scope of the credential, such as `bedrock-mantle`.
 * @param signer left out, everything but the credentials and the signature itself is checked.
 * @returns what is wrong with it; undefined if nothing is.
 */
export function signatureProblem(
  call: SignedCall,
  service: string,
  signer?: BedrockSigner,
): SignatureProblem | undefined {
  const headers = call.request.headersDistinct;
  const authorization = headers['authorization']?.join(', ');
  if (authorization === undefined) return problem('MissingAuthenticationToken', 'Missing Authentication Token');
  const [, credential = '', headerList = '', signature = ''] = authorizationPattern.exec(authorization) ?? [];
  if (signature === '') {
    const parameters = "'Credential', 'SignedHeaders' and 'Signature'";
    return incomplete(`Authorization header requires ${algorithm} with ${parameters}. Authorization=${authorization}`);
  }

  const [accessKeyId, day = '', region = '', scopedService, ...end] = credential.split('/');
  if (end.join('/') !== 'aws4_request') {
    return incomplete("Credential should be scoped with a valid terminator: 'aws4_request'.");
  }
  if (scopedService !== service) return invalid(`Credential should be scoped to correct service: '${service}'.`);
  if (signer?.region !== undefined && signer.region !== region) {
    return invalid(`Credential should be scoped to a valid region, not '${region}'.`);
  }

  const signedHeaders = headerList.split(';');
  if (headerList.toLowerCase().split(';').sort().join(';') !== headerList) {
    return incomplete(`SignedHeaders must be in lower case and in order, not '${headerList}'.`);
  }
  const amazonHeaders = Object.keys(headers).filter((name) => name.startsWith('x-amz-'));
  const unsigned = ['host', 'x-amz-date', ...amazonHeaders].find((name) => !signedHeaders.includes(name));
  if (unsigned !== undefined) return invalid(`'${unsigned}' must be a 'SignedHeader' in the AWS Authorization.`);
  const missing = signedHeaders.find((name) => headers[name] === undefined);
  if (missing !== undefined) return incomplete(`'${missing}' is a 'SignedHeader', but not in the request.`);

  const date = headers['x-amz-date']?.join() ?? '';
  const wrongDate = dateProblem(date, day);
  if (wrongDate) return wrongDate;
  const payloadHash = sha256(call.body);
  const claimedHash = headers['x-amz-content-sha256']?.join() ?? payloadHash;
  if (claimedHash !== payloadHash) {
    return invalid('The provided x-amz-content-sha256 header does not match what was computed.');
  }
  if (!signer) return undefined;

  const sessionToken = headers['x-amz-security-token']?.join() ?? '';
  if (accessKeyId !== signer.accessKeyId || !isEqual(sessionToken, signer.sessionToken ?? '')) {
    return problem('UnrecognizedClient', 'The security token included in the request is invalid.');
  }
  const canonical = canonicalRequest(call, signedHeaders, payloadHash);
  const scope = [day, region, service, 'aws4_request'];
  const toSign = [algorithm, date, scope.join('/'), sha256(canonical)].join('\n');
  const key = scope.reduce<string | Buffer>(hmac, `AWS4${signer.secretAccessKey}`);
  if (isEqual(hmac(key, toSign).toString('hex'), signature)) return undefined;
  return invalid(
    'The request signature we calculated does not match the signature you provided. ' +
      `The Canonical String for this request should have been '${canonical}'. ` +
      `The String-to-Sign should have been '${toSign}'.`,
  );
}

/** Returns the region that a call is signed for; empty if there is none. */
export function signedRegion(authorization = ''): string {
  return /Credential=[^/,]*\/\d*\/([^/,]+)/.exec(authorization)?.[1] ?? '';
}

function problem(type: string, message: string): SignatureProblem {
  return { type: `${type}Exception`, message };
}

const invalid = (message: string) => problem('InvalidSignature', message);
const incomplete = (message: string) => problem('IncompleteSignature', message);

function dateProblem(date: string, day: string): SignatureProblem | undefined {
  if (!/^\d{8}T\d{6}Z$/.test(date)) return incomplete(`Date must be in ISO-8601 'basic format'. Got '${date}'.`);
  if (!date.startsWith(day) || day.length !== 8) {
    return invalid(`Date in Credential scope does not match: '${day}', from '${date}'.`);
  }
  const signedAt = Date.parse(date.replace(/^(....)(..)(..T..)(..)(..Z)$/, '$1-$2-$3:$4:$5'));
  const skewMs = Date.now() - signedAt;
  if (!(skewMs <= maxSkewMs)) return invalid(`Signature expired: ${date} is more than 5 min. ago.`);
  return skewMs < -maxSkewMs ? invalid(`Signature not yet current: ${date} is more than 5 min. away.`) : undefined;
}

function canonicalRequest({ request }: SignedCall, signedHeaders: string[], payloadHash: string): string {
  const [path = '/', query = ''] = (request.url ?? '/').split(/\?(.*)/s);
  const headerLines = signedHeaders.map((name) => {
    const values = (request.headersDistinct[name] ?? []).map((value) => value.trim().replaceAll(/ +/g, ' '));
    return `${name}:${values.join(',')}\n`;
  });
  return [
    request.method,
    // Encoded once more than on the wire. AWS also drops dots and empty segments, which no path here has.
    path.split('/').map(percentEncode).join('/'),
    canonicalQuery(query),
    headerLines.join(''),
    signedHeaders.join(';'),
    payloadHash,
  ].join('\n');
}

/** Sorts by name, then by value: a space is less than any character that either may have. */
function canonicalQuery(query: string): string {
  const pairs = query.split('&').filter((pair) => pair !== '');
  return pairs
    .map((pair) => {
      const [name = '', value = ''] = pair.split(/=(.*)/s);
      return `${percentEncode(percentDecode(name))} ${percentEncode(percentDecode(value))}`;
    })
    .sort()
    .join('&')
    .replaceAll(' ', '=');
}

function percentEncode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}

function sha256(data: string | Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}

function hmac(key: string | Buffer, data: string): Buffer {
  return createHmac('sha256', key).update(data).digest();
}

/** Compares in constant time, whatever the lengths. */
function isEqual(one: string, other: string): boolean {
  return timingSafeEqual(Buffer.from(sha256(one)), Buffer.from(sha256(other)));
}
