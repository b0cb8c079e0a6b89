import type { Provider } from '../../../lambda/providers.ts';
import type { ProjectOverrides } from '../../../lambda/settings.ts';
import type { LocalSystemOptions } from '../aws/local-system.ts';
import type { SimulatedJob } from './simulated-job.ts';
import { type FineTuningSimulator, startFineTuningSimulator } from './simulator.ts';

/** A project of a local deployment. */
export interface LocalProject {
  /** Whose API is simulated for it; left out, it shares the provider of the top-level settings. */
  provider?: Provider;
  /** The jobs at a provider of its own. */
  jobs?: SimulatedJob[];
  /** Whether its provider accepts its key no more. */
  isKeyRevoked?: boolean;
  /** What else differs from the top-level settings. */
  settings?: ProjectOverrides;
}

/** The simulated providers of a deployment, and how it finds them. */
export interface LocalProjects extends AsyncDisposable {
  openai: FineTuningSimulator;
  providers: ReadonlyMap<string, FineTuningSimulator>;
  /** The keys in Secrets Manager, by the name of the secret. */
  secrets: Record<string, string>;
  context: Record<string, string>;
}

const secretName = 'openai/api-key';

/** Starts a simulated provider for the top-level settings, and one for each project that has its own. */
export async function startLocalProjects({
  jobs = [],
  projects = {},
}: Pick<LocalSystemOptions, 'jobs' | 'projects'>): Promise<LocalProjects> {
  await using starting = new AsyncDisposableStack();
  const openai = starting.use(await startFineTuningSimulator({ jobs, apiKeys: [localKey('default')] }));
  const secrets: Record<string, string> = { [secretName]: localKey('default') };
  const providers = new Map<string, FineTuningSimulator>();
  const overrides: Record<string, ProjectOverrides> = {};
  for (const [name, project] of Object.entries(projects)) {
    const { provider, isKeyRevoked = false, settings } = project;
    if (provider === undefined) {
      providers.set(name, openai);
      overrides[name] = { ...settings };
      continue;
    }
    const key = localKey(name);
    const apiKeys = isKeyRevoked ? [] : [key];
    const simulator = starting.use(
      await startFineTuningSimulator({ provider, jobs: project.jobs ?? [], apiKeys }),
    );
    providers.set(name, simulator);
    const secret = provider === 'bedrock' ? {} : { secretName: `fine-tuning/${name}` };
    if (secret.secretName) secrets[secret.secretName] = key;
    overrides[name] = { provider, openaiBaseUrl: simulator.baseUrl, ...secret, ...settings };
  }
  const running = starting.move();
  return {
    openai,
    providers,
    secrets,
    context: {
      secretName,
      openaiBaseUrl: openai.baseUrl,
      ...(providers.size > 0 && { projects: JSON.stringify(overrides) }),
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** A key of the vendor's form, good for nothing, and different for each project. */
function localKey(name: string): string {
  return `sk-local-${name}-0123456789abcdefghijklmnopqrstuv`;
}
