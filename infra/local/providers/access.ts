import type { Provider } from '../../../lambda/settings.ts';
import { type BedrockSigner, type SignedCall, signatureProblem } from './bedrock-signature.ts';
import { type Answer, refused } from './endpoints.ts';

/** The provider decides where the credential goes and under which path the API is. */
export type SimulatedProvider = Exclude<Provider, 'bedrock-customization'>;

/** Which credentials are accepted. */
export interface Access {
  provider: SimulatedProvider;
  /** The keys that OpenAI and Azure accept. */
  apiKeys: Set<string>;
  /** Whose signatures Bedrock accepts; undefined takes any signature that is well formed and fresh. */
  bedrockSigner: BedrockSigner | undefined;
}

/**
 * Checks the headers of a call: each provider expects its credential in one header and rejects others.
 *
 * @returns the refusal, or undefined if the call is allowed.
 */
export function refusalOf(call: SignedCall, access: Access): Answer | undefined {
  const { authorization = '' } = call.request.headers;
  const apiKey = String(call.request.headers['api-key'] ?? '');
  if (access.provider === 'azure') {
    if (authorization !== '') return unauthorized('The header Authorization is not for API keys.');
    return access.apiKeys.has(apiKey) ? undefined : incorrect(apiKey);
  }
  if (apiKey !== '') return unauthorized('The header api-key is unknown here.');
  if (access.provider === 'bedrock') return signatureRefusal(call, access.bedrockSigner);
  const bearer = /^Bearer (.+)$/.exec(authorization)?.[1];
  if (bearer === undefined) return unauthorized('No API key was provided.');
  return access.apiKeys.has(bearer) ? undefined : incorrect(bearer);
}

/** Wraps an AWS refusal in the vendor's error format: `InvalidSignatureException` has the code `invalid_signature`. */
function signatureRefusal(call: SignedCall, signer: BedrockSigner | undefined): Answer | undefined {
  const problem = signatureProblem(call, 'bedrock-mantle', signer);
  if (!problem) return undefined;
  const code = problem.type
    .replace(/Exception$/, '')
    .replaceAll(/\B[A-Z]/g, '_$&')
    .toLowerCase();
  return refused(403, problem.message, null, code);
}

function unauthorized(message: string): Answer {
  return refused(401, message, null, 'invalid_api_key');
}

/** Like the vendors', the message shows both ends of the key, so it must never be passed on. */
function incorrect(key: string): Answer {
  return unauthorized(`Incorrect API key provided: ${key.slice(0, 8)}${'*'.repeat(8)}${key.slice(-4)}.`);
}
