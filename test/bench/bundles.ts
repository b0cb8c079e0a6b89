import { cpSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { bundledCode } from '../../infra/function/bundled-code.ts';
import { bundleFunction, bundling } from '../../infra/function/bundling.ts';
import { newDirectory } from './programs.ts';

export interface Bundle {
  /** The file that Lambda loads. */
  file: string;
  /** Its size. What is loaded only if needed is in other files beside it. */
  bytes: number;
}

/** The deployed bundle, and those of the afternoon handlers with the same settings but nothing left out. */
export interface Bundles {
  ours: Bundle;
  theirs: Bundle;
  theirsWithEvent: Bundle;
}

export async function bundleAll(): Promise<Bundles> {
  const directory = newDirectory();
  await bundleFunction();
  // A copy: the folder is bundled anew when somebody deploys or runs tests meanwhile.
  cpSync(bundledCode, join(directory, 'ours'), { recursive: true });
  for (const name of ['afternoon-handler', 'afternoon-handler-with-event']) {
    await build({
      ...bundling,
      entryPoints: [join(import.meta.dirname, `${name}.ts`)],
      outfile: join(directory, name, 'index.js'),
    });
  }
  const bundleIn = (name: string): Bundle => {
    const file = join(directory, name, 'index.js');
    return { file, bytes: statSync(file).size };
  };
  return {
    ours: bundleIn('ours'),
    theirs: bundleIn('afternoon-handler'),
    theirsWithEvent: bundleIn('afternoon-handler-with-event'),
  };
}
