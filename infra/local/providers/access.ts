import type { IncomingHttpHeaders } from 'node:http';
import type { Provider } from '../../../lambda/providers.ts';
import { type BedrockSigner, bedrockTokenProblem } from './bedrock-token.ts';

/** Who is let in, and how. */
export interface Access {
  provider: Provider;
  /** The keys that OpenAI and Azure accept. */
  apiKeys: Set<string>;
  /** Whose tokens Bedrock accepts; undefined takes any token that is well formed. */
  bedrockSigner: BedrockSigner | undefined;
}

/**
 * Checks the headers of a call: each provider wants its credential in one place, and none in any other.
 *
 * @returns why the call is refused; undefined if it is let in.
 */
export function refusalOf(headers: IncomingHttpHeaders, access: Access): string | undefined {
  const bearer = /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1];
  const apiKey = headers['api-key'];
  if (access.provider === 'azure') {
    if (headers.authorization !== undefined) return 'The header Authorization is not for API keys.';
    return typeof apiKey === 'string' && access.apiKeys.has(apiKey)
      ? undefined
      : incorrect(String(apiKey ?? ''));
  }
  if (apiKey !== undefined) return 'The header api-key is unknown here.';
  if (bearer === undefined) return 'No API key was provided.';
  if (access.provider === 'bedrock') return bedrockTokenProblem(bearer, access.bedrockSigner);
  return access.apiKeys.has(bearer) ? undefined : incorrect(bearer);
}

/** As the vendors do, the message shows both ends of the key: it must never be passed on. */
function incorrect(key: string): string {
  return `Incorrect API key provided: ${key.slice(0, 8)}${'*'.repeat(8)}${key.slice(-4)}.`;
}
