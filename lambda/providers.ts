/** Who speaks the fine-tuning API, and how each wants to be addressed. */

export const providers = ['openai', 'azure', 'bedrock'] as const;
export type Provider = (typeof providers)[number];

const bedrockHost = /^bedrock-mantle\.([a-z0-9-]+)\.api\.aws$/;
const azureHost = /\.(openai\.azure\.com|services\.ai\.azure\.com)$/;

/** The provider that a URL belongs to, by its host. A host that we do not know speaks as OpenAI does. */
export function providerOf(baseUrl: string): Provider {
  const hostname = URL.parse(baseUrl)?.hostname ?? '';
  if (bedrockHost.test(hostname)) return 'bedrock';
  return azureHost.test(hostname) ? 'azure' : 'openai';
}

/** The region in the host of a Bedrock URL; undefined if it names none, as on loopback. */
export function bedrockRegionOf(baseUrl: string): string | undefined {
  return bedrockHost.exec(URL.parse(baseUrl)?.hostname ?? '')?.[1];
}

/** Whether a URL does not leave this machine. */
export function isLoopback({ hostname }: URL): boolean {
  return /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
}

/** Where a credential comes from. Both throw named errors, at the latest when `signal` fires. */
export interface CredentialSource {
  current(signal: AbortSignal): Promise<string>;
  /** Another credential than the one that was refused, if there is one by now; else the same again. */
  refreshed(refused: string, signal: AbortSignal): Promise<string>;
}
