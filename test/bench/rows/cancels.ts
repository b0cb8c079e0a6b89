/** One cancel: by a new instance, and by a warm function. */
import { existsSync, mkdirSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { run } from '../../../infra/local/aws/processes.ts';
import { cacheDirectory } from '../../../infra/local/aws/workspace.ts';
import { listenOnLoopback } from '../../../infra/local/providers/loopback-server.ts';
import { simulatedJob } from '../../../infra/local/providers/simulated-job.ts';
import type { Bundles } from '../bundles.ts';
import { type Cpu, lambdaShare, limitCpu } from '../cpu.ts';
import { startFunction, startNode } from '../function.ts';
import { startSystem } from '../system.ts';
import { inTurn, inUnit, median, milliseconds, Row } from '../table.ts';

const overdueJob = (id: string) => simulatedJob({ id, status: 'running', ageMinutes: 400 });

/** The CPU time of one cancel by a warm function, without the wait for answers. */
export async function warmCancel({ ours, theirsWithEvent }: Bundles): Promise<void> {
  const [rounds, cancels] = [20, 100];
  await using system = await startSystem();
  await using curfew = await startFunction(ours, system.environment);
  await using afternoon = await startFunction(theirsWithEvent, system.environment);
  const row = new Row();
  let jobs = 0;
  const [our = [], their = []] = await inTurn(rounds, [curfew, afternoon], async (side) => {
    const ids = Array.from({ length: cancels }, () => `ftjob-${jobs++}`);
    system.begin(() => ids.map(overdueJob));
    const { cpuMs } = await side.invoke(ids.map((jobId) => ({ jobId })));
    const { calls, cancelled, events } = system.tally();
    row.check('jobs cancelled by a warm function', cancelled, cancels);
    row.check('calls to OpenAI by a warm function', calls, 2 * cancels);
    row.check('events of a warm function', events, cancels);
    return cpuMs / cancels;
  });
  row.print('warm cancel, CPU time', [median(our), median(their)], inUnit('ms', 1, 2), ['≤', 1.2]);
}

/** A new instance up to its first answer, with as much CPU during init as afterwards, and with a whole one. */
export async function coldStart({ ours, theirs }: Bundles): Promise<void> {
  const client = await installRuntimeClient();
  await using system = await startSystem({ awsMs: 20 });
  using cpu = limitCpu();
  let jobs = 0;
  for (const initShare of [lambdaShare, 1]) {
    const row = new Row();
    const starts = await inTurn(20, [ours, theirs], async (bundle) => {
      const jobId = `ftjob-${jobs++}`;
      system.begin(() => [overdueJob(jobId)], { answerMs: 50 });
      cpu.setShare(initShare);
      const start = await startOnce(client, bundle, system.environment, { jobId }, cpu);
      row.check('jobs cancelled by a new instance', system.tally().cancelled, 1);
      return start;
    });
    const [our = Number.NaN, their = Number.NaN] = starts.map((ofSide) =>
      median(ofSide.map(({ initMs, firstMs }) => initMs + firstMs)),
    );
    const parts = starts.map((ofSide) => {
      const init = median(ofSide.map(({ initMs }) => initMs));
      return `(${init.toFixed(0)} + ${median(ofSide.map(({ firstMs }) => firstMs)).toFixed(0)})`;
    });
    row.print(
      initShare === 1 ? 'cold start, one CPU during init' : 'cold start, a third of one CPU throughout',
      [our, their],
      milliseconds,
      ['≤', 0.95],
      [`${milliseconds(our)} ${parts[0]}`, `${milliseconds(their)} ${parts[1]}`],
    );
  }
}

/**
 * Starts an instance as Lambda does, through its Runtime API, sends it one event, and stops it.
 *
 * @returns how long the function took to ask for an event, and to answer it.
 */
async function startOnce(client: string, bundle: string, environment: Record<string, string>, event: object, cpu: Cpu) {
  const asked = Promise.withResolvers<ServerResponse>();
  const answered = Promise.withResolvers<void>();
  const server = createServer(async (request, response) => {
    // The second time there is no event, so it waits until it is stopped.
    if (request.url?.endsWith('/next')) return asked.resolve(response);
    const body = await text(request);
    response.writeHead(202, { 'content-length': 0 }).end();
    if (request.url?.endsWith('/response')) answered.resolve();
    else answered.reject(new Error(`The function failed: ${body}`));
  });
  const { url, close } = await listenOnLoopback(server);
  await using closing = new AsyncDisposableStack();
  closing.defer(close);
  const startedAt = performance.now();
  const instanceEnvironment = {
    ...environment,
    AWS_LAMBDA_RUNTIME_API: new URL(url).host,
    LAMBDA_TASK_ROOT: dirname(bundle),
    _HANDLER: 'index.handler',
    AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
    AWS_LAMBDA_FUNCTION_NAME: 'fine-tuning-curfew',
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '512',
    AWS_LAMBDA_LOG_GROUP_NAME: '/aws/lambda/fine-tuning-curfew',
    AWS_LAMBDA_LOG_STREAM_NAME: 'stream',
  };
  await using instance = startNode(
    [client, 'index.handler'],
    instanceEnvironment,
    ['ignore', 'ignore', 'inherit'],
    cpu,
  );
  const failed = Promise.race([instance.ended, answered.promise.then(() => instance.ended)]);
  const next = await Promise.race([asked.promise, failed]);
  const initMs = performance.now() - startedAt;
  cpu.setShare(lambdaShare);
  const sentAt = performance.now();
  next.writeHead(200, {
    'content-type': 'application/json',
    'lambda-runtime-aws-request-id': crypto.randomUUID(),
    'lambda-runtime-deadline-ms': String(Date.now() + 900_000),
    'lambda-runtime-invoked-function-arn': 'arn:aws:lambda:us-east-1:000000000000:function:fine-tuning-curfew',
  });
  next.end(JSON.stringify(event));
  await Promise.race([answered.promise, instance.ended]);
  return { initMs, firstMs: performance.now() - sentAt };
}

/**
 * Installs AWS's own Node runtime client in the cache, unless it is there. Compiling it takes a minute or two, and needs
 * make, g++, cmake, autoconf, automake and libtool.
 *
 * @returns the file that Node runs.
 */
async function installRuntimeClient(): Promise<string> {
  const directory = join(cacheDirectory, 'aws-lambda-ric-4.0.2');
  const installed = join(directory, 'node_modules/aws-lambda-ric');
  // This is compiled last.
  if (!existsSync(join(installed, 'rapid-client.node'))) {
    mkdirSync(directory, { recursive: true });
    const args = ['install', '--prefix', directory, '--no-audit', '--no-fund', 'aws-lambda-ric@4.0.2'];
    await run('npm', args, { ...process.env, npm_config_cache: join(cacheDirectory, 'npm') });
  }
  return join(installed, 'index.mjs');
}
