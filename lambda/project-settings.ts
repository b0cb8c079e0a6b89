import type { Rules } from './curfew/deadline.ts';
import {
  bedrockRegionOf,
  defaultBaseUrl,
  isLoopback,
  type ProjectOverrides,
  type Provider,
  providerOf,
  type Settings,
} from './settings.ts';

/** The error for a budget of 0 outside a dry run. */
export const zeroBudgetError =
  '"timeBudgetMinutes" is 0, which would cancel every job at once: allowed only with "dryRun" true. ' +
  'To stop everything now, send {"stopAll": {}}';

/** One project with all settings that apply to it. */
export interface ProjectSettings extends Rules {
  /** Undefined in a deployment without `projects`. */
  name: string | undefined;
  provider: Provider;
  /** Undefined for Bedrock's customization jobs: the AWS SDK derives the endpoint from the region. */
  openaiBaseUrl: string | undefined;
  openaiProject: string | undefined;
  /** Where Bedrock's jobs run. */
  region: string;
  /** Undefined for Bedrock, which is reached with the function's own role. */
  secretName: string | undefined;
  secretField: string;
  secretKmsKeyArn: string | undefined;
}

/**
 * Resolves what a project inherits. A project that names its own URL or provider inherits no connection settings, so a
 * credential is only ever sent to its own provider.
 *
 * @param name undefined in a deployment without `projects`.
 * @param functionRegion where the function runs. May be a CDK token.
 * @throws Error saying what is missing or contradictory, without the project's name.
 */
export function resolveProject(
  name: string | undefined,
  settings: Settings,
  overrides: ProjectOverrides,
  functionRegion: string,
): ProjectSettings {
  const isElsewhere = overrides.openaiBaseUrl !== undefined || overrides.provider !== undefined;
  const access = isElsewhere ? overrides : { ...settings, ...overrides };
  const provider = access.provider ?? providerOf(access.openaiBaseUrl ?? '');
  const isBedrock = provider === 'bedrock' || provider === 'bedrock-customization';
  // The default URL is OpenAI's. A deployment that sets only `provider` to Bedrock wants Bedrock's.
  const isDefaultUrl = isBedrock && !isElsewhere && access.openaiBaseUrl === defaultBaseUrl;
  const givenUrl = isDefaultUrl ? undefined : access.openaiBaseUrl;
  const hostRegion = bedrockRegionOf(givenUrl ?? '');
  const region = hostRegion ?? access.region ?? functionRegion;
  const openaiBaseUrl =
    givenUrl ?? (provider === 'bedrock' ? `https://bedrock-mantle.${region}.api.aws/v1` : undefined);
  if (!isBedrock && openaiBaseUrl === undefined) {
    throw new Error('it names a provider, so it must name its own "openaiBaseUrl" too');
  }
  if (!isBedrock && access.secretName === undefined) {
    throw new Error('it names its own provider or URL, so it must name its own "secretName" too');
  }
  if (hostRegion !== undefined && access.region !== undefined && access.region !== hostRegion) {
    throw new Error(`"region" is ${access.region}, but the host in "openaiBaseUrl" is in ${hostRegion}`);
  }
  checkHost(provider, openaiBaseUrl);
  const rules = { queueLimitMinutes: undefined, ...settings, ...overrides };
  if (rules.timeBudgetMinutes === 0 && !rules.dryRun) throw new Error(zeroBudgetError);
  return {
    ...rules,
    name,
    provider,
    openaiBaseUrl,
    openaiProject: access.openaiProject,
    region,
    secretName: isBedrock ? undefined : access.secretName,
    secretKmsKeyArn: isBedrock ? undefined : access.secretKmsKeyArn,
    budgetFrom: overrides.timeBudgetMinutes === undefined ? 'default' : 'project',
  };
}

/** Throws if a credential of Azure or Bedrock would go to another provider's host. A key for `openai` may go to any host. */
function checkHost(provider: Provider, openaiBaseUrl: string | undefined): void {
  if (provider === 'bedrock-customization' && openaiBaseUrl !== undefined) {
    throw new Error(
      '"openaiBaseUrl" must be left out for "provider" bedrock-customization, which is found by its "region"',
    );
  }
  // At synth, the URL may be an unresolved token.
  const url = URL.parse(openaiBaseUrl ?? '');
  if (!url || openaiBaseUrl === undefined) return;
  const isBedrockHost = providerOf(openaiBaseUrl) === 'bedrock';
  if (provider === 'bedrock' && !isBedrockHost && !isLoopback(url)) {
    throw new Error(
      '"openaiBaseUrl" must be a host bedrock-mantle.REGION.api.aws for "provider" bedrock, or be left out',
    );
  }
  if (provider === 'azure' && (isBedrockHost || url.hostname === new URL(defaultBaseUrl).hostname)) {
    throw new Error('"openaiBaseUrl" must be that of your Azure resource for "provider" azure');
  }
}
