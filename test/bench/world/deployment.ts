import type { Bundle } from '../bundles.ts';
import { startDelayed } from './delayed-server.ts';
import { failingAmong } from './failing-projects.ts';
import { type FunctionOptions, type FunctionUnderTest, startFunction } from './function-under-test.ts';
import { keyOf, overridesOf, projectNames, secretsOf } from './project-keys.ts';
import { type SimulatedAws, startAws } from './simulated-aws.ts';
import { type ProjectsOptions, type SimulatedProjects, startProjects } from './simulated-projects.ts';
import { type Stack, synthesizeStack } from './stack.ts';

/** A deployment for many projects, as the stack makes it, and all that it speaks to. */
export interface Deployment extends AsyncDisposable {
  stack: Stack;
  /** How many secrets the keys of its projects are in. */
  secrets: number;
  provider: SimulatedProjects;
  aws: SimulatedAws;
  curfew: FunctionUnderTest;
}

/** How long an answer of AWS takes. */
const awsMilliseconds = 20;

/** Starts it. With one project it is a deployment without `projects`. */
export async function startDeployment(
  bundle: Bundle,
  options: ProjectsOptions,
  { within }: Pick<FunctionOptions, 'within'> = {},
): Promise<Deployment> {
  await using starting = new AsyncDisposableStack();
  const names = projectNames(options.projects);
  const provider = starting.use(await startProjects(options));
  const [only = ''] = names;
  const isOne = names.length === 1;
  const secrets = isOne ? { 'openai/api-key': { SecretString: keyOf(only) } } : secretsOf(names);
  const overrides = overridesOf(names);
  if (options.someFail) {
    for (const [name, way] of failingAmong(names)) {
      if (typeof way !== 'function') Object.assign(overrides[name] ?? {}, way);
    }
  }
  const stack = await synthesizeStack({
    openaiBaseUrl: provider.baseUrl,
    ...(!isOne && { projects: overrides }),
  });
  const aws = starting.use(await startAws({ secrets, parameters: stack.parameters }));
  const farAws = starting.use(await startDelayed(aws.url, awsMilliseconds));
  const curfew = starting.use(
    await startFunction({
      bundle: bundle.file,
      environment: stack.environment,
      awsUrl: farAws.url,
      ...(within && { within }),
    }),
  );
  const running = starting.move();
  return {
    stack,
    secrets: Object.keys(secrets).length,
    provider,
    aws,
    curfew,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}
