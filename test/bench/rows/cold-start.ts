import { isolatedEnvironment } from '../../../infra/local/aws/workspace.ts';
import { type Bundles, synthesizeFormerBundle } from '../bundles.ts';
import { newDirectory } from '../directory.ts';
import { atMost, equal, median, milliseconds, type Row } from '../measure.ts';
import { cpuLimit, shareOfLambda } from '../runtime/cpu-limit.ts';
import { startInstance } from '../runtime/instance.ts';
import { installRuntimeClient, RuntimeClientUnavailableError } from '../runtime/runtime-client.ts';
import { apiKey } from '../world/api-key.ts';
import { startDelayed } from '../world/delayed-server.ts';
import { functionEnvironment } from '../world/function-environment.ts';
import { startAccount } from '../world/simulated-account.ts';
import { startAws } from '../world/simulated-aws.ts';

const rounds = 20;
const openaiMilliseconds = 50;
const awsMilliseconds = 20;

/** How a start went: until the function asked for an event, and until it answered the first. */
interface Start {
  init: number;
  firstCancel: number;
}

/** A new instance up to the end of its first cancel, against others. */
export async function coldStart({ ours, theirs }: Bundles) {
  try {
    const client = await installRuntimeClient();
    const former = await synthesizeFormerBundle();
    const files = { ours: ours.file, theirs: theirs.file, ...(former && { former: former.file }) };
    return { rows: await coldStarts(client, files) };
  } catch (error) {
    if (!(error instanceof RuntimeClientUnavailableError)) throw error;
    console.error(`${error.message} The rows of cold starts are left out.`);
    return { rows: [] };
  }
}

async function coldStarts(
  client: string,
  files: { ours: string; theirs: string; former?: string },
): Promise<Row[]> {
  const sides = Object.entries(files);
  const jobs = (rounds + 1) * sides.length;
  await using account = await startAccount({ jobs, overdue: jobs, answerMilliseconds: openaiMilliseconds });
  await using aws = await startAws({ secret: { SecretString: apiKey } });
  await using farAws = await startDelayed(aws.url, awsMilliseconds);
  using limit = cpuLimit(shareOfLambda);
  const environment = {
    ...isolatedEnvironment(newDirectory()),
    ...functionEnvironment({ openaiBaseUrl: account.baseUrl }),
    AWS_ENDPOINT_URL: farAws.url,
  };
  const starts = new Map<string, Start[]>(sides.map(([side]) => [side, []]));
  const command = limit.within([process.execPath, client]);
  let next = 0;
  // In turn, so that what disturbs the machine disturbs all alike. The first round warms up.
  for (let round = 0; round <= rounds; round += 1) {
    for (const [side, bundle] of sides) {
      await using instance = await startInstance({ command, bundle, environment });
      const askedAt = performance.now();
      await instance.invoke({ jobId: `ftjob-${next++}` });
      const firstCancel = performance.now() - askedAt;
      if (round > 0) starts.get(side)?.push({ init: instance.initMilliseconds, firstCancel });
    }
  }
  const of = (side: string, part: (start: Start) => number) => median((starts.get(side) ?? []).map(part));
  const whole = ({ init, firstCancel }: Start) => init + firstCancel;
  const { cancelled } = await account.tally();
  const parts = (side: string) =>
    `${milliseconds(of(side, whole))} (${of(side, ({ init }) => init).toFixed(0)} + ${of(side, ({ firstCancel }) => firstCancel).toFixed(0)})`;
  const row = (goal: number, what: string, side: string): Row => ({
    ...atMost(goal, what, of('ours', whole), of(side, whole), milliseconds),
    ours: parts('ours'),
    theirs: parts(side),
  });
  return [
    row(
      0.8,
      `cold start in the real runtime: init and first cancel, ${limit.description}; against the afternoon handler`,
      'theirs',
    ),
    ...(files.former
      ? [
          row(
            1.05,
            'the same with projects, table and tokens; against the commit before these came',
            'former',
          ),
        ]
      : []),
    equal('jobs cancelled in those cold starts', cancelled, jobs),
  ];
}
