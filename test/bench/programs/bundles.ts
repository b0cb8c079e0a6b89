/** Bundles what is deployed, and the afternoon handler, into the directory it is given; says where they are. */
import { cpSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { bundledCode } from '../../../infra/bundled-code.ts';
import { bundleFunction, bundling } from '../../../infra/bundling.ts';
import type { Bundle } from '../bundles.ts';

const outdir = process.argv[2] ?? '';
const [ours, theirs] = [join(outdir, 'ours'), join(outdir, 'theirs')];
await bundleFunction();
cpSync(bundledCode, ours, { recursive: true });
await build({
  ...bundling,
  entryPoints: [fileURLToPath(new URL('../afternoon-handler.ts', import.meta.url))],
  outfile: join(theirs, 'index.js'),
});
const bundleIn = (directory: string): Bundle => {
  const file = join(directory, 'index.js');
  return { file, bytes: statSync(file).size };
};
console.log(JSON.stringify({ ours: bundleIn(ours), theirs: bundleIn(theirs) }));
