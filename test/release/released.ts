import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectDirectory } from '../../infra/local/aws/workspace.ts';
import manifest from '../../package.json' with { type: 'json' };

const dist = join(projectDirectory, 'dist');

/** What `npm run release` built. */
export const released = {
  tarball: join(dist, `fine-tuning-curfew-${manifest.version}.tgz`),
  template: join(dist, 'fine-tuning-curfew.template.json'),
  code: join(dist, 'fine-tuning-curfew.zip'),
  checksums: join(dist, 'SHA256SUMS'),
};

/** The oldest aws-cdk-lib that the package supports. */
export const lowestCdk = manifest.peerDependencies['aws-cdk-lib'].replace('^', '');

/**
 * The template of an earlier version, with a function that does nothing. When releasing, copy the new template from
 * `dist/` to `templates/VERSION.json`.
 */
export function formerTemplate(version: string): FormerTemplate {
  const text = readFileSync(join(import.meta.dirname, 'templates', `${version}.json`), 'utf8');
  const template: FormerTemplate = JSON.parse(text);
  for (const { Type, Properties } of Object.values(template.Resources)) {
    if (Type === 'AWS::Lambda::Function') Properties['Code'] = { ZipFile: 'exports.handler = async () => ({});' };
  }
  return template;
}

export interface FormerTemplate {
  Resources: Record<string, { Type: string; Properties: Record<string, unknown> }>;
}
