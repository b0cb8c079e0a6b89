import { isLoopback, type Provider, providerOf } from './providers.ts';
import { defaultBaseUrl, type ProjectOverrides, type Settings } from './settings.ts';

/** What is said of a budget of 0 that cancels. */
export const zeroBudgetRefused =
  '"timeBudgetMinutes" is 0, which would cancel every job at once: allowed only with "dryRun" true. ' +
  'To stop everything now, send {"stopAll": {}}';

/** One project with every setting that holds for it. */
export interface ProjectSettings {
  /** Undefined if there is only one, made of the top-level settings. */
  name: string | undefined;
  provider: Provider;
  openaiBaseUrl: string;
  openaiProject: string | undefined;
  /** Undefined for Bedrock, which needs none. */
  secretName: string | undefined;
  secretField: string;
  secretKmsKeyArn: string | undefined;
  timeBudgetMinutes: number;
  /** Whether that budget is the project's own, or the default of the deployment. */
  budgetFrom: 'project' | 'default';
  lookbackDays: number;
  cancelLimit: number | 'none';
  dryRun: boolean;
}

/**
 * A project with what it inherits. A credential goes nowhere but to its own provider: a project that names a URL or a
 * provider inherits nothing of how another provider is reached.
 *
 * @param name undefined if it is the only one.
 * @param region where the function runs, for Bedrock's default URL; a token will do.
 * @throws Error saying what is missing or does not fit together, without the project's name.
 */
export function projectWith(
  name: string | undefined,
  settings: Settings,
  overrides: ProjectOverrides,
  region: string,
): ProjectSettings {
  const isElsewhere = overrides.openaiBaseUrl !== undefined || overrides.provider !== undefined;
  const access: ProjectOverrides = isElsewhere ? overrides : { ...accessOf(settings), ...overrides };
  const provider = access.provider ?? providerOf(access.openaiBaseUrl ?? '');
  // The default URL is OpenAI's: who says only `bedrock` means Bedrock's.
  const givenUrl =
    provider === 'bedrock' && !isElsewhere && access.openaiBaseUrl === defaultBaseUrl
      ? undefined
      : access.openaiBaseUrl;
  const openaiBaseUrl =
    givenUrl ?? (provider === 'bedrock' ? `https://bedrock-mantle.${region}.api.aws/v1` : undefined);
  if (openaiBaseUrl === undefined) {
    throw new Error('it names a provider, so it must name its own "openaiBaseUrl" too');
  }
  if (provider !== 'bedrock' && access.secretName === undefined) {
    throw new Error('it names its own provider or URL, so it must name its own "secretName" too');
  }
  checkHost(provider, openaiBaseUrl);
  const own = { ...settings, ...overrides };
  if (own.timeBudgetMinutes === 0 && !own.dryRun) {
    throw new Error(zeroBudgetRefused);
  }
  return {
    name,
    provider,
    openaiBaseUrl,
    openaiProject: access.openaiProject,
    secretName: provider === 'bedrock' ? undefined : access.secretName,
    secretField: own.secretField,
    secretKmsKeyArn: provider === 'bedrock' ? undefined : access.secretKmsKeyArn,
    timeBudgetMinutes: own.timeBudgetMinutes,
    budgetFrom: overrides.timeBudgetMinutes === undefined ? 'default' : 'project',
    lookbackDays: own.lookbackDays,
    cancelLimit: own.cancelLimit,
    dryRun: own.dryRun,
  };
}

/** The only project of a deployment without `projects`. */
export function onlyProject(settings: Settings, region: string): ProjectSettings {
  return projectWith(undefined, settings, {}, region);
}

/** What says where the jobs are and how to get in. */
function accessOf(settings: Settings): ProjectOverrides {
  const { provider, openaiBaseUrl, openaiProject, secretName, secretKmsKeyArn } = settings;
  return {
    openaiBaseUrl,
    secretName,
    ...(provider && { provider }),
    ...(openaiProject && { openaiProject }),
    ...(secretKmsKeyArn && { secretKmsKeyArn }),
  };
}

/** The credentials of Azure and Bedrock must not reach another provider's host. A key for `openai` may be for any host. */
function checkHost(provider: Provider, openaiBaseUrl: string): void {
  const url = URL.parse(openaiBaseUrl);
  // At synth a URL may be a token, of which nothing is known yet.
  if (!url) return;
  const isBedrock = providerOf(openaiBaseUrl) === 'bedrock';
  if (provider === 'bedrock' && !isBedrock && !isLoopback(url)) {
    throw new Error(
      '"openaiBaseUrl" must be a host bedrock-mantle.REGION.api.aws for "provider" bedrock, or be left out',
    );
  }
  if (provider === 'azure' && (isBedrock || url.hostname === new URL(defaultBaseUrl).hostname)) {
    throw new Error('"openaiBaseUrl" must be that of your Azure resource for "provider" azure');
  }
}
