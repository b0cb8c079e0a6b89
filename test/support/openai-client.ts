import type { FineTuningSimulator } from '../../infra/local/providers/simulator.ts';
import { timeLeftOf } from '../../lambda/curfew/time-left.ts';
import { type ClientOptions, createOpenAIClient } from '../../lambda/openai/client.ts';

/** The key with which the client below calls. */
export const clientKey = 'sk-key';

/** A client of a simulated provider, by itself: with half a minute, and a key that no refresh changes. */
export function openAIClientOf(openai: FineTuningSimulator, options: Partial<ClientOptions> = {}) {
  return createOpenAIClient({
    provider: 'openai',
    openaiBaseUrl: openai.baseUrl,
    openaiProject: undefined,
    credentials: { current: async () => clientKey, refreshed: async () => clientKey },
    time: timeLeftOf(30_000),
    callsAtOnce: 10,
    ...options,
  });
}
