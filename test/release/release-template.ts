import { bundleFunction } from '../../infra/function/bundling.ts';
import { isolatedEnvironment, newRunDirectory } from '../../infra/local/aws/workspace.ts';
import { curfewTemplate } from '../../infra/release/template.ts';
import type { Json } from './evaluated.ts';

// CDK writes below the home directory, and its own rules for templates take five seconds to load.
Object.assign(process.env, isolatedEnvironment(newRunDirectory()), { CDK_VALIDATION: 'false' });
await bundleFunction();

/** The template of a release. */
export const releaseTemplate: Record<string, Json> = JSON.parse(JSON.stringify(curfewTemplate('code.zip')));

/** The name of a setting as that of a parameter. */
export const pascalCase = (setting: string) => setting.charAt(0).toUpperCase() + setting.slice(1);
