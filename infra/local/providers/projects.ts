import type { ProjectOverrides, Provider } from '../../../lambda/settings.ts';
import type { LocalSystemOptions } from '../aws/local-system.ts';
import { startCustomizationSimulator } from './customization-simulator.ts';
import type { CustomizationJob } from './simulated-customization-job.ts';
import type { SimulatedJob } from './simulated-job.ts';
import { type FineTuningSimulator, startFineTuningSimulator } from './simulator.ts';

/** A project of a local deployment. */
export interface LocalProject {
  /** The provider to simulate. @default the provider of the top-level settings */
  provider?: Provider;
  /** The jobs at its own provider. */
  jobs?: SimulatedJob[];
  /** The jobs of `bedrock-customization`. The project sees those of its region. */
  customizationJobs?: CustomizationJob[];
  /** Whether its provider rejects its key. */
  isKeyRevoked?: boolean;
  /** Other overrides of the top-level settings. */
  settings?: ProjectOverrides;
}

/** The simulated providers of a deployment, and how to reach them. Bedrock accepts any well-formed signature at first. */
export type LocalProjects = Awaited<ReturnType<typeof startLocalProjects>>;

const secretName = 'openai/api-key';

/** Starts a simulated provider for the top-level settings, and one for each project that has its own. */
export async function startLocalProjects({ jobs = [], projects = {} }: Pick<LocalSystemOptions, 'jobs' | 'projects'>) {
  await using starting = new AsyncDisposableStack();
  const openai = starting.use(await startFineTuningSimulator({ jobs, apiKeys: [localKey('default')] }));
  const customizationJobs = Object.values(projects).flatMap((project) => project.customizationJobs ?? []);
  const customization = starting.use(await startCustomizationSimulator({ jobs: customizationJobs }));
  const secrets: Record<string, string> = { [secretName]: localKey('default') };
  const providers = new Map<string, FineTuningSimulator>();
  const overrides: Record<string, ProjectOverrides> = {};
  for (const [name, { provider, isKeyRevoked, settings, jobs = [] }] of Object.entries(projects)) {
    if (provider === undefined) {
      providers.set(name, openai);
      overrides[name] = { ...settings };
    } else if (provider === 'bedrock-customization') {
      overrides[name] = { provider, ...settings };
    } else {
      const apiKeys = isKeyRevoked ? [] : [localKey(name)];
      const simulator = starting.use(await startFineTuningSimulator({ provider, jobs, apiKeys }));
      providers.set(name, simulator);
      overrides[name] = { provider, openaiBaseUrl: simulator.baseUrl, ...settings };
      if (provider === 'bedrock') continue;
      const secret = `fine-tuning/${name}`;
      secrets[secret] = localKey(name);
      overrides[name].secretName ??= secret;
    }
  }
  const running = starting.move();
  return {
    openai,
    /** By project name, except for `bedrock-customization`. */
    providers,
    /** Bedrock's control plane, one for all projects and regions: the SDK takes only one endpoint. */
    customization,
    /** The keys in Secrets Manager, by the name of the secret. */
    secrets,
    context: {
      secretName,
      openaiBaseUrl: openai.baseUrl,
      ...(Object.keys(overrides).length > 0 && { projects: JSON.stringify(overrides) }),
    },
    /** Environment variables with which the function finds `customization`. */
    environment: { AWS_ENDPOINT_URL_BEDROCK: customization.url },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** Returns a fake key in the vendor's format, different for each project. */
function localKey(name: string): string {
  return `sk-local-${name}-0123456789abcdefghijklmnopqrstuv`;
}
