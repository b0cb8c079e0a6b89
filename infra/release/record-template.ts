/** Records the template of this version, for the test that deploys the next ones over it. Run it when releasing. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import manifest from '../../package.json' with { type: 'json' };
import { bundleFunction } from '../function/bundling.ts';
import { curfewTemplate } from './template.ts';

await bundleFunction();
// In the test nobody calls the old function.
const template = curfewTemplate({ ZipFile: 'exports.handler = async () => ({});' });
const file = join(import.meta.dirname, '../../test/release/templates', `${manifest.version}.json`);
writeFileSync(file, `${JSON.stringify(template, undefined, 2)}\n`);
