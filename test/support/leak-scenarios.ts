/**
 * Goes through every scenario in which the key might leak, and prints whatever comes out of each: results, errors
 * with all that hangs on them, events. Log and metrics go to the standard streams by themselves, at DEBUG.
 */
import { inspect } from 'node:util';
import pMap from 'p-map';
import { simulatedJob } from '../../infra/local/providers/simulated-job.ts';
import { startFineTuningSimulator } from '../../infra/local/providers/simulator.ts';
import { createLogger, createMetrics } from '../../lambda/aws/log.ts';
import { apiKey, awsCredentials, type CurfewOptions, startCurfew } from './curfew.ts';
import { expectedFailures } from './expected-failures.ts';
import { unusableSecrets } from './unusable-secrets.ts';

const jobId = 'ftjob-abc123';
const logger = createLogger('fine-tuning-curfew');
const metrics = createMetrics('fine-tuning-curfew');

async function print(promise: Promise<unknown>): Promise<void> {
  const outcome = await promise.catch((error: unknown) => error);
  console.log(inspect(outcome, { depth: Number.POSITIVE_INFINITY, showHidden: true }));
}

/** Some faults are met with new attempts for as long as there is time. */
const remainingMilliseconds = 3_000;
/** They mostly wait; but with all at once that time would be up before anything has happened. */
const scenariosAtOnce = 24;

async function printScenario(
  options: CurfewOptions,
  prepare: (curfew: Awaited<ReturnType<typeof startCurfew>>) => void = () => {},
) {
  const jobs = [simulatedJob({ id: jobId, status: 'running', ageMinutes: 400 })];
  await using curfew = await startCurfew({ jobs, logger, metrics, ...options });
  prepare(curfew);
  await print(curfew.list({}, { remainingMilliseconds }));
  await print(curfew.extend(jobId, 1, { remainingMilliseconds }));
  await print(curfew.cancel(jobId, { remainingMilliseconds }));
  await print(curfew.sweep({}, { remainingMilliseconds }));
  await print(curfew.stopAll({}, { remainingMilliseconds }));
  await print(curfew.invoke({ jobId, apiKey: 'x' }));
  await print(Promise.resolve(curfew.aws.events));
}

type Scenario = () => Promise<void>;

const wireScenarios = Object.values(expectedFailures).flatMap(({ fault }) =>
  (['retrieve', 'list', 'cancel'] as const).map(
    (endpoint): Scenario =>
      () =>
        printScenario({}, (curfew) => {
          curfew.openai.faultFor = (call) => (call.endpoint === endpoint ? fault : undefined);
        }),
  ),
);
const keyScenarios = Object.values(unusableSecrets).map(
  ({ secret }): Scenario =>
    () =>
      printScenario({ secret }),
);
const tableScenarios = (['throttled', 'denied', 'down'] as const).map(
  (health): Scenario =>
    () =>
      printScenario({}, (curfew) => {
        curfew.aws.table.health = health;
      }),
);
const refused: Scenario = () => printScenario({}, (curfew) => curfew.openai.apiKeys.clear());
const quoting: Scenario = () => {
  const metadata = { note: `Made with ${apiKey}`, [apiKey]: 'in a name' };
  const running = { status: 'running', ageMinutes: 400, metadata };
  const jobs = [
    { ...simulatedJob({ id: jobId, ...running }), model: `ft:${apiKey}` },
    simulatedJob({ status: `frozen, ${apiKey}` }),
  ];
  return printScenario({ jobs });
};
const unreachable: Scenario = () => printScenario({ settings: { openaiBaseUrl: 'http://127.0.0.1:2' } });

await using azure = await startFineTuningSimulator({ provider: 'azure' });
await using bedrock = await startFineTuningSimulator({
  provider: 'bedrock',
  bedrockSigner: { ...awsCredentials, region: 'somewhere-else-1' },
});
const refusedElsewhere = [azure, bedrock].map(
  ({ provider, baseUrl }): Scenario =>
    () =>
      printScenario({
        projects: { elsewhere: { provider, openaiBaseUrl: baseUrl, secretName: 'elsewhere' } },
      }),
);
const scenarios = [
  ...tableScenarios,
  ...keyScenarios,
  refused,
  quoting,
  unreachable,
  ...refusedElsewhere,
  ...wireScenarios,
];
await pMap(scenarios, (scenario) => scenario(), { concurrency: scenariosAtOnce });
console.log(`Scenarios done with a key of ${apiKey.length} characters`);
