/** Builds the package into `dist/`, except for the type declarations: the construct, the function's code and the notices. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { bundledFiles, bundleFunction } from '../function/bundling.ts';
import { noticesOf } from './notices.ts';

const root = join(import.meta.dirname, '../..');
const dist = join(root, 'dist');

mkdirSync(dist, { recursive: true });
const [inFunction, inConstruct] = await Promise.all([bundleFunction(), bundleConstruct()]);
writeFileSync(join(dist, 'THIRD-PARTY-NOTICES.txt'), noticesOf([...inFunction, ...inConstruct], root));

/**
 * Bundles the construct into one CommonJS file, which ES module apps can load too.
 *
 * @returns the source files in it, as paths from the root.
 */
async function bundleConstruct(): Promise<string[]> {
  const { metafile } = await build({
    entryPoints: ['infra/index.ts'],
    outfile: 'dist/index.cjs',
    absWorkingDir: root,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    external: ['aws-cdk-lib', 'constructs'],
    define: { 'import.meta.dirname': 'moduleDirectory', 'URL.parse': 'parseUrl' },
    inject: ['infra/release/in-package.ts'],
    legalComments: 'none',
    logLevel: 'warning',
    metafile: true,
  });
  return bundledFiles(metafile);
}
