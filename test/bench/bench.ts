/** `npm run bench [NAME …]`: measures the function side by side with the alternative, and prints a table. */
import { loadavg } from 'node:os';
import { isolatedEnvironment } from '../../infra/local/aws/workspace.ts';
import { type Bundles, bundleAll } from './bundles.ts';
import { newDirectory } from './programs.ts';
import { coldStart } from './rows/cold-start.ts';
import { manyProjects } from './rows/many-projects.ts';
import { memory } from './rows/memory.ts';
import { month } from './rows/month.ts';
import { rateLimits } from './rows/rate-limits.ts';
import { sweeps } from './rows/sweeps.ts';
import { warmCancel } from './rows/warm-cancel.ts';
import { atMost, inUnit, printCounts, printHead } from './table.ts';

const benches: Record<string, (bundles: Bundles) => Promise<void>> = {
  coldStart,
  warmCancel,
  sweeps,
  manyProjects,
  rateLimits,
  memory,
  bundleSize: async ({ ours, theirs }) =>
    atMost(0.5, 'bundle size, of what every start loads; against the afternoon handler', ours.bytes, theirs.bytes, {
      unit: inUnit('kB', 1000),
    }),
  // Last, because it prints the bill below the table.
  month,
};

// CDK, npm and the AWS SDK write below the home directory.
Object.assign(process.env, isolatedEnvironment(newDirectory()));
const asked = process.argv.slice(2);
const load = () =>
  loadavg()
    .map((average) => average.toFixed(1))
    .join(', ');
const loadBefore = load();
const bundles = await bundleAll();
printHead();
for (const [name, bench] of Object.entries(benches)) {
  if (asked.length === 0 || asked.includes(name)) await bench(bundles);
}
printCounts();
console.log(`\nLoad of the machine: ${loadBefore} before, ${load()} after, which includes the bench itself.`);
