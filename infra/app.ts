/** The app that the cdk command line runs. If AWS_ENDPOINT_URL is set, it deploys to an AWS emulator. */
import { bundleFunction } from './function/bundling.ts';
import { CurfewApp } from './stack.ts';

await bundleFunction();
new CurfewApp({ isEmulated: process.env['AWS_ENDPOINT_URL'] !== undefined });
