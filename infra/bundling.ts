import { fileURLToPath } from 'node:url';
import { type BundlingOptions, LogLevel, OutputFormat } from 'aws-cdk-lib/aws-lambda-nodejs';

/** How esbuild bundles any function for the Lambda runtime `nodejs24.x`. */
export const bundling: BundlingOptions = {
  // CommonJS loads a tenth faster than a module: the parts of the AWS SDK in it need no shim, and a module that imports
  // node:http runs every getter of it.
  format: OutputFormat.CJS,
  target: 'node24',
  // Unminified, the code takes a third longer to load.
  minify: true,
  // To read a source map takes three quarters of the time of all the code, at every start. Errors have names and say what to do;
  // for a stack, bundle the same commit again, with a map.
  sourceMap: false,
  logLevel: LogLevel.WARNING,
  // The version that was tested, not the one that the runtime happens to have; and only the parts that are used.
  bundleAwsSDK: true,
  // ES modules first: esbuild can leave out what they export and nobody uses.
  mainFields: ['module', 'main'],
};

const environmentCredentials = fileURLToPath(new URL('environment-credentials.ts', import.meta.url));

/** The same, without what our function never needs. That file says why. */
export const leanBundling: BundlingOptions = {
  ...bundling,
  esbuildArgs: {
    '--alias:@aws-sdk/credential-provider-node': environmentCredentials,
    '--alias:@aws-sdk/credential-providers': environmentCredentials,
  },
};
