/** What the cdk command line runs. Whoever sets an endpoint deploys to an emulator of AWS. */
import { bundleFunction } from './function/bundling.ts';
import { CurfewApp } from './stack.ts';

await bundleFunction();
new CurfewApp({ isEmulated: process.env['AWS_ENDPOINT_URL'] !== undefined });
