import type { EventBridgeClientConfig } from '@aws-sdk/client-eventbridge';
import type { SecretsManagerClientConfig } from '@aws-sdk/client-secrets-manager';

/** What each AWS client is made with: time limits, in milliseconds, for one attempt, because AWS is near and quick. */
export const awsClientSettings = {
  requestHandler: { connectionTimeout: 1_000, requestTimeout: 3_000, throwOnRequestTimeout: true },
} satisfies SecretsManagerClientConfig & EventBridgeClientConfig;
