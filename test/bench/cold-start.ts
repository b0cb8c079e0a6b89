import { defaults } from '../../infra/context.ts';
import { run } from '../../infra/local/processes.ts';
import { isolatedEnvironment, newRunDirectory } from '../../infra/local/workspace.ts';
import { environmentFor } from '../../lambda/settings.ts';
import { synthesizeBundles } from './bundles.ts';
import { atMost, interleaved, type Row } from './measure.ts';

const rounds = 21;

/**
 * Uses `fetch` once, which every client of OpenAI loads sooner or later, then loads the bundle that it is given, as the
 * Lambda runtime does. Prints the CPU time of the process so far, in milliseconds. Plain JavaScript, because Node's
 * TypeScript support goes on compiling itself in the background, for as long as the process lives.
 */
const program = `
  fetch('data:,').then((response) => response.text()).then(() => {
    const [, bundle] = process.argv;
    if (bundle) require(bundle);
    const { user, system } = process.cpuUsage();
    console.log((user + system) / 1000);
    process.exit();
  });
`;

/** What a new instance of the function loads, against the same written in an afternoon. */
export async function coldStart(): Promise<Row[]> {
  const { ours, theirs } = await synthesizeBundles();
  const environment = {
    ...isolatedEnvironment(newRunDirectory()),
    ...environmentFor(defaults),
  };
  const load = async (...bundle: string[]) =>
    Number(await run(process.execPath, ['--eval', program, ...bundle], environment));
  const milliseconds = await interleaved(rounds, {
    floor: () => load(),
    ours: () => load(ours.file),
    theirs: () => load(theirs.file),
  });
  const aboveFloor = (value: number) => value - milliseconds.floor;
  return [
    atMost(
      0.7,
      'cold start: CPU time to load the bundle, above that of fetch; against the afternoon handler',
      aboveFloor(milliseconds.ours),
      aboveFloor(milliseconds.theirs),
      (value) => `${value.toFixed(0)} ms`,
    ),
    atMost(
      0.5,
      'bundle size, against the same',
      ours.bytes,
      theirs.bytes,
      (bytes) => `${(bytes / 1000).toFixed(0)} kB`,
    ),
  ];
}
