import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { App } from 'aws-cdk-lib';
import cdkJson from '../../../cdk.json' with { type: 'json' };
import { settingsVariable } from '../../../lambda/settings.ts';
import { bundledCode } from '../../function/bundled-code.ts';
import { bundleFunction } from '../../function/bundling.ts';
import { contextOf } from '../../settings/context.ts';
import { startLocalProjects } from '../providers/projects.ts';
import type { Invocation, LocalSystem, LocalSystemOptions } from './local-system.ts';
import { startAwsStub } from './stub/server.ts';
import { isolatedEnvironment, newRunDirectory } from './workspace.ts';

/**
 * Starts the system without an AWS emulator: the function's bundle in a plain Node process, with the settings that the
 * stack would give it, and an AWS stub with the keys and projects. Rules do not fire.
 */
export async function startUndeployedSystem(options: LocalSystemOptions): Promise<LocalSystem> {
  const { context = {}, progress = () => {} } = options;
  await using starting = new AsyncDisposableStack();
  progress('Starting the simulated providers and a stub of AWS');
  const local = starting.use(await startLocalProjects(options));
  const app = new App({ context: { ...cdkJson.context, ...local.context, ...context } });
  const { projects, ...settings } = contextOf(app.node);
  const named = Object.entries(projects).map(([name, overrides]) => ({ name, ...overrides }));
  const secrets = Object.entries(local.secrets).map(([name, SecretString]) => [name, { SecretString }]);
  const parameters = { '/projects/0000': JSON.stringify(named) };
  const aws = starting.use(await startAwsStub({ secrets: Object.fromEntries(secrets), parameters }));
  const projectList = named.length > 0 ? { path: '/projects', parts: 1 } : undefined;

  progress('Loading the bundle');
  await bundleFunction();
  const lambdaHost = fileURLToPath(new URL('lambda-host.ts', import.meta.url));
  const host = fork(lambdaHost, [join(bundledCode, 'index.js')], {
    env: {
      ...isolatedEnvironment(newRunDirectory()),
      ...local.environment,
      AWS_ENDPOINT_URL: aws.url,
      [settingsVariable]: JSON.stringify({ ...settings, tableName: 'state', projectList }),
    },
    silent: true,
  });
  starting.defer(async () => {
    const exited = once(host, 'exit');
    host.kill();
    await exited;
  });
  await once(host, 'message');

  const running = starting.move();
  return {
    ...local,
    invoke: async (request) => {
      const answered = once(host, 'message');
      host.send({ request });
      const [invocation] = (await answered) as [Invocation];
      return invocation;
    },
    ruleInput: async () => ({ sweep: {}, requestedBy: 'rule' }),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}
