import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectDirectory } from '../../infra/local/aws/workspace.ts';
import manifest from '../../package.json' with { type: 'json' };

const dist = join(projectDirectory, 'dist');

/** What `npm run release` made. */
export const released = {
  tarball: join(dist, `fine-tuning-curfew-${manifest.version}.tgz`),
  template: join(dist, 'fine-tuning-curfew.template.json'),
  code: join(dist, 'fine-tuning-curfew.zip'),
  checksums: join(dist, 'SHA256SUMS'),
};

/** The oldest aws-cdk-lib that the package is for. */
export const lowestCdk = manifest.peerDependencies['aws-cdk-lib'].replace('^', '');

/** The template of an earlier version, with a function that does nothing. */
export function formerTemplate(version: string): FormerTemplate {
  return JSON.parse(readFileSync(join(import.meta.dirname, 'templates', `${version}.json`), 'utf8'));
}

export interface FormerTemplate {
  Resources: Record<string, { Type: string }>;
}
