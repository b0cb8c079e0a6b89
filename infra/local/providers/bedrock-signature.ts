import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import aws4 from 'aws4';

/** Whose signature a call must carry. */
export interface BedrockSigner {
  accessKeyId: string;
  secretAccessKey: string;
  /** For temporary credentials, such as a role's. Without it, a call with a session token is refused. */
  sessionToken?: string;
  /** @default any region, because one endpoint may stand for several */
  region?: string;
}

/** A call as received, with its path and query still encoded. */
export interface SignedCall {
  request: Pick<IncomingMessage, 'method' | 'url' | 'headers'>;
  body: Buffer;
}

const maxSkewMs = 5 * 60 * 1000;
const authorizationPattern =
  /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=(\S+), Signature=\w{64}$/;

/**
 * Checks the Signature Version 4 of a call by signing it again, with `aws4` rather than the SDK's own signer.
 *
 * Like those of AWS, messages quote the `Authorization` header or the whole canonical request, including the session
 * token, so they must never be passed on.
 *
 * @param service in the scope of the credential, such as `bedrock-mantle`.
 * @param signer if omitted, checks everything except the credentials and the signature itself.
 * @returns the problem, or undefined if there is none.
 */
export function signatureProblem({ request, body }: SignedCall, service: string, signer?: BedrockSigner) {
  const { method = 'GET', url = '/', headers } = request;
  const { authorization } = headers;
  if (authorization === undefined) return problem('MissingAuthenticationToken', 'Missing Authentication Token');
  const match = authorizationPattern.exec(authorization);
  if (!match) return problem('IncompleteSignature', `Not a whole signature. Authorization=${authorization}`);
  const [, accessKeyId, day = '', region = '', scopedService, headerList = ''] = match;

  if (scopedService !== service || region !== (signer?.region ?? region)) {
    return invalid(`Credential should be scoped to '${service}' in its region, not '${scopedService}' in '${region}'.`);
  }
  const signed = headerList.split(';');
  const amazonHeaders = Object.keys(headers).filter((name) => name.startsWith('x-amz-'));
  const unsigned = ['host', 'x-amz-date', ...amazonHeaders].find((name) => !signed.includes(name));
  if (unsigned !== undefined) return invalid(`'${unsigned}' must be a 'SignedHeader' in the AWS Authorization.`);
  const date = String(headers['x-amz-date']);
  const signedAt = Date.parse(date.replace(/^(....)(..)(..T..)(..)(..Z)$/, '$1-$2-$3:$4:$5'));
  const isFresh = Math.abs(Date.now() - signedAt) <= maxSkewMs;
  if (!isFresh || !date.startsWith(day)) return invalid(`Signature expired or not yet current: ${date}, ${day}.`);
  const payloadHash = createHash('sha256').update(body).digest('hex');
  if ((headers['x-amz-content-sha256'] ?? payloadHash) !== payloadHash) {
    return invalid('The provided x-amz-content-sha256 header does not match what was computed.');
  }
  if (!signer) return undefined;

  if (accessKeyId !== signer.accessKeyId || headers['x-amz-security-token'] !== signer.sessionToken) {
    return problem('UnrecognizedClient', 'The security token included in the request is invalid.');
  }
  const signedHeaders = Object.fromEntries(signed.map((name) => [name, headers[name] ?? '']));
  const call = { method, path: url, headers: signedHeaders, body, service, region, doNotModifyHeaders: true };
  const again = new aws4.RequestSigner(call, signer);
  again.datetime = date;
  if (again.authHeader() === authorization) return undefined;
  return invalid(
    'The request signature we calculated does not match the signature you provided. ' +
      `The Canonical String for this request should have been '${again.canonicalString()}'.`,
  );
}

/** Returns the region that a call is signed for; empty if there is none. */
export function signedRegion(authorization = ''): string {
  return authorizationPattern.exec(authorization)?.[3] ?? '';
}

/** Why AWS refuses a call: the name of its exception, and its message. */
function problem(type: string, message: string) {
  return { type: `${type}Exception`, message };
}

const invalid = (message: string) => problem('InvalidSignature', message);
