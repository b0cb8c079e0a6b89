/**
 * `node load.ts [BUNDLE]`: uses `fetch` once, which every client of OpenAI loads sooner or later, then loads the bundle.
 * Prints the CPU time of the process so far, in milliseconds.
 */
import { createRequire } from 'node:module';

await (await fetch('data:,')).text();
const [, , bundle] = process.argv;
// As the Lambda runtime loads a CommonJS handler.
if (bundle !== undefined) createRequire(import.meta.url)(bundle);
const { user, system } = process.cpuUsage();
console.log((user + system) / 1000);
process.exit();
