/** `npm run bench [NAME …]`: compares the function with alternatives, and prints a table. */
import { statSync } from 'node:fs';
import { loadavg } from 'node:os';
import { isolatedEnvironment, newRunDirectory } from '../../infra/local/aws/workspace.ts';
import { type Bundles, bundleAll } from './bundles.ts';
import { coldStart, warmCancel } from './rows/cancels.ts';
import { manyProjects } from './rows/many-projects.ts';
import { month } from './rows/month.ts';
import { memory, rateLimits, sweeps } from './rows/sweeps.ts';
import { inUnit, printHead, printWrongCounts, Row } from './table.ts';

async function bundleSize({ ours, theirs }: Bundles): Promise<void> {
  new Row().print('bundle size', [statSync(ours).size, statSync(theirs).size], inUnit('kB', 1000), ['≤', 0.5]);
}

// The bill comes last, because it has its own table.
const rows = { coldStart, warmCancel, sweeps, manyProjects, rateLimits, memory, bundleSize, month };
const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(rows);

// CDK, npm and the AWS SDK also write temporary files, or below the home directory.
Object.assign(process.env, isolatedEnvironment(newRunDirectory()));
const bundles = await bundleAll();
console.log(`Load of the machine before: ${loadavg().map((average) => average.toFixed(1))}\n`);
printHead('what', 'ours', 'the other side', 'ratio', 'goal', '', 'right counts');
for (const name of names) {
  const measure = Object.entries(rows).find(([row]) => row === name)?.[1];
  if (!measure) throw new Error(`No row "${name}". There are: ${Object.keys(rows).join(', ')}.`);
  try {
    await measure(bundles);
  } catch (error) {
    console.error(`"${name}" cannot be measured here.`, error);
    process.exitCode = 1;
  }
}
printWrongCounts();
