import { ApiKeyError, asError } from '../errors.ts';
import type { CredentialSource } from '../providers.ts';
import type { AwsClients } from './clients.ts';

/** Long enough for the longest invocation, retries included. */
const expiresInSeconds = 3_600;

/**
 * Bearer tokens for Bedrock, made from the function's own AWS role: one for each region and invocation. Making one
 * calls nobody, so a token that is refused is not made again.
 */
export function createBedrockTokens(
  credentials: AwsClients['credentials'],
): (region: string) => CredentialSource {
  const tokens = new Map<string, Promise<string>>();

  const make = async (region: string): Promise<string> => {
    try {
      const { getToken } = await import('@aws/bedrock-token-generator');
      return await getToken({ credentials, region, expiresInSeconds });
    } catch (error) {
      throw new ApiKeyError(
        `No bearer token for Bedrock could be made from the function's role (${asError(error).name}). Check that the function has a role.`,
      );
    }
  };

  return (region) => {
    const token = () => {
      const made = tokens.get(region) ?? make(region);
      tokens.set(region, made);
      return made;
    };
    return { current: token, refreshed: token };
  };
}
