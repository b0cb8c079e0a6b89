/** Builds a release in `dist/`: the package, the template with the function's code, and checksums. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { globSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Zippable, zipSync } from 'fflate';
import { curfewTemplate } from './template.ts';

const root = join(import.meta.dirname, '../..');
const dist = join(root, 'dist');
const inDist = (name: string) => join(dist, name);
const [template, code, checksums] = ['fine-tuning-curfew.template.json', 'fine-tuning-curfew.zip', 'SHA256SUMS'];

mkdirSync(dist, { recursive: true });
for (const old of releasedFiles()) rmSync(inDist(old));
// This also builds the package.
execFileSync('npm', ['pack', '--pack-destination', dist], { cwd: root, stdio: 'inherit' });
writeFileSync(inDist(template), JSON.stringify(curfewTemplate(code)));
writeFileSync(
  inDist(code),
  zipSync({
    ...zippable(inDist('lambda'), readdirSync(inDist('lambda'))),
    ...zippable(dist, ['THIRD-PARTY-NOTICES.txt']),
    ...zippable(root, [
      'README.md',
      'CHANGELOG.md',
      'SECURITY.md',
      'LICENSE',
      ...globSync('docs/*', { cwd: root }).sort(),
    ]),
  }),
);
const sums = releasedFiles().map((name) => `${sha256Of(inDist(name))}  ${name}\n`);
writeFileSync(inDist(checksums), sums.join(''));
console.log([...releasedFiles(), checksums].map((name) => `dist/${name}`).join('\n'));

function releasedFiles(): string[] {
  return globSync(['*.tgz', template, code], { cwd: dist }).sort();
}

/** Returns files for a zip, with a fixed date, so the same files always make the same bytes. */
function zippable(folder: string, names: string[]): Zippable {
  const options = { mtime: new Date(2000, 0, 1), level: 9 } as const;
  return Object.fromEntries(names.map((name) => [name, [readFileSync(join(folder, name)), options]]));
}

function sha256Of(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}
