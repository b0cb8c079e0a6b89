/** `npm run bench [NAME …]`: measures the function side by side with the alternative, and prints a table. */
import { bigSweep } from './big-sweep.ts';
import { coldStart } from './cold-start.ts';
import { history } from './history.ts';
import { limitedSweep } from './limited-sweep.ts';
import type { Row } from './measure.ts';
import { memory } from './memory.ts';
import { warmCancel } from './warm-cancel.ts';

const benches: Record<string, () => Promise<Row[]>> = {
  coldStart,
  warmCancel,
  bigSweep,
  memory,
  history,
  limitedSweep,
};
const asked = process.argv.slice(2);
const chosen = Object.entries(benches).filter(([name]) => asked.length === 0 || asked.includes(name));

console.log('| what | ours | the other side | ratio | goal | holds |');
console.log('| --- | --- | --- | --- | --- | --- |');
for (const [, bench] of chosen) {
  for (const { what, ours, theirs, ratio, goal, holds, isCount } of await bench()) {
    console.log(`| ${[what, ours, theirs, ratio, goal, holds ? 'yes' : '**no**'].join(' | ')} |`);
    // A slow or busy machine is no failure. A wrong count is.
    if (isCount && !holds) process.exitCode = 1;
  }
}
