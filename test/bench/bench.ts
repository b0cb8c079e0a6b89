/** `npm run bench [NAME …]`: measures the function side by side with the alternative, and prints a table. */
import { type Bundles, synthesizeBundles } from './bundles.ts';
import type { Row } from './measure.ts';
import { bigSweep } from './rows/big-sweep.ts';
import { bundleSize } from './rows/bundle-size.ts';
import { coldStart } from './rows/cold-start.ts';
import { history } from './rows/history.ts';
import { limitedSweep } from './rows/limited-sweep.ts';
import { manyProjects } from './rows/many-projects.ts';
import { memory } from './rows/memory.ts';
import { month } from './rows/month.ts';
import { warmCancel } from './rows/warm-cancel.ts';

/** What a bench found: its rows, and maybe more, to be printed below the table. */
interface Findings {
  rows: Row[];
  below?: string;
}

const benches: Record<string, (bundles: Bundles) => Promise<Findings>> = {
  coldStart,
  warmCancel,
  bigSweep,
  manyProjects,
  month,
  bundleSize,
  memory,
  history,
  limitedSweep,
};
const asked = process.argv.slice(2);
const chosen = Object.entries(benches).filter(([name]) => asked.length === 0 || asked.includes(name));
const bundles = await synthesizeBundles();
const texts: string[] = [];

console.log('| what | ours | the other side | ratio | goal | holds |');
console.log('| --- | --- | --- | --- | --- | --- |');
for (const [, bench] of chosen) {
  const { rows, below } = await bench(bundles);
  for (const { what, ours, theirs, ratio, goal, holds, isCount } of rows) {
    console.log(`| ${[what, ours, theirs, ratio, goal, holds ? 'yes' : '**no**'].join(' | ')} |`);
    // A slow or busy machine is no failure. A wrong count is.
    if (isCount && !holds) process.exitCode = 1;
  }
  if (below !== undefined) texts.push(below);
}
for (const text of texts) console.log(`\n${text}`);
