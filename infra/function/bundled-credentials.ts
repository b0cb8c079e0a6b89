/**
 * Replaces `@aws-sdk/credential-provider-node`, `@aws-sdk/credential-providers` and `@aws-sdk/token-providers` in the
 * bundle. Those try one source of credentials after another, but Lambda passes credentials to Node.js functions only in
 * environment variables. The other sources (profiles, SSO, web identity, instance metadata) would be a third of the
 * bundle for nothing. The function signs its calls and has no bearer tokens.
 */
export {
  fromEnv as defaultProvider,
  fromEnv as fromNodeProviderChain,
} from '@aws-sdk/credential-provider-env';

const noToken = async () => {
  throw new Error('The function has no bearer tokens');
};
export const fromEnvSigningName = () => noToken;
export const nodeProvider = () => noToken;
