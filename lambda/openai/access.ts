import type { Provider } from '../providers.ts';

/**
 * The headers that let a call in.
 *
 * @param credential an API key, or for Bedrock a bearer token.
 * @param openaiProject the project at the provider's, if it is not the default one.
 */
export function accessHeaders(
  provider: Provider,
  credential: string,
  openaiProject: string | undefined,
): Record<string, string> {
  return {
    ...(provider === 'azure' ? { 'api-key': credential } : { authorization: `Bearer ${credential}` }),
    ...(openaiProject !== undefined && { 'openai-project': openaiProject }),
  };
}
