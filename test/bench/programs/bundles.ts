/** Bundles what is deployed, and the afternoon handlers, into the directory it is given; says where they are. */
import { cpSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { bundledCode } from '../../../infra/function/bundled-code.ts';
import { bundleFunction, bundling } from '../../../infra/function/bundling.ts';
import type { Bundle, Bundles } from '../bundles.ts';

const outdir = process.argv[2] ?? '';

async function ours(): Promise<Bundle> {
  await bundleFunction();
  cpSync(bundledCode, join(outdir, 'ours'), { recursive: true });
  return bundleIn('ours');
}

async function bundled(name: string): Promise<Bundle> {
  await build({
    ...bundling,
    entryPoints: [fileURLToPath(new URL(`../${name}.ts`, import.meta.url))],
    outfile: join(outdir, name, 'index.js'),
  });
  return bundleIn(name);
}

function bundleIn(directory: string): Bundle {
  const file = join(outdir, directory, 'index.js');
  return { file, bytes: statSync(file).size };
}

const bundles: Bundles = {
  ours: await ours(),
  theirs: await bundled('afternoon-handler'),
  theirsWithEvent: await bundled('afternoon-handler-with-event'),
};
console.log(JSON.stringify(bundles));
