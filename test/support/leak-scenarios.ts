/**
 * `node leak-scenarios.ts` goes through everything that can go wrong, and prints all output: answers, errors with all
 * their properties, events. Log and metrics go to the standard streams anyway.
 */
import { inspect } from 'node:util';
import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics } from '@aws-lambda-powertools/metrics';
import pMap from 'p-map';
import { simulatedJob } from '../../infra/local/providers/simulated-job.ts';
import { type Fault, startFineTuningSimulator } from '../../infra/local/providers/simulator.ts';
import type { ProjectOverrides } from '../../lambda/settings.ts';
import { apiKey, awsCredentials, type Curfew, startCurfew } from './curfew.ts';
import { expectedFailures } from './expected-failures.ts';
import { unusableSecrets } from './unusable-secrets.ts';
import { answerLost, answers, compressed, says } from './wire-faults.ts';

const jobId = 'ftjob-abc123';
const recorders = {
  logger: new Logger({ serviceName: 'leaks' }),
  metrics: new Metrics({ namespace: 'leaks', serviceName: 'leaks' }),
};
/** Some faults are retried for as long as there is time. */
const remainingMilliseconds = 15_000;
/** With all at once, time would run out before anything happens. */
const requestsAtOnce = 40;

type Request = (curfew: Curfew) => Promise<unknown>;

async function print(curfew: Curfew, requests: Request[]): Promise<void> {
  const ask = async (request: Request) => {
    const outcome = await request(curfew).catch((error: unknown) => error);
    console.log(inspect(outcome, { depth: Number.POSITIVE_INFINITY, showHidden: true }));
  };
  await pMap(requests, ask, { concurrency: requestsAtOnce });
  console.log(inspect(curfew.aws.events, { depth: Number.POSITIVE_INFINITY }));
}

const all: Request[] = [
  (curfew) => curfew.list({}, { remainingMilliseconds }),
  (curfew) => curfew.sweep({}, { remainingMilliseconds }),
  (curfew) => curfew.stopAll({}, { remainingMilliseconds }),
];
const oneJob = (project?: string): Request[] => {
  const options = { remainingMilliseconds, ...(project !== undefined && { project }) };
  return [(curfew) => curfew.cancel(jobId, options), (curfew) => curfew.extend(jobId, 1, options)];
};

const job = () => simulatedJob({ id: jobId, status: 'running', ageMinutes: 400 });
const quoting = {
  ...job(),
  model: `ft:${apiKey}`,
  status: `frozen, ${apiKey}`,
  metadata: { note: `Made with ${apiKey}`, [apiKey]: 'in a name', time_budget_minutes: apiKey },
};
const quotingError = { status: 400, body: { error: { code: apiKey, type: apiKey, message: apiKey } } };
const faults: Fault[] = [
  ...Object.values(expectedFailures).map(([fault]) => fault),
  says({ ...quoting, data: [quoting], has_more: false }),
  says(JSON.stringify({ ...quoting, status: 'running', data: [quoting] }).replaceAll('-', '\\u002d')),
  compressed('gzip', quotingError),
  answerLost,
];

/** A project for each fault of each endpoint, recognised by its `OpenAI-Project`. */
const wire = faults.flatMap((fault, index) =>
  (['retrieve', 'list', 'cancel'] as const).map((endpoint) => ({ name: `${endpoint}-${index}`, endpoint, fault })),
);
const unusable = Object.values(unusableSecrets).map(({ secret }, index) => [`secret-${index}`, secret] as const);
await using azure = await startFineTuningSimulator({ provider: 'azure' });
await using bedrock = await startFineTuningSimulator({
  provider: 'bedrock',
  bedrockSigner: { ...awsCredentials, region: 'somewhere-else-1' },
});
const projects: Record<string, ProjectOverrides> = {
  sound: {},
  ...Object.fromEntries(wire.map(({ name }) => [name, { openaiProject: name }])),
  ...Object.fromEntries(unusable.map(([secretName]) => [secretName, { secretName }])),
  unreachable: { openaiBaseUrl: 'http://127.0.0.1:2/v1', secretName: 'elsewhere' },
  azure: { provider: 'azure', openaiBaseUrl: azure.baseUrl, secretName: 'elsewhere' },
  bedrock: { provider: 'bedrock', openaiBaseUrl: bedrock.baseUrl },
};
const secrets = Object.fromEntries(unusable);

{
  await using curfew = await startCurfew({ projects, secrets, ...recorders });
  curfew.openai.faultFor = ({ endpoint, headers }) => {
    // The projects share one job, which is running in each of them.
    curfew.openai.jobs = new Map([[jobId, job()]]);
    return wire.find((one) => one.name === headers['openai-project'] && one.endpoint === endpoint)?.fault;
  };
  const named = Object.keys(projects).filter((name) => !name.startsWith('list'));
  await print(curfew, [...all, ...named.flatMap(oneJob), () => curfew.invoke({ jobId, apiKey })]);
}

for (const health of ['throttled', 'denied', 'down', 'up'] as const) {
  await using curfew = await startCurfew({ jobs: [job()], ...recorders });
  curfew.aws.table.health = health;
  if (health === 'down') curfew.openai.faultFor = () => answers(429, { 'retry-after': '3600' });
  if (health === 'up') curfew.openai.apiKeys.clear();
  await print(curfew, [...all, ...oneJob()]);
}
console.log(`Scenarios done with a key of ${apiKey.length} characters`);
