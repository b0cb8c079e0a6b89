/**
 * The bundle takes this in place of `@aws-sdk/credential-provider-node` and of `@aws-sdk/credential-providers`, which try
 * one source of AWS credentials after the other. Lambda gives a Node.js function its credentials in environment
 * variables and nowhere else, so the other sources (profiles, SSO, web identity, instance metadata) would be a third of
 * the bundle for nothing.
 */
export {
  fromEnv as defaultProvider,
  fromEnv as fromNodeProviderChain,
} from '@aws-sdk/credential-provider-env';
