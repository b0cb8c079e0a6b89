import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Template } from 'aws-cdk-lib/assertions';
import cdkJson from '../../cdk.json' with { type: 'json' };
import { type Environment, run } from '../../infra/local/processes.ts';
import { isolatedEnvironment, newRunDirectory, projectDirectory } from '../../infra/local/workspace.ts';

/**
 * The template that the CDK app makes, cdk-nag's checks included, with `context` over the defaults of `cdk.json`, and
 * with more environment variables.
 */
export async function synthesize(
  context: Record<string, string> = {},
  variables: Environment = { AWS_ENDPOINT_URL: undefined },
): Promise<Template> {
  const runDirectory = newRunDirectory();
  const environment = {
    ...isolatedEnvironment(runDirectory),
    ...variables,
    // As the cdk command line hands them to an app.
    CDK_OUTDIR: runDirectory,
    CDK_CONTEXT_JSON: JSON.stringify({ ...cdkJson.context, ...context }),
  };
  await run(process.execPath, ['infra/app.ts'], environment, projectDirectory);
  return Template.fromJSON(
    JSON.parse(readFileSync(join(runDirectory, 'FineTuningCurfew.template.json'), 'utf8')),
  );
}
