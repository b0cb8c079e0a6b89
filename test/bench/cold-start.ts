import { isolatedEnvironment, newRunDirectory } from '../../infra/local/workspace.ts';
import { synthesizeBundles, synthesizeFormerBundle } from './bundles.ts';
import { startDelayed } from './delayed-server.ts';
import { forkProgram } from './forked.ts';
import { functionEnvironment } from './function-environment.ts';
import { atMost, equal, median, type Row } from './measure.ts';
import { cpuLimit } from './runtime/cpu-limit.ts';
import { startInstance } from './runtime/instance.ts';
import { installRuntimeClient, RuntimeClientUnavailableError } from './runtime/runtime-client.ts';
import { startAccount } from './simulated-account.ts';

const rounds = 20;
/** As much of a CPU as Lambda gives with 512 MB. */
const cpuShare = 1 / 3;
const openaiMilliseconds = 50;
const awsMilliseconds = 20;
const milliseconds = (value: number) => `${value.toFixed(0)} ms`;

/** How a start went: until the function asked for an event, and until it answered the first. */
interface Start {
  init: number;
  firstCancel: number;
}

/** A new instance up to the end of its first cancel, against others; and the size of what is deployed. */
export async function coldStart(): Promise<Row[]> {
  const { ours, theirs } = await synthesizeBundles();
  const former = await synthesizeFormerBundle();
  const size = atMost(
    0.5,
    'bundle size, against the afternoon handler',
    ours.bytes,
    theirs.bytes,
    (bytes) => {
      return `${(bytes / 1000).toFixed(0)} kB`;
    },
  );
  try {
    const client = await installRuntimeClient();
    const files = { ours: ours.file, theirs: theirs.file, ...(former && { former: former.file }) };
    return [...(await coldStarts(client, files)), size];
  } catch (error) {
    if (!(error instanceof RuntimeClientUnavailableError)) throw error;
    console.error(`${error.message} The rows of cold starts are left out.`);
    return [size];
  }
}

async function coldStarts(
  client: string,
  files: { ours: string; theirs: string; former?: string },
): Promise<Row[]> {
  const sides = Object.entries(files);
  const jobs = (rounds + 1) * sides.length;
  await using account = await startAccount({ jobs, overdue: jobs, answerMilliseconds: openaiMilliseconds });
  await using aws = await forkProgram('aws');
  await using farAws = await startDelayed(aws.greeting, awsMilliseconds);
  using limit = cpuLimit(cpuShare);
  const environment = {
    ...isolatedEnvironment(newRunDirectory()),
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
  const where = `in the real runtime, ${limit.description}`;
  const parts = (side: string) =>
    `${milliseconds(of(side, whole))} (${of(side, ({ init }) => init).toFixed(0)} + ${of(side, ({ firstCancel }) => firstCancel).toFixed(0)})`;
  const row = (goal: number, what: string, side: string): Row => ({
    ...atMost(goal, what, of('ours', whole), of(side, whole), milliseconds),
    ours: parts('ours'),
    theirs: parts(side),
  });
  return [
    row(0.8, `cold start ${where}: init + first cancel; against the afternoon handler`, 'theirs'),
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
