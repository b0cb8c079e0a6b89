/** The tests that mutation testing runs, all in one process, because starting one takes longer than most of them. */
import { glob } from 'node:fs/promises';
import { basename, join } from 'node:path';

/** These take seconds, or start processes of their own, and kill no mutant that the others let live. */
const slow = new Set([
  'imports.test.ts',
  'key-leak.test.ts',
  'large-sweep.test.ts',
  'project-rotation.test.ts',
  'several-projects.test.ts',
  'sweep-properties.test.ts',
  'sweep-time.test.ts',
]);

const directory = join(import.meta.dirname, 'lambda');
const files = await Array.fromAsync(
  glob('**/*.test.ts', { cwd: directory, exclude: (file) => slow.has(basename(file)) }),
);
for (const file of files.sort()) await import(join(directory, file));
