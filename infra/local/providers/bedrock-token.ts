import { createHash, createHmac } from 'node:crypto';

/** Whose signature a token must carry, and for which region. */
export interface BedrockSigner {
  accessKeyId: string;
  secretAccessKey: string;
  region: string;
}

const prefix = 'bedrock-api-key-';
const longestSeconds = 12 * 60 * 60;
/** Of a request without a body. */
const emptyHash = createHash('sha256').update('').digest('hex');

/**
 * Checks a short-lived Bedrock key: the base64 of a presigned `CallWithBearerToken`.
 *
 * @param signer its signature is computed once more; left out, form and expiry must do.
 * @returns what is wrong with it; undefined if nothing is.
 */
export function bedrockTokenProblem(token: string, signer?: BedrockSigner): string | undefined {
  if (!token.startsWith(prefix)) return `The token does not begin with ${prefix}.`;
  const url = URL.parse(`https://${Buffer.from(token.slice(prefix.length), 'base64').toString()}`);
  const query = url?.searchParams;
  if (url?.host !== 'bedrock.amazonaws.com' || query?.get('Action') !== 'CallWithBearerToken') {
    return 'The token is not a presigned CallWithBearerToken.';
  }
  const signedAt = parsedDate(query.get('X-Amz-Date') ?? '');
  const seconds = Number(query.get('X-Amz-Expires'));
  if (!(seconds > 0 && seconds <= longestSeconds)) return 'The token is good for longer than 12 hours.';
  if (!(Date.now() < signedAt + seconds * 1000)) return 'The token has expired.';
  if (!signer) return undefined;
  const [accessKeyId, day, region, ...rest] = (query.get('X-Amz-Credential') ?? '').split('/');
  if (accessKeyId !== signer.accessKeyId) return 'The token is from other credentials.';
  if (region !== signer.region) return `The token is for ${region}.`;
  if (day === undefined || rest.join('/') !== 'bedrock/aws4_request')
    return 'The token is for another service.';
  return signatureOf(query, signer, day) === query.get('X-Amz-Signature')
    ? undefined
    : 'The signature of the token is wrong.';
}

/** Signature Version 4 of a presigned request, as the AWS documentation has it. */
function signatureOf(
  query: URLSearchParams,
  { secretAccessKey, region }: BedrockSigner,
  day: string,
): string {
  const canonicalQuery = [...query]
    .filter(([name]) => name !== 'X-Amz-Signature' && name !== 'Version')
    .map(([name, value]) => `${encoded(name)}=${encoded(value)}`)
    .sort()
    .join('&');
  const request = ['POST', '/', canonicalQuery, 'host:bedrock.amazonaws.com\n', 'host', emptyHash].join('\n');
  const scope = `${day}/${region}/bedrock/aws4_request`;
  const hash = createHash('sha256').update(request).digest('hex');
  const toSign = ['AWS4-HMAC-SHA256', query.get('X-Amz-Date'), scope, hash].join('\n');
  const key = [day, region, 'bedrock', 'aws4_request'].reduce<string | Buffer>(
    (secret, part) => createHmac('sha256', secret).update(part).digest(),
    `AWS4${secretAccessKey}`,
  );
  return createHmac('sha256', key).update(toSign).digest('hex');
}

function encoded(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** `20261125T201500Z` in Unix milliseconds. */
function parsedDate(text: string): number {
  return Date.parse(text.replace(/^(....)(..)(..T..)(..)(..Z)$/, '$1-$2-$3:$4:$5'));
}
