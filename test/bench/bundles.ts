import { cpSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { bundledCode } from '../../infra/function/bundled-code.ts';
import { bundleFunction, bundling } from '../../infra/function/bundling.ts';

/** The files that Lambda would load: the deployed bundle, and the afternoon handlers with the same settings. */
export type Bundles = Awaited<ReturnType<typeof bundleAll>>;

export async function bundleAll() {
  const directory = mkdtempSync(join(tmpdir(), 'bundles-'));
  await bundleFunction();
  // A copy, because deployments and tests bundle the folder anew meanwhile.
  cpSync(bundledCode, join(directory, 'ours'), { recursive: true });
  const fileIn = (name: string) => join(directory, name, 'index.js');
  for (const name of ['afternoon-handler', 'afternoon-handler-with-event']) {
    await build({ ...bundling, entryPoints: [join(import.meta.dirname, `${name}.ts`)], outfile: fileIn(name) });
  }
  return {
    ours: fileIn('ours'),
    theirs: fileIn('afternoon-handler'),
    theirsWithEvent: fileIn('afternoon-handler-with-event'),
  };
}
