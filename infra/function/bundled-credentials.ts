/**
 * The bundle takes this in place of `@aws-sdk/credential-provider-node`, `@aws-sdk/credential-providers` and
 * `@aws-sdk/token-providers`, which try one source of credentials after the other. Lambda gives a Node.js function its
 * credentials in environment variables and nowhere else, so the other sources (profiles, SSO, web identity, instance
 * metadata) would be a third of the bundle for nothing. It signs its calls, and has no bearer tokens.
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
