import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, build, type Metafile, type Plugin } from 'esbuild';
import { bundledCode } from './bundled-code.ts';

/** How esbuild bundles any function for the Lambda runtime `nodejs24.x`. */
export const bundling = {
  bundle: true,
  platform: 'node',
  // CommonJS loads a tenth faster than a module: the parts of the AWS SDK in it need no shim, and a module that imports
  // node:http runs every getter of it.
  format: 'cjs',
  target: 'node24',
  // Unminified, the code takes a third longer to load.
  minify: true,
  // To read a source map takes three quarters of the time of all the code, at every start. Errors have names and say what to do;
  // for a stack, bundle the same commit again, with a map.
  sourcemap: false,
  // Notices stand in a file of their own.
  legalComments: 'none',
  logLevel: 'warning',
  // ES modules first: esbuild can leave out what they export and nobody uses.
  mainFields: ['module', 'main'],
} satisfies BuildOptions;

const pathOf = (file: string) => fileURLToPath(new URL(file, import.meta.url));
/** Has only what our function needs of these, and says why. */
const bundledCredentials = pathOf('bundled-credentials.ts');
const alias = {
  '@aws-sdk/credential-provider-node': bundledCredentials,
  '@aws-sdk/credential-providers': bundledCredentials,
  '@aws-sdk/token-providers': bundledCredentials,
};

/**
 * Bundles the function into `dist/lambda`: `index.js`, and beside it a file for each part that the function loads only
 * once it needs it, so that no start reads code that it does not use.
 *
 * @returns the files whose code is in it, as paths from the root of the project.
 */
export async function bundleFunction(): Promise<string[]> {
  const parts = new Map<string, string>();
  const main = await bundled(pathOf('../../lambda/handler.ts'), 'index.js', [splitDynamicImports(parts)]);
  const others = await Promise.all([...parts].map(([name, entryPoint]) => bundled(entryPoint, name)));
  const bundles = [main, ...others];
  // Else Node would take them for modules in a package of modules, as this one is.
  const commonJs = { name: 'package.json', text: '{"type":"commonjs"}\n' };
  writeFolder(bundledCode, [commonJs, ...bundles]);
  return bundles.flatMap(({ inputs }) => inputs);
}

interface BundledFile {
  name: string;
  text: string;
}

async function bundled(entryPoint: string, name: string, plugins: Plugin[] = []) {
  const { outputFiles, metafile } = await build({
    ...bundling,
    alias,
    entryPoints: [entryPoint],
    outfile: name,
    plugins,
    // The loader of modules takes longer to start than a part takes to load: `import()` becomes `require()`.
    supported: { 'dynamic-import': false },
    write: false,
    metafile: true,
    absWorkingDir: pathOf('../..'),
  });
  return { name, text: outputFiles[0]?.text ?? '', inputs: bundledFiles(metafile) };
}

/** The files whose code is in a bundle. */
export function bundledFiles({ outputs }: Metafile): string[] {
  const inputs = Object.values(outputs).flatMap((output) => Object.entries(output.inputs));
  return inputs.filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([file]) => file);
}

/** Leaves what our code loads with `import()` to files of their own, and notes them in `parts`: their entry points by name. */
function splitDynamicImports(parts: Map<string, string>): Plugin {
  return {
    name: 'parts apart',
    setup: ({ onResolve, resolve }) => {
      onResolve({ filter: /./ }, async ({ kind, path, importer, resolveDir }) => {
        if (kind !== 'dynamic-import' || importer.includes('node_modules')) return undefined;
        const name = `${basename(path, '.ts')}.js`;
        const { path: file } = await resolve(path, { kind: 'import-statement', importer, resolveDir });
        if ((parts.get(name) ?? file) !== file) throw new Error(`${file} and ${parts.get(name)} need different names`);
        parts.set(name, file);
        return { path: `./${name}`, external: true };
      });
    },
  };
}

/** Makes the files of a folder these, unless they are: others may be reading it right now. */
function writeFolder(folder: string, files: readonly BundledFile[]): void {
  mkdirSync(folder, { recursive: true });
  const names = files.map(({ name }) => name);
  for (const stale of readdirSync(folder).filter((name) => !names.includes(name))) rmSync(join(folder, stale));
  for (const { name, text } of files) {
    const file = join(folder, name);
    if (existsSync(file) && readFileSync(file, 'utf8') === text) continue;
    const draft = join(dirname(folder), `${name}.${process.pid}`);
    writeFileSync(draft, text);
    renameSync(draft, file);
  }
}
