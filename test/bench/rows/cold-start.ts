import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import { basename, dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { run } from '../../../infra/local/aws/processes.ts';
import { cacheDirectory } from '../../../infra/local/aws/workspace.ts';
import { listenOnLoopback } from '../../../infra/local/providers/loopback-server.ts';
import type { Bundles } from '../bundles.ts';
import { type Cpu, lambdaShare, limitCpu } from '../cpu.ts';
import { apiKey } from '../keys.ts';
import type { AccountOptions, AccountTally } from '../programs/account.ts';
import type { AwsOptions } from '../programs/aws.ts';
import { functionEnvironment, startProgram } from '../programs.ts';
import { atMost, checkCount, median, milliseconds } from '../table.ts';

const rounds = 20;
const runtimeClientVersion = '4.0.2';

/** How a start went: until the function asked for an event, and until it answered the first. */
interface Start {
  initMs: number;
  firstMs: number;
}

/** A new instance up to the end of its first cancel, with as much CPU during init as afterwards, and with a whole one. */
export async function coldStart({ ours, theirs }: Bundles): Promise<void> {
  const client = await installRuntimeClient();
  if (client === undefined) return;
  const jobs = (rounds + 1) * 4;
  await using account = await startProgram('account', { jobs, overdue: jobs, answerMs: 50 } satisfies AccountOptions);
  const awsOptions: AwsOptions = { secret: { SecretString: apiKey }, answerMs: 20 };
  await using aws = await startProgram('aws', awsOptions);
  using cpu = limitCpu();
  const environment = functionEnvironment(account.greeting, aws.greeting);
  const sides = [ours, theirs].flatMap((bundle) =>
    [lambdaShare, 1].map((initShare) => ({ bundle, initShare, starts: [] as Start[] })),
  );
  let next = 0;
  // In turn, so what disturbs the machine disturbs all alike. The first round warms up.
  for (let round = 0; round <= rounds; round += 1) {
    for (const { bundle, initShare, starts } of sides) {
      const start = await startOnce(client, bundle.file, environment, { jobId: `ftjob-${next++}` }, cpu, initShare);
      if (round > 0) starts.push(start);
    }
  }
  const [oursSlow, oursFast, theirsSlow, theirsFast] = sides.map(({ starts }) => {
    const init = median(starts.map(({ initMs }) => initMs));
    const first = median(starts.map(({ firstMs }) => firstMs));
    const all = median(starts.map(({ initMs, firstMs }) => initMs + firstMs));
    return { all, text: `${milliseconds(all)} (${init.toFixed(0)} + ${first.toFixed(0)})` };
  });
  const print = (what: string, our = { all: 0, text: '' }, their = { all: 0, text: '' }) =>
    atMost(0.95, what, our.all, their.all, { unit: milliseconds, ours: our.text, theirs: their.text });
  const what = 'cold start in the real runtime: init + first cancel';
  print(`${what}, ${cpu.description} throughout; against the afternoon handler`, oursSlow, theirsSlow);
  print(`${what}, one CPU during init, then ${cpu.description}; against the same`, oursFast, theirsFast);
  checkCount('jobs cancelled in cold starts', (await account.ask<AccountTally>('tally')).cancelled, jobs);
}

/** Starts an instance as Lambda does, through its Runtime API; hands it one event, and ends it. */
async function startOnce(
  client: string,
  bundle: string,
  environment: Record<string, string>,
  event: object,
  cpu: Cpu,
  initShare: number,
): Promise<Start> {
  const asked = Promise.withResolvers<ServerResponse>();
  const answered = Promise.withResolvers<void>();
  const server = createServer(async (request, response) => {
    // The second time there is no event, and it waits until it is ended.
    if (request.url?.endsWith('/next')) return asked.resolve(response);
    const body = await text(request);
    response.writeHead(202, { 'content-length': 0 }).end();
    if (request.url?.endsWith('/response')) answered.resolve();
    else answered.reject(new Error(`The function failed: ${body}`));
  });
  const { url, close } = await listenOnLoopback(server);
  const handler = `${basename(bundle, '.js')}.handler`;
  cpu.setShare(initShare);
  const startedAt = performance.now();
  const [file = '', ...args] = cpu.within([process.execPath, client, handler]);
  const child = spawn(file, args, {
    env: {
      ...process.env,
      ...environment,
      AWS_LAMBDA_RUNTIME_API: new URL(url).host,
      LAMBDA_TASK_ROOT: dirname(bundle),
      _HANDLER: handler,
      AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
      AWS_LAMBDA_FUNCTION_NAME: 'fine-tuning-curfew',
      AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '512',
      AWS_LAMBDA_LOG_GROUP_NAME: '/aws/lambda/fine-tuning-curfew',
      AWS_LAMBDA_LOG_STREAM_NAME: 'stream',
      AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const exited = once(child, 'exit');
  try {
    const gone = exited.then(() => Promise.reject(new Error('The instance ended before it answered.')));
    const response = await Promise.race([asked.promise, gone, answered.promise.then(() => Promise.reject())]);
    const initMs = performance.now() - startedAt;
    cpu.setShare(lambdaShare);
    const sentAt = performance.now();
    response.writeHead(200, {
      'content-type': 'application/json',
      'lambda-runtime-aws-request-id': crypto.randomUUID(),
      'lambda-runtime-deadline-ms': String(Date.now() + 900_000),
      'lambda-runtime-invoked-function-arn': 'arn:aws:lambda:us-east-1:000000000000:function:fine-tuning-curfew',
    });
    response.end(JSON.stringify(event));
    await Promise.race([answered.promise, gone]);
    return { initMs, firstMs: performance.now() - sentAt };
  } finally {
    child.kill('SIGKILL');
    await exited;
    await close();
  }
}

/**
 * Installs AWS's own Node runtime client below the cache, unless it is there. It is compiled, which takes a minute or two.
 *
 * @returns the file that Node runs; undefined if it cannot be built here.
 */
async function installRuntimeClient(): Promise<string | undefined> {
  const directory = join(cacheDirectory, `aws-lambda-ric-${runtimeClientVersion}`);
  const stamp = join(directory, 'installed');
  if (!existsSync(stamp)) {
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, 'package.json'), '{ "private": true }');
    const environment = {
      ...process.env,
      npm_config_cache: join(cacheDirectory, 'npm'),
      npm_config_devdir: join(cacheDirectory, 'node-gyp'),
    };
    const args = ['install', '--no-audit', '--no-fund', `aws-lambda-ric@${runtimeClientVersion}`];
    try {
      await run('npm', args, environment, directory);
    } catch (error) {
      console.error(
        'aws-lambda-ric cannot be built: it needs npm, make, g++, cmake, autoconf, automake and libtool. ' +
          `The rows of cold starts are left out.\n${error}`,
      );
      return undefined;
    }
    writeFileSync(stamp, '');
  }
  return join(directory, 'node_modules/aws-lambda-ric/index.mjs');
}
