import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, build, type Metafile, type Plugin } from 'esbuild';
import { bundledCode } from './bundled-code.ts';

/** The esbuild options for functions on the Lambda runtime `nodejs24.x`. */
export const bundling = {
  bundle: true,
  platform: 'node',
  // CommonJS loads a tenth faster than an ES module: the AWS SDK needs no shim, and an ES module that imports node:http
  // runs each of its getters.
  format: 'cjs',
  target: 'node24',
  // Unminified, the code takes a third longer to load.
  minify: true,
  // Reading a source map takes three quarters as long as loading all the code, at every start. Errors have names and say
  // what to do; for a stack trace, bundle the same commit again with a map.
  sourcemap: false,
  // Notices are in a separate file.
  legalComments: 'none',
  logLevel: 'warning',
  // ES modules first, because esbuild can drop their unused exports.
  mainFields: ['module', 'main'],
} satisfies BuildOptions;

const pathOf = (file: string) => fileURLToPath(new URL(file, import.meta.url));
/** Has only what our function needs of these packages, and says why. */
const bundledCredentials = pathOf('bundled-credentials.ts');
const alias = {
  '@aws-sdk/credential-provider-node': bundledCredentials,
  '@aws-sdk/credential-providers': bundledCredentials,
  '@aws-sdk/token-providers': bundledCredentials,
};

/**
 * Bundles the function into `dist/lambda`: `index.js`, and a file for each part that the function loads on first use, so
 * a start reads only code that it needs.
 *
 * @returns the source files in the bundles, as paths from the root of the project.
 */
export async function bundleFunction(): Promise<string[]> {
  const parts = new Map<string, string>();
  const main = await bundled(pathOf('../../lambda/handler.ts'), 'index.js', [splitDynamicImports(parts)]);
  const others = await Promise.all([...parts].map(([name, entryPoint]) => bundled(entryPoint, name)));
  const bundles = [main, ...others];
  // Otherwise Node would treat them as ES modules, as declared by our own package.json.
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
    // Turns `import()` into `require()`: the ES module loader takes longer to start than a part takes to load.
    supported: { 'dynamic-import': false },
    write: false,
    metafile: true,
    absWorkingDir: pathOf('../..'),
  });
  return { name, text: outputFiles[0]?.text ?? '', inputs: bundledFiles(metafile) };
}

/** Returns the source files in a bundle. */
export function bundledFiles({ outputs }: Metafile): string[] {
  const inputs = Object.values(outputs).flatMap((output) => Object.entries(output.inputs));
  return inputs.filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([file]) => file);
}

/** Keeps what our code loads with `import()` out of the bundle, and collects it in `parts`: entry points by file name. */
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

/** Makes these the only files of a folder. Leaves unchanged files alone, because others may be reading them. */
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
