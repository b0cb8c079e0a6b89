import { bundleFunction } from '../../infra/function/bundling.ts';
import { isolatedEnvironment, newRunDirectory } from '../../infra/local/aws/workspace.ts';
import { curfewTemplate } from '../../infra/release/template.ts';
import type { Json } from './evaluated.ts';

// CDK writes below the home directory, and its own template rules take five seconds to load.
Object.assign(process.env, isolatedEnvironment(newRunDirectory()), { CDK_VALIDATION: 'false' });
await bundleFunction();

export const releaseTemplate: Record<string, Json> = JSON.parse(JSON.stringify(curfewTemplate('code.zip')));

/** Returns the parameter name of a setting. */
export const pascalCase = (setting: string) => setting.charAt(0).toUpperCase() + setting.slice(1);
