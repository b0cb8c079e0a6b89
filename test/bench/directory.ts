import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { newRunDirectory } from '../../infra/local/aws/workspace.ts';

const runDirectory = newRunDirectory();

/** A new directory below the one of this run of the bench, with which it goes. */
export function newDirectory(): string {
  return mkdtempSync(join(runDirectory, 'bench-'));
}
